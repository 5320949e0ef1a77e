"""The best model at the end of a sweep."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from quintet.artifacts.record import Record
from quintet.sweep import subprocess_job, winner


@pytest.mark.parametrize("scores", [{"val": {"accuracy": 0.5}}, {"val": {}, "test": {"f": 1.0}}])
def test_a_winner_without_a_test_is_not_a_failure(
    scores: dict[str, Any], digits_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data may have no test part, a module no test_step: evaluate.py then has none to write."""
    folder = shutil.copytree(digits_run, tmp_path / "best")
    record = Record.read(folder)
    record.test = {}

    def evaluated(*_: Any) -> None:
        (folder / winner.SCORES).write_text(json.dumps(scores))

    monkeypatch.setattr(winner, "_evaluated", evaluated)
    monkeypatch.setattr(subprocess_job, "script", lambda *_: folder / "result.json")
    plan: Any = None
    assert winner.test(plan, folder, record, start=plan) is None
    assert Record.read(folder).test == scores.get("test", {})
