"""Runs are reproducible bit for bit, and do not interfere with each other."""

import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import runs
from quintet.base import plain_yaml
from quintet.base.errors import Code, UserError
from quintet.config import run_folder
from refusals import Refusal
from runs import RunTrain, Start, TrainHere

CLAIM = """
import sys, time
from pathlib import Path
from omegaconf import OmegaConf
from quintet.base.errors import UserError
from quintet.config.run_folder import locked
try:
    with locked(OmegaConf.create({"resume": None}), Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(float(sys.argv[2]))
except UserError as error:
    sys.exit(str(error))
"""


def claim(folder: Path, seconds: float) -> "subprocess.Popen[str]":
    env = runs.environment() | {"PYTHONPATH": str(runs.ROOT / "src")}
    return runs.start([sys.executable, "-c", CLAIM, str(folder), str(seconds)], env=env)


def test_same_seed_gives_the_same_bits_and_another_seed_others(
    tmp_path: Path, train_here: TrainHere, run_train: RunTrain
) -> None:
    short = ("trainer.max_epochs=2", "model.dropout=0.3")
    run_train(tmp_path / "process", *short)
    train_here(tmp_path / "here", *short)
    assert runs.finished(tmp_path / "process") == runs.finished(tmp_path / "here")
    for key in ("metric", "test", "facts"):
        assert runs.record(tmp_path / "process")[key] == runs.record(tmp_path / "here")[key]
    train_here(tmp_path / "zero", *short, "seed=0")
    assert runs.record(tmp_path / "zero")["seed"] == 0
    assert runs.finished(tmp_path / "zero")["best"] != runs.finished(tmp_path / "here")["best"]


@pytest.mark.slow
def test_runs_that_start_together_get_a_folder_each(tmp_path: Path) -> None:
    """Twelve commands that are refused as soon as they have a folder: a tenth of a run's time."""
    command = runs.command(None, f"paths.logs={tmp_path}", "loss=mse")
    started = [runs.start(command) for _ in range(12)]
    for process in started:
        _, err = process.communicate(timeout=60)
        assert "loss=mse does not fit" in err
    folders = list((tmp_path / "train" / "runs").iterdir())
    assert len(folders) == 12
    assert all((folder / ".hydra" / "config.yaml").exists() for folder in folders)


def test_one_process_at_a_time_holds_a_folder(tmp_path: Path) -> None:
    started = [claim(tmp_path / "run", 5) for _ in range(6)]
    ended = [process.communicate(timeout=60) for process in started]
    assert sorted(out for out, _ in ended) == ["", "", "", "", "", "held\n"]
    refusals = [err for _, err in ended if err]
    assert len(refusals) == 5
    assert all(f"Another process is training in {tmp_path / 'run'}" in err for err in refusals)


def test_folder_of_a_killed_process_is_free(tmp_path: Path) -> None:
    first = claim(tmp_path / "run", 60)
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    runs.stop(first)
    assert claim(tmp_path / "run", 0).communicate(timeout=60)[0] == "held\n"


def test_running_run_cannot_be_resumed_by_another(
    tmp_path: Path, start_train: Start, train_here: TrainHere
) -> None:
    folder = tmp_path / "run"
    process = start_train(folder, "trainer.max_epochs=1000")
    runs.wait_until(lambda: runs.epochs(folder) > 0, process)
    with Refusal(Code.IN_USE, match="Another process is training"):
        train_here(None, f"resume={folder}")
    assert process.poll() is None


def test_a_config_that_could_not_be_read_again_is_refused_before_training(tmp_path: Path) -> None:
    facts = {"fingerprint": "0", "class_names": ["x" * plain_yaml.LARGEST]}
    with pytest.raises(UserError, match="the limit for a config") as caught:
        run_folder.claim(OmegaConf.create({"facts": facts, "resume": None}), tmp_path)
    assert caught.value.code is Code.DAMAGED
    assert not list(tmp_path.iterdir())
