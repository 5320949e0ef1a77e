"""The measurements at the end of a run."""

import json
from pathlib import Path

import numpy as np
import pytest

import runs
from quintet.artifacts.predictions_file import FILE, read
from runs import TrainHere

THREE_STEPS = ("data=breast_cancer", "data.batch_size=8", "trainer.max_steps=3")
"""They end before any validation, so that nothing but the seed decides on the weights."""


def test_results_are_measured_on_whole_splits(tmp_path: Path, train_here: TrainHere) -> None:
    part = ("trainer.limit_val_batches=1", "trainer.limit_test_batches=0.2")
    train_here(tmp_path / "whole", *THREE_STEPS)
    train_here(tmp_path / "part", *THREE_STEPS, *part)
    whole, found = runs.record(tmp_path / "whole"), runs.record(tmp_path / "part")
    assert found["metric"] == whole["metric"]
    assert found["test"] == whole["test"]


def test_a_trial_of_whether_anything_runs_opens_no_test_set(
    tmp_path: Path, train_here: TrainHere
) -> None:
    train_here(tmp_path / "whole", *THREE_STEPS)
    train_here(tmp_path / "trial", *THREE_STEPS[:2], "trainer.fast_dev_run=3")
    whole, trial = runs.record(tmp_path / "whole"), runs.record(tmp_path / "trial")
    assert trial["metric"] == whole["metric"]
    assert whole["test"]
    assert not trial["test"]


def test_what_the_model_answered_is_kept(tmp_path: Path, train_here: TrainHere) -> None:
    train_here(tmp_path, *THREE_STEPS)
    record, found = runs.record(tmp_path), read(tmp_path)
    scores = {split: np.mean(part.decided == part.target) for split, part in found.items()}
    assert scores["val"] == pytest.approx(record["metric"]["value"], abs=1e-6)
    assert scores["test"] == pytest.approx(record["test"]["accuracy"], abs=1e-6)
    assert [len(found[split]) for split in ("val", "test")] == [57, 114]


def test_a_run_does_without_its_answers(
    tmp_path: Path, train_here: TrainHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUINTET_FAULT", f"EIO:1:{FILE}")
    train_here(tmp_path / "run", *THREE_STEPS)
    record = runs.record(tmp_path / "run")
    assert record["status"] == "completed"
    assert "predictions.npz could not be written" in record["anomalies"][0]


def test_a_run_tells_its_time_in_all_of_its_sessions(tmp_path: Path, train_here: TrainHere) -> None:
    train_here(tmp_path, "trainer.max_epochs=1", "report=false")
    first = runs.record(tmp_path)
    assert first["cpu_seconds"] > 0
    first["seconds"] += 1000  # as of a long evaluation, which comes after the last checkpoint
    (tmp_path / "result.json").write_text(json.dumps(first))
    train_here(None, f"resume={tmp_path}", "trainer.max_epochs=2")
    second = runs.record(tmp_path)
    assert second["cpu_seconds"] > first["cpu_seconds"]
    assert second["seconds"] > first["seconds"]
