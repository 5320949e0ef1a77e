"""Every command in a fresh interpreter, where only the command's own imports are loaded."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import runs

pytestmark = [pytest.mark.cold, pytest.mark.slow]
SHORT = (*runs.SMALL, "trainer.max_epochs=1")
TRAINING = ("check", "inspect_data", "learning_curve", "train")
"""Commands with the words of train.py."""
COMMANDS: dict[str, Callable[[Path, dict[str, Path]], tuple[object, ...]]] = {
    "check": lambda run, sweeps: SHORT,
    "compare": lambda run, sweeps: (f"a={sweeps['a']}", f"b={sweeps['b']}"),
    "ensemble": lambda run, sweeps: (f"sweep={sweeps['grid']}", f"output={run.parent}/ensemble"),
    "evaluate": lambda run, sweeps: (f"run={run}", "baselines=true"),
    "export": lambda run, sweeps: (f"run={run}",),
    "info": lambda run, sweeps: (),
    "learning_curve": lambda run, sweeps: (*SHORT, "fractions=[0.3,0.6,1]"),
    "inspect_data": lambda run, sweeps: ("data=digits",),
    "predict": lambda run, sweeps: (
        *(f"run={run}", f"input={run.parent}/x.npy", f"output={run.parent}/predictions.csv"),
    ),
    "report": lambda run, sweeps: (f"sweep={sweeps['grid']}", f"output={run.parent}/report.html"),
    "steer": lambda run, sweeps: (f"run={run}", "stop=true"),
    "train": lambda run, sweeps: (*SHORT, "report=true", "baselines=true"),
    "wandb_sweep": lambda run, sweeps: ("sweeper=random", "search_space=high"),
}


def test_no_command_is_left_out() -> None:
    assert sorted(COMMANDS) == sorted(path.stem for path in (runs.ROOT / "src").glob("*.py"))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_imports_all_it_needs(
    name: str, digits_run: Path, sweeps: dict[str, Path], tmp_path: Path
) -> None:
    run = shutil.copytree(digits_run, tmp_path / "run")
    np.save(tmp_path / "x.npy", np.ones((3, 1, 8, 8), dtype="float32"))
    words = [str(word) for word in COMMANDS[name](run, sweeps)]
    logs = (f"paths.logs={tmp_path}/logs",) if name in TRAINING else ()
    command = runs.command(None, *words, *logs, script=name)
    environment = runs.environment() | {"HOME": "/proc/none"}  # of a user without a home
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert "matplotlib" not in done.stdout + done.stderr
    if name == "steer":
        assert "has ended (completed)" in done.stderr
    else:
        assert done.returncode == 0, done.stdout + done.stderr
