"""Ctrl-C and SIGTERM end a run cleanly, and it can be continued."""

import os
import shlex
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import runs
from quintet.base import signals
from quintet.base.files import replacing
from quintet.base.signals import StoppedError
from quintet.commands.entry_point import errors_as_messages
from quintet.sweep.interruption import Interruption
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
    _, err = process.communicate(timeout=runs.PATIENCE)
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
    _, err = process.communicate(timeout=runs.PATIENCE)
    assert process.returncode == CODES[number]
    assert "Traceback" not in err
    assert not (folder / "checkpoints").exists()


@pytest.mark.slow
def test_the_hint_has_the_words_that_the_resume_needs(tmp_path: Path, start_train: Start) -> None:
    """Data and a tracker's store in a place that a variable of the environment names."""
    pytest.importorskip("mlflow", reason="pip install -e '.[mlflow]'")
    rows = [f"{i % 7},{i % 3},{i % 2}" for i in range(60)]
    (tmp_path / "data.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
    folder, environment = tmp_path / "run", {**runs.environment(), "QUINTET_HERE": str(tmp_path)}
    words = ("data=csv", "data.path=${oc.env:QUINTET_HERE}/data.csv", "data.target=y")
    words += ("logger=mlflow", "logger.mlflow.tracking_uri=sqlite:///${oc.env:QUINTET_HERE}/m.db")
    process = start_train(folder, *LONG, *words, env=environment)
    runs.wait_until(lambda: runs.epochs(folder) > 0, process)
    process.send_signal(signal.SIGINT)
    hint = process.communicate(timeout=60)[1].strip().splitlines()[-1]
    _, script, *typed = shlex.split(hint.removeprefix("Go on with: "))
    assert script == "src/train.py"
    assert typed == ["resume=${oc.env:QUINTET_HERE}/run", "trust=[env:QUINTET_HERE,logger]"]
    done = runs.epochs(folder)
    process = start_train(None, *typed, f"trainer.max_epochs={done + 1}", env=environment)
    assert process.wait(60) == 0, process.communicate()
    assert runs.epochs(folder) == done + 1


def test_two_signals_are_one(tmp_path: Path, start_train: Start) -> None:
    """A shell, a scheduler and an impatient user may each send one."""
    folder = tmp_path / "run"
    process = start_train(folder, *LONG)
    runs.wait_until(lambda: runs.epochs(folder) > 1, process)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=runs.PATIENCE)
    assert "Traceback" not in err
    assert process.returncode in CODES.values()
    assert runs.record(folder)["status"] == "interrupted"


def test_a_signal_in_any_line_of_a_save_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    """An exception inside torch.save ended the process with SIGABRT."""
    script = [sys.executable, str(runs.ROOT / "tests" / "signalled_saves.py"), str(tmp_path)]
    environment = {**runs.environment(), "PYTHONPATH": str(runs.ROOT / "src")}
    done = subprocess.run(script, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50, "steps in which a signal came"


def test_an_error_that_a_signal_has_caused_is_reported_as_the_signal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """OmegaConf for one fails while it cleans up after an exception that it does not expect."""

    def stumble() -> None:
        with errors_as_messages():
            try:
                raise StoppedError(signal.SIGTERM)
            finally:
                raise AttributeError("stumbled")

    with pytest.raises(SystemExit) as end:
        stumble()
    assert end.value.code == 143
    assert capsys.readouterr().err.strip() == "Stopped by SIGTERM."


def test_a_signal_waits_for_a_file_that_is_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "_since", None)
    path = tmp_path / "whole"

    def write() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            signals.stop(signal.SIGINT, None)
            temporary.write_text("whole")

    with pytest.raises(StoppedError):
        write()
    assert path.read_text() == "whole"


def test_a_stop_that_a_library_swallowed_is_raised_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "_since", None)
    signals.raise_pending()
    with suppress(StoppedError):
        signals.stop(signal.SIGTERM, None)
    with pytest.raises(StoppedError):
        signals.raise_pending()


LATE = """
import atexit, os, signal, sys
from quintet.base import process_exit, signals

def send(number=signal.SIGINT):
    for _ in range(3):
        os.kill(os.getpid(), number)

class Late:
    def __del__(self):
        send(signal.SIGTERM)

late = Late()
{at_exit}
def work():
    signals.listen()
    {work}

process_exit.exit_with(work)
"""
POINTS = {
    "in the work": ("", "send()", 130),
    "after a stop": ("", "try: send()\n    finally: send(signal.SIGTERM)", 130),
    "in an exit function": ("atexit.register(send)", "pass", 0),
    "in one after a failure": ("atexit.register(send)", "sys.exit('Error: no')", 1),
    "in one after a stop": ("atexit.register(send)", "send(signal.SIGTERM)", 143),
    "as objects are destroyed": ("", "pass", 0),
}


@pytest.mark.parametrize("point", POINTS)
def test_signals_at_any_point_leave_the_code_of_what_was_done(point: str) -> None:
    at_exit, work, code = POINTS[point]
    script = LATE.format(at_exit=at_exit, work=work)
    environment = {**runs.environment(), "PYTHONPATH": str(runs.ROOT / "src")}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


LINES = """
import os, signal, sys
from quintet.base import process_exit, signals

left = int(sys.argv[1])

def trace(frame, event, argument):
    global left
    if frame.f_code.co_filename != process_exit.__file__:
        return None
    left -= event == "line"
    if left == 0 and event == "line":
        os.kill(os.getpid(), signal.SIGINT)
    return trace

def work():
    signals.listen()
    frame = sys._getframe()
    while (frame := frame.f_back) is not None:
        frame.f_trace = trace
    sys.settrace(trace)

process_exit.exit_with(work)
"""


@pytest.mark.parametrize("line", range(1, 12))
def test_a_signal_at_any_line_of_the_end_ends_in_order(line: int) -> None:
    environment = {**runs.environment(), "PYTHONPATH": str(runs.ROOT / "src")}
    command = [sys.executable, "-c", LINES, str(line)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode in (0, 130), done.stderr
    assert "Traceback" not in done.stderr


IGNORES = """
import os, signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
from quintet.base import process_exit, signals

def work():
    {first}
    signals.listen()
    os.kill(os.getpid(), signal.SIGINT)
    print("went on")
    signals.listen(signals.ignore_first)
    os.kill(os.getpid(), signal.SIGINT)

process_exit.exit_with(work)
"""


@pytest.mark.parametrize(("first", "code"), [("pass", 0), ("signals.restore_defaults()", 130)])
def test_what_a_shell_has_told_a_process_to_ignore_it_ignores(first: str, code: int) -> None:
    """As a shell does for what a script starts with `&`; but a sweep ends its trials by signals."""
    environment = {**runs.environment(), "PYTHONPATH": str(runs.ROOT / "src")}
    command = [sys.executable, "-c", IGNORES.format(first=first)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, "went on" in done.stdout) == (code, not code), done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_sweep_continues_after_a_signal_that_it_is_to_ignore(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As nohup does with that of a closed terminal."""
    monkeypatch.setattr(signals, "_since", None)
    for handler, asked in ((signal.SIG_IGN, False), (signal.SIG_DFL, True)):
        before, stop = signal.signal(number, handler), Interruption()
        try:
            with stop.on_signals():
                os.kill(os.getpid(), number)
            assert signal.getsignal(number) is handler
        finally:
            signal.signal(number, before)
        assert stop() is asked
