"""Replays of another run's changes, whose folder may be untrusted."""

from pathlib import Path
from typing import Any

import pytest

import runs
from quintet.artifacts import steering_files
from quintet.artifacts.steering_files import CHANGES, Change
from quintet.base.errors import Code
from refusals import Refusal
from runs import TrainHere
from usual import every

SHORT = ("trainer.max_epochs=1", "test=false", "callbacks=replay")


def steered(folder: Path, **other: Any) -> str:
    """Write a run's changes; return the override that repeats them."""
    own: dict[str, Any] = {"asked": "now", "time": "now", "epoch": 0, "step": 2, "before": 0.1}
    own |= {"key": "optimizer.lr", "after": 0.01}
    folder.mkdir()
    steering_files.write(folder, [Change(**own | other)])
    return f"callbacks.replay.run={folder}"


@pytest.mark.parametrize(
    "other",
    every(
        3,
        [
            *({"after": wrong} for wrong in ("x", "nan", "1e999", "-1", True, None)),
            *({"step": wrong} for wrong in ("x", 1.5, None)),
            *({"key": "optimizer.momentum", "after": wrong} for wrong in (1, -0.1)),
            {"epoch": "soon"},
        ],
    ),
)
def test_a_change_that_no_run_was_given_is_refused(
    other: dict[str, Any], tmp_path: Path, train_here: TrainHere
) -> None:
    replay = steered(tmp_path / "other", **other)
    with Refusal(Code.DAMAGED, match=CHANGES):
        train_here(tmp_path / "run", *SHORT, replay)


@pytest.mark.parametrize("key", ["optimizer.1.lr", "optimizer.999.lr", "optimizer.lr_factor"])
def test_a_change_that_this_run_cannot_make_is_noted(
    key: str, tmp_path: Path, train_here: TrainHere
) -> None:
    train_here(tmp_path / "run", *SHORT, steered(tmp_path / "other", key=key))
    (made,) = runs.record(tmp_path / "run")["steering"]
    assert (made["key"], made["by"]) == (key, "replay")
    assert made["refused"]


@pytest.mark.parametrize("other", [{"key": "pause", "after": True}, {"refused": "no"}])
def test_a_run_without_changes_to_repeat_is_refused(
    other: dict[str, Any], tmp_path: Path, train_here: TrainHere
) -> None:
    with Refusal(Code.NOT_FOUND, "callbacks.replay.run"):
        train_here(tmp_path / "run", *SHORT, steered(tmp_path / "other", **other))
