import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from quintet.base.errors import Code
from quintet.data.samples import Samples
from quintet.data.sources.arrays import arrays
from quintet.data.sources.bundled import breast_cancer, digits
from quintet.data.sources.reader import read_new
from quintet.data.sources.series import elnino
from quintet.data.sources.tables import csv
from quintet.data.sources.text import unicode_names
from refusals import Refusal


def stored(samples: Samples) -> dict:
    """Return the reader as read back from a file, as plain data."""
    return json.loads(json.dumps(samples.reader))


@pytest.fixture
def table(tmp_path: Path) -> tuple[Path, Samples]:
    lines = [
        f"{i % 9 if i % 7 else ''};{'uvw'[i % 3]};{1700000000000 + i * i};0{i % 4};"
        f"{i},5;{1 + i % 28}.02.2024;{'y' if i % 5 else 'n'};{i % 2}"
        for i in range(60)
    ]
    file = tmp_path / "train.csv"
    file.write_text("a;b;stamp;zip;c;day;flag;t\n" + "\n".join(lines))
    return file, csv(str(file), "t")


def test_the_training_file_reads_back_as_it_was(table) -> None:
    file, samples = table
    new = read_new(file, stored(samples))
    torch.testing.assert_close(new.x, samples.x, equal_nan=True, rtol=0, atol=0)
    assert new.names[:2] == ["1", "2"]
    assert new.remarks == ["Ignored columns the model does not use: t."]


def test_order_does_not_matter_and_extra_columns_are_ignored(table, tmp_path: Path) -> None:
    file, samples = table
    frame = pd.read_csv(file, sep=";", dtype=str, keep_default_na=False)
    frame.insert(0, "extra", "1")
    frame[frame.columns[::-1]].to_csv(tmp_path / "new.csv", index=False)
    new = read_new(tmp_path / "new.csv", stored(samples))
    torch.testing.assert_close(new.x, samples.x, equal_nan=True, rtol=0, atol=0)
    assert "extra" in new.remarks[0]


def test_one_new_row_reads_as_in_training(table, tmp_path: Path) -> None:
    file, samples = table
    lines = file.read_text().splitlines()
    (tmp_path / "one.csv").write_text("\n".join([lines[0], lines[9]]))
    new = read_new(tmp_path / "one.csv", stored(samples))
    torch.testing.assert_close(new.x[0], samples.x[8], equal_nan=True, rtol=0, atol=0)


def test_unknown_categories_and_stray_text_are_reported(table, tmp_path: Path) -> None:
    file, samples = table
    text = file.read_text().replace(";u;", ";zebra;").replace("\n2;", "\ntwo;")
    (tmp_path / "new.csv").write_text(text)
    new = read_new(tmp_path / "new.csv", stored(samples))
    names = [c["name"] for c in samples.reader["columns"]]
    city = samples.x.shape[1] - len(samples.cardinalities) + names[-2:].index("b")
    assert set(new.x[:, city].tolist()) == {0.0, 2.0, 3.0}
    zebras = file.read_text().count(";u;")
    said = f"{zebras} of {len(new.x)} cells hold 1 value(s) absent from training ('zebra'"
    assert any(said in sentence for sentence in new.remarks)
    assert any("'two'" in sentence for sentence in new.remarks)


def test_a_missing_column_is_named_with_the_nearest(table, tmp_path: Path) -> None:
    file, samples = table
    (tmp_path / "new.csv").write_text(file.read_text().replace("stamp", "stmp"))
    with Refusal(Code.UNKNOWN_NAME, match=r"'stamp'.*Did you mean 'stmp'"):
        read_new(tmp_path / "new.csv", stored(samples))


