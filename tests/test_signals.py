"""Ctrl-C and SIGTERM end a run in good order; whoever stopped it can go on."""

import signal
from pathlib import Path

import pytest

import runs
from runs import Start, TrainHere

LONG = ("trainer.max_epochs=1000", "test=false")
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.mark.parametrize("number", CODES)
def test_signal_while_training_leaves_a_run_to_go_on_with(
    number: signal.Signals, tmp_path: Path, start_train: Start, train_here: TrainHere
) -> None:
    folder = tmp_path / "run"
    process = start_train(folder, *LONG)
    runs.wait_until(lambda: runs.epochs(folder) > 2, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert process.returncode == CODES[number]
    name = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
    hint = f"Go on with: python src/train.py resume={folder}"
    assert err.strip().splitlines() == [f"Stopped by {name}.", hint]
    found = runs.record(folder)
    assert found["status"] == "interrupted"
    assert found["reason"] == f"Stopped by {name}."
    done = found["epochs"]
    assert 2 < done < 1000
    train_here(None, f"resume={folder}", f"trainer.max_epochs={done + 2}")
    assert runs.epochs(folder) == done + 2
    assert runs.record(folder)["status"] == "completed"


@pytest.mark.cold
@pytest.mark.parametrize("number", CODES)
def test_signal_before_training_ends_it_at_once(
    number: signal.Signals, tmp_path: Path, start_train: Start
) -> None:
    """Sent as soon as Hydra has written its files, while libraries are being imported."""
    folder = tmp_path / "run"
    process = start_train(folder, *LONG)
    runs.wait_until((folder / ".hydra" / "overrides.yaml").exists, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert process.returncode == CODES[number]
    assert "Traceback" not in err
    assert not (folder / "checkpoints").exists()


def test_two_signals_are_one(tmp_path: Path, start_train: Start) -> None:
    """A shell, a scheduler and an impatient user may all send one."""
    folder = tmp_path / "run"
    process = start_train(folder, *LONG)
    runs.wait_until(lambda: runs.epochs(folder) > 1, process)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=10)
    assert "Traceback" not in err
    assert process.returncode in CODES.values()
    assert runs.record(folder)["status"] == "interrupted"
