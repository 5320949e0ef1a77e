"""The progress display of a run: calm at any speed, and never frozen."""

import io
import re
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from rich.console import Console

from quintet.training.callbacks import progress, progress_view
from quintet.training.callbacks.progress import Progress

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Run:
    """A trainer of five epochs whose clock the test moves.

    Args:
        terminal: whether the output is one.
        batches: of an epoch in training; two more in validation.

    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, terminal: bool, batches: float) -> None:
        self.now, self.file = 0.0, io.StringIO()
        console = Console(file=self.file, force_terminal=terminal, width=100, get_time=self.time)
        monkeypatch.setattr(progress, "everywhere", lambda: console)
        monkeypatch.setattr(progress, "monotonic", self.time)
        monkeypatch.setattr(progress_view, "monotonic", self.time)
        batch_progress = SimpleNamespace(current=SimpleNamespace(completed=0))
        loop = SimpleNamespace(epoch_loop=SimpleNamespace(batch_progress=batch_progress))
        self.trainer: Any = SimpleNamespace(
            is_global_zero=True, num_training_batches=batches, num_val_batches=[2],
            accumulate_grad_batches=1, max_epochs=5, max_steps=-1, current_epoch=0,
            callback_metrics={}, checkpoint_callbacks=[], fit_loop=loop,
        )  # fmt: skip
        self.module: Any = SimpleNamespace(device=torch.device("cpu"))
        self.progress = Progress("accuracy")
        self.progress.on_train_start(self.trainer, self.module)

    def time(self) -> float:
        return self.now

    def epoch(self, number: int, batches: int, seconds: float) -> None:
        """Train an epoch of `batches` batches, each of so many seconds."""
        self.trainer.current_epoch = number
        self.trainer.fit_loop.epoch_loop.batch_progress.current.completed = batches
        self.progress.on_train_epoch_start(self.trainer, self.module)
        self.trainer.callback_metrics = {}  # as Lightning does
        for i in range(batches):
            self.now += seconds
            outputs = {"loss": torch.tensor(2.0)}
            self.progress.on_train_batch_end(self.trainer, self.module, outputs, None, i)
        for i in range(2):
            self.now += seconds
            self.progress.on_validation_batch_end(self.trainer, self.module, None, None, i)
        self.trainer.callback_metrics = {
            "val/loss": torch.tensor(0.5),
            "val/accuracy": torch.tensor(0.75),
        }

    def end(self) -> None:
        self.trainer.current_epoch += 1
        self.progress.on_train_end(self.trainer, self.module)
        self.progress.teardown(self.trainer, self.module, "fit")

    def shown(self) -> str:
        return CONTROL.sub("", self.file.getvalue())


def test_a_long_epoch_shows_batches_speed_loss_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run(monkeypatch, terminal=True, batches=10)
    run.epoch(0, batches=10, seconds=12)
    shown = run.shown()
    assert re.search(r"batch\s+3/10.*loss 2\.0000  0\.083 it/s", shown)
    assert re.search(r"val\s+2/2", shown)
    assert "0:11:36" in shown  # of 60 batches of 12 seconds, after two
    assert not re.search(r"batch\s+0/", shown)
    assert shown.count("epoch 0/5") > 10


def test_the_numbers_of_an_epoch_are_there_soon_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, terminal=True, batches=10)
    run.epoch(0, batches=10, seconds=0.3)
    run.epoch(1, batches=1, seconds=0.3)
    assert "val/accuracy 0.7500" in run.shown()


def test_the_epochs_of_five_milliseconds_are_drawn_five_times_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run(monkeypatch, terminal=True, batches=1)
    run.trainer.max_epochs = 400
    run.progress.on_train_start(run.trainer, run.module)
    before = run.file.tell()
    for number in range(200):
        run.epoch(number, batches=1, seconds=0.005 / 3)
    frames = CONTROL.sub("", run.file.getvalue()[before:])
    assert frames.count("/400") <= 6
    assert "batch" not in frames


def test_the_last_line_of_a_terminal_has_the_final_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, terminal=True, batches=10)
    for number in range(5):
        run.epoch(number, batches=10, seconds=1)
    run.end()
    last = run.shown().rstrip("\n").splitlines()[-1]
    assert re.search(r"epoch 5/5.*val/loss 0\.5000  val/accuracy 0\.7500\s+0:01:00", last)
    assert run.file.getvalue().endswith("\n\x1b[?25h")  # the prompt has a line of its own


def test_after_an_interrupt_the_terminal_is_at_the_start_of_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run(monkeypatch, terminal=True, batches=10)
    run.epoch(0, batches=4, seconds=1)
    run.progress.on_exception(run.trainer, run.module, KeyboardInterrupt())
    assert run.file.getvalue().endswith("\n\x1b[?25h")


def test_plain_lines_have_the_elapsed_time_and_come_once_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run(monkeypatch, terminal=False, batches=20)
    run.epoch(0, batches=20, seconds=9)
    run.end()
    *within, last = run.shown().splitlines()
    assert within[0] == "epoch 1/5  batch 7/20  loss 2.0000  0.11 it/s  63.0 s"
    assert len(within) == 3
    assert last == "epoch 1/5  val/loss 0.5000  val/accuracy 0.7500  3.3 min"


def test_data_without_a_length_show_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, terminal=True, batches=float("inf"))
    run.epoch(0, batches=4, seconds=2)
    assert re.search(r"batch\s+3/\?", run.shown())


def test_a_resumed_run_does_not_show_again_what_it_was_resumed_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run(monkeypatch, terminal=False, batches=3)
    run.epoch(2, 0, 0.0)  # Lightning enters the finished epoch once more, and leaves it
    run.trainer.callback_metrics = {}
    assert "epoch 2" not in run.shown()
    run.epoch(3, 3, 1.0)
    run.end()
    assert "epoch 4/5" in run.shown()


def test_the_speed_within_a_resumed_epoch_is_that_of_the_batches_since(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run(monkeypatch, terminal=True, batches=10)
    run.trainer.fit_loop.epoch_loop.batch_progress.current.completed = 7
    run.now = 1000.0
    run.progress.on_train_start(run.trainer, run.module)
    run.now += 4
    run.progress.on_train_batch_end(run.trainer, run.module, None, None, 7)
    assert "0.25 it/s" in run.shown()
