"""Real-world files: each gives the right values, or one message with row and remedy."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from quintet.base.errors import Code
from quintet.data.facts import check
from quintet.data.module import DataModule
from quintet.data.samples import Samples
from quintet.data.sources.arrays import arrays
from quintet.data.sources.reader import read_new
from quintet.data.sources.tables import csv
from refusals import Refusal

CASES = Path(__file__).parents[1] / "cases"


def case(name: str, target: str = "y", **options: object) -> Samples:
    samples = csv(str(CASES / name), target, **options)
    check(samples)
    return samples


def use(samples: Samples) -> dict[str, str]:
    return {column.name: column.use for column in samples.columns}


def test_points_may_stand_between_thousands():
    samples = case("euro5t.csv", "price")
    assert samples.task == "regression"
    assert samples.y[:3, 0].tolist() == [1_250_000, 301_000, 302_000]


def test_addresses_are_not_numbers():
    samples = case("ip.csv", columns=["ip"])
    assert samples.reader["columns"][0]["type"] == "category"
    assert "192.168.0.10" in samples.reader["columns"][0]["categories"]


def test_two_decimal_marks_in_one_column_are_asked_about():
    with Refusal(Code.DATA, "data.decimal") as caught:
        case("mixed_decimal.csv")
    assert caught.value.key == "data.decimal"
    settled = case("mixed_decimal.csv", decimal=",", unreadable="missing")
    assert int(settled.x[:, 0].isnan().sum()) == 20
    assert settled.x[1, 0] == pytest.approx(1.76)
    with Refusal(Code.DATA, match="20 of 40 cells") as caught:
        case("mixed_decimal.csv", decimal=",")
    assert caught.value.code is Code.DATA


def test_times_of_day_are_read():
    samples = case("datetime_us.csv")
    assert samples.reader["columns"][0]["form"] == "%m/%d/%Y"
    assert samples.reader["columns"][0]["parts"] == ["", "month", "weekday", "hour"]
    assert samples.x[0, 1:].tolist() == [1, 0, 13]  # Monday, 1:30 PM


def test_a_large_target_keeps_its_units():
    y = case("bigtarget.csv").y
    assert y.dtype == torch.float64
    assert y[:, 0].tolist() == [1_700_000_000 + i for i in range(60)]


def test_large_labels_keep_their_names():
    samples = case("bigclass.csv")
    assert samples.class_names == ["10012345", "10012346", "10012399"]
    assert samples.y[:4].tolist() == [0, 1, 2, 0]


def test_a_header_cell_is_a_name():
    samples = case("glass.csv", "Type")
    assert [spec["name"] for spec in samples.reader["columns"]] == ["RI", "Na", "Mg", "Al"]


def test_a_table_of_categories_only():
    samples = case("allcat.csv", "kind", drop="size")
    assert samples.cardinalities == [4, 4]
    assert samples.x.shape == (200, 2)


def test_one_hot_targets_are_classes():
    samples = arrays(str(CASES / "onehot.npz"))
    check(samples)
    assert (samples.task, samples.class_names) == ("multiclass", ["0", "1", "2"])
    assert samples.y[:3].tolist() == [0, 1, 2]
    assert arrays(str(CASES / "onehot.npz"), task="multilabel").y.shape == (60, 3)


def test_a_file_without_samples_is_refused():
    with Refusal(Code.DATA, match=r"no samples.*\(0, 4\)"):
        arrays(str(CASES / "empty.npz"))


def test_a_title_is_skipped_and_told():
    samples = case("title.csv")
    assert samples.x[:3].tolist() == [[0, 0], [1.5, 1], [3, 4]]
    assert "'Sales report 2024'" in " ".join(samples.data_summary)


def test_white_space_separates():
    samples = case("sep_regex.csv")
    assert samples.x[:3].tolist() == [[0, 0], [1.5, 1], [3, 2]]
    assert torch.equal(case("sep_regex.csv", separator=r"\s+").x, samples.x)


def test_bytes_of_another_encoding_are_named(tmp_path):
    file = tmp_path / "late_latin1.csv"
    lines = "".join(f"{'x' * 20}{i % 5},{1.5 * i},{'ab'[i % 2]}\n" for i in range(30_000))
    file.write_bytes(b"name,v,y\n" + lines.encode() + b"caf\xe9,3,a\n")
    with Refusal(Code.DAMAGED, match=r"line 30002.*data.encoding=cp1252.*café,3,a"):
        csv(str(file), "y")
    assert len(csv(str(file), "y", encoding="cp1252").y) == 30_001


def test_the_same_rows_in_another_spelling():
    samples = case("train_de.csv")
    same = read_new(CASES / "new_de.csv", samples.reader)
    assert torch.equal(same.x, samples.x)
    for name, key, value in (
        ("new_point.csv", "decimal", "."),
        ("new_forms.csv", "date_format", "%d.%m.%Y"),
    ):
        with Refusal(Code.DATA, match="400 of 400 cells") as caught:
            read_new(CASES / name, samples.reader)
        assert f"data.{key}='{value}'" in caught.value.hint
        assert torch.equal(read_new(CASES / name, samples.reader, {key: value}).x, samples.x)
    taken = read_new(CASES / "new_point.csv", samples.reader, {"unreadable": "missing"})
    assert taken.x[:, 0].isnan().all()
    assert "400 of 400 cells" in " ".join(taken.remarks)


@pytest.mark.parametrize("name", ["train_de.csv", "datetime_us.csv", "allcat.csv", "glass.csv"])
def test_reading_the_training_file_again_gives_its_values(name):
    target = {"allcat.csv": "kind", "glass.csv": "Type"}.get(name, "y")
    samples = case(name, target)
    new = read_new(CASES / name, samples.reader)
    np.testing.assert_array_equal(new.x.numpy(), samples.x.numpy())


@pytest.mark.parametrize(
    ("name", "target", "options"),
    [
        ("allcat.csv", "kind", {"drop": "size"}),
        ("bigclass.csv", "y", {}),
        ("bigtarget.csv", "y", {}),
        ("datetime_us.csv", "y", {}),
        ("euro5t.csv", "price", {}),
        ("glass.csv", "Type", {}),
        ("ip.csv", "y", {"columns": "ip"}),
        ("sep_regex.csv", "y", {}),
        ("title.csv", "y", {}),
        ("train_de.csv", "y", {}),
    ],
)
def test_a_case_is_split_and_scaled(name, target, options):
    module = DataModule(partial(csv, str(CASES / name), target, **options))
    module.load()
    for x, y in module.splits.values():
        assert x.isfinite().all()
        assert y.isfinite().all()


def test_a_large_target_is_learnt_in_its_own_units():
    module = DataModule(partial(csv, str(CASES / "bigtarget.csv"), "y"))
    module.load()
    y = torch.cat([module.splits[part][1] for part in ("train", "val", "test")])
    learnt = module.preprocess.transform_target(y).float()
    assert learnt.abs().max() < 5
    restored = module.preprocess.restore_target(learnt.double()).sort(dim=0)[0][:, 0]
    wanted = 1_700_000_000 + torch.arange(60, dtype=torch.float64)
    torch.testing.assert_close(restored, wanted, rtol=0, atol=1e-4)
