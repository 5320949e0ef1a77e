"""The record of a run as a file that every reader of JSON understands."""

import json
import math
from pathlib import Path

import pytest

from quintet.artifacts.record import RESULT, Record, Score


def strict(path: Path) -> dict[str, object]:
    """Return what a JSON file holds, as a reader that knows the standard alone."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    return dict(json.loads(path.read_text(), parse_constant=refuse))


def test_an_undefined_measure_is_null_in_json_and_nan_when_read(tmp_path: Path) -> None:
    undefined = {"auc_roc": math.nan, "perplexity": math.inf, "accuracy": 0.5}
    record = Record(Score("auc_roc", "max", math.nan), seed=1, validation=undefined)
    record.write(tmp_path)
    assert strict(tmp_path / RESULT)["validation"] == {
        **{"auc_roc": None, "perplexity": None},
        "accuracy": 0.5,
    }
    read = Record.read(tmp_path)
    assert read.metric.value is None
    assert math.isnan(read.validation["auc_roc"])
    assert read.validation["accuracy"] == 0.5


def test_a_record_of_an_earlier_version_with_nan_is_read(tmp_path: Path) -> None:
    record = Record(Score("auc_roc", "max", 0.5), seed=1, test={"auc_roc": 0.5})
    record.write(tmp_path)
    old = (tmp_path / RESULT).read_text().replace("0.5", "NaN")
    (tmp_path / RESULT).write_text(old)
    assert math.isnan(Record.read(tmp_path).test["auc_roc"])


def test_a_config_that_is_no_runs_makes_no_record() -> None:
    with pytest.raises(ValueError, match="metric"):
        Record.begun({"seed": 1})