def test_parquet_of_other_types_reads_the_same(table, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    file, samples = table
    frame = pd.read_csv(file, sep=";", decimal=",", dtype={"zip": str})
    frame["day"] = pd.to_datetime(frame["day"], format="%d.%m.%Y")
    frame.to_parquet(tmp_path / "new.parquet")
    new = read_new(tmp_path / "new.parquet", stored(samples))
    torch.testing.assert_close(new.x, samples.x, equal_nan=True, rtol=0, atol=0)


def test_bundled_tables_read_a_csv_of_the_same_columns(tmp_path: Path) -> None:
    from sklearn.datasets import load_breast_cancer

    load_breast_cancer(as_frame=True).frame.to_csv(tmp_path / "new.csv", index=False)
    new = read_new(tmp_path / "new.csv", stored(breast_cancer()))
    torch.testing.assert_close(new.x, breast_cancer().x)


def test_a_series_becomes_windows_up_to_its_end(tmp_path: Path) -> None:
    values = np.arange(30.0)
    pd.DataFrame({"temperature": values}).to_csv(tmp_path / "new.csv", index=False)
    new = read_new(tmp_path / "new.csv", stored(elnino()))
    assert new.x.shape == (7, 24, 1)
    assert new.x[-1, :, 0].tolist() == values[-24:].tolist()
    assert new.names[-1] == "after row 30"
    pd.DataFrame({"temperature": values[:9]}).to_csv(tmp_path / "new.csv", index=False)
    with Refusal(Code.DATA, match=r"too few"):
        read_new(tmp_path / "new.csv", stored(elnino()))


@pytest.mark.parametrize("name", ["new.txt", "new.csv"])
def test_texts_are_read_line_by_line_or_by_column(tmp_path: Path, name: str) -> None:
    head = "text\n" if name.endswith("csv") else ""
    (tmp_path / name).write_text(head + "greek small letter omega\nSOUTH EAST ARROW\n")
    samples = unicode_names()
    new = read_new(tmp_path / name, stored(samples))
    assert new.x.shape == (2, 12)
    assert all((samples.x == row).all(dim=1).any() for row in new.x)


def test_images_are_read_from_a_folder_or_a_file(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    samples = digits()
    for number in range(3):
        pixels = (samples.x[number, 0] * 255 / 16).round().to(torch.uint8).numpy()
        image.fromarray(pixels).save(tmp_path / f"{number}.png")
    new = read_new(tmp_path, stored(samples))
    torch.testing.assert_close(new.x, samples.x[:3], atol=0.04, rtol=0)
    one = read_new(tmp_path / "1.png", stored(samples))
    assert torch.equal(one.x[0], new.x[1])


def test_arrays_read_back_as_they_were(tmp_path: Path) -> None:
    x = digits().x[:, 0].numpy().astype(np.uint8)
    np.savez(tmp_path / "train.npz", x=x, y=digits().y.numpy())
    samples = arrays(str(tmp_path / "train.npz"))
    np.save(tmp_path / "new.npy", x[:4])
    assert torch.equal(read_new(tmp_path / "new.npy", stored(samples)).x, samples.x[:4])
    np.save(tmp_path / "new.npy", x[:4, :7])
    with Refusal(Code.INCOMPATIBLE, match=r"\[1, 7, 8\].*trained on"):
        read_new(tmp_path / "new.npy", stored(samples))


def test_any_run_takes_arrays_in_the_shape_of_training(tmp_path: Path) -> None:
    np.savez(tmp_path / "new.npz", inputs=digits().x[:4].numpy())
    assert torch.equal(read_new(tmp_path / "new.npz", stored(digits())).x, digits().x[:4])


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for samples in (breast_cancer(), digits(), unicode_names()):
        with Refusal(Code.NOT_FOUND, match=r"no file"):
            read_new(tmp_path / "none.csv", stored(samples))


def test_words_of_no_value_of_a_new_file(table, tmp_path: Path) -> None:
    file, samples = table
    (tmp_path / "new.csv").write_text(file.read_text().replace("\n2;", "\ntwo;"))
    new = read_new(tmp_path / "new.csv", stored(samples), {"missing": ["two"]})
    assert not any("two" in sentence for sentence in new.remarks)
