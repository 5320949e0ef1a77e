"""Tables with an official split."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from quintet.base.errors import Code, UserError
from quintet.data.module import DataModule
from quintet.data.sources.tables import csv
from refusals import Refusal


def rows(count: int, start: int = 0) -> pd.DataFrame:
    number = range(start, start + count)
    return pd.DataFrame(
        {"x": [n * 0.5 for n in number], "city": ["ab"[n % 2] for n in number],
         "y": ["no" if n % 3 else "yes" for n in number]}
    )  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    found = {}
    for name, count in (("train", 60), ("val", 12), ("test", 18)):
        rows(count, {"train": 0, "val": 100, "test": 200}[name]).to_csv(
            tmp_path / f"{name}.csv", index=False
        )
        found[name] = str(tmp_path / f"{name}.csv")
    return found


def test_files_of_their_own_are_the_parts(files: dict[str, str]) -> None:
    samples = csv(files["train"], "y", val_path=files["val"], test_path=files["test"])
    assert samples.split.tolist() == [0] * 60 + [1] * 12 + [2] * 18
    assert samples.x[:, 0].tolist()[60:63] == [50.0, 50.5, 51.0]
    assert samples.class_names == ["no", "yes"]
    assert samples.y.tolist()[60:64] == [0, 0, 1, 0]
    assert any("18 rows for test" in sentence for sentence in samples.data_summary)


def test_what_is_measured_at_the_end_is_the_official_test_part(files: dict[str, str]) -> None:
    module = DataModule(lambda: csv(files["train"], "y", test_path=files["test"]))
    facts = module.load()
    assert (facts.train_size, facts.val_size, facts.test_size) == (52, 8, 18)
    assert module.indices["test"].tolist() == list(range(60, 78))
    assert any("own split is kept" in sentence for sentence in module.data_summary)


def test_scaling_knows_the_training_part_alone(files: dict[str, str]) -> None:
    module = DataModule(lambda: csv(files["train"], "y", test_path=files["test"]))
    module.load()
    train = module.splits["train"][0][:, 0]
    assert float(train.mean().abs()) < 1e-5
    assert float(module.splits["test"][0][:, 0].min()) > 5


SPELLINGS = {
    "names": ["train", "test", "val"], "long": ["Training", "Testing", "Validation"],
    "mixed": ["TRAIN", "test", "dev"],
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_column_names_the_parts(tmp_path: Path, name: str) -> None:
    frame = rows(60)
    frame["part"] = [SPELLINGS[name][0 if n % 5 < 3 else n % 5 - 2] for n in range(60)]
    frame.to_csv(tmp_path / "t.csv", index=False)
    samples = csv(str(tmp_path / "t.csv"), "y", split="part")
    assert samples.split.tolist() == [
        0 if n % 5 < 3 else (2 if n % 5 == 3 else 1) for n in range(60)
    ]
    assert [column["name"] for column in samples.reader["columns"]] == ["x", "city"]


@pytest.mark.parametrize("written", [("0", "1"), ("False", "True"), ("no", "yes")])
def test_a_column_of_yes_and_no_marks_the_test_part(tmp_path: Path, written) -> None:
    frame = rows(40)
    frame["is_test"] = [written[n % 4 == 0] for n in range(40)]
    frame.to_csv(tmp_path / "t.csv", index=False)
    samples = csv(str(tmp_path / "t.csv"), "y", split="is_test")
    assert samples.split.tolist() == [2 * (n % 4 == 0) for n in range(40)]


def test_sorting_by_time_moves_the_parts_along(tmp_path: Path) -> None:
    frame = rows(40)
    frame["when"] = range(40, 0, -1)
    frame["part"] = ["test" if n < 10 else "train" for n in range(40)]
    frame.to_csv(tmp_path / "t.csv", index=False)
    samples = csv(str(tmp_path / "t.csv"), "y", split="part", time="when")
    assert samples.split.tolist() == [0] * 30 + [2] * 10
    assert samples.x[-10:, 0].tolist() == [n * 0.5 for n in range(9, -1, -1)]


def test_an_empty_cell_is_no_part(tmp_path: Path) -> None:
    frame = rows(20)
    frame["part"] = ["train"] * 19 + [None]
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(UserError) as caught:
        csv(str(tmp_path / "t.csv"), "y", split="part")
    assert (caught.value.code, caught.value.key) == (Code.DATA, "data.split")


def test_a_test_file_without_answers_is_refused(files: dict[str, str], tmp_path: Path) -> None:
    rows(9).drop(columns="y").to_csv(tmp_path / "kaggle.csv", index=False)
    with pytest.raises(UserError) as caught:
        csv(files["train"], "y", test_path=str(tmp_path / "kaggle.csv"))
    assert (caught.value.code, caught.value.key) == (Code.DATA, "data.test_path")
    assert "predict.py" in caught.value.hint


def test_files_of_other_columns_are_matched_by_name(files: dict[str, str], tmp_path: Path) -> None:
    rows(9)[["y", "city", "x"]].assign(id=1).to_csv(tmp_path / "other.csv", index=False)
    samples = csv(files["train"], "y", test_path=str(tmp_path / "other.csv"))
    torch.testing.assert_close(samples.x[60:], samples.x[:9])
    assert any("left out id" in sentence for sentence in samples.data_summary)
    rows(9).drop(columns="x").to_csv(tmp_path / "other.csv", index=False)
    with Refusal(Code.DATA, "data.val_path"):
        csv(files["train"], "y", val_path=str(tmp_path / "other.csv"))


def test_a_column_and_files_are_one_too_many(files: dict[str, str]) -> None:
    with pytest.raises(UserError) as caught:
        csv(files["train"], "y", split="city", test_path=files["test"])
    assert (caught.value.code, caught.value.key) == (Code.CONFLICT, "data.split")
    with pytest.raises(UserError) as caught:
        csv(files["train"], "y", split="town")
    assert caught.value.key == "data.split"


def test_parquet_and_text_go_together(files: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    rows(18, 200).to_parquet(tmp_path / "test.parquet")
    mixed = csv(files["train"], "y", test_path=str(tmp_path / "test.parquet"))
    plain = csv(files["train"], "y", test_path=files["test"])
    assert torch.equal(mixed.x, plain.x)
    assert torch.equal(mixed.y, plain.y)
