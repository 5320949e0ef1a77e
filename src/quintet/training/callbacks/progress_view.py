"""The two views of a run's progress: bars in a terminal, lines elsewhere."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal, get_args

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.text import Text

from quintet.base.formatting import duration

WHOLE = "epoch"
"""Description of the row for the whole run."""
LONG = 1.0
"""Minimum seconds of an epoch for showing its batches."""
REMEMBERED = 600.0
"""Seconds over which the speed is averaged; in long epochs it varies, as in validation."""
WIDE, MEDIUM = 115, 95
"""Terminal width with room for all numbers of an epoch, and for all but one."""
Part = Literal["batch", "val"]
PARTS: tuple[Part, ...] = get_args(Part)
Numbers = Callable[[], list[str]]
"""Called only when numbers are shown, since reading them waits for the device."""


@dataclass(frozen=True)
class WithinEpoch:
    """Progress within an epoch.

    Args:
        part: training or validation.
        done: number of completed batches.
        total: total number of batches; may be infinite.
        seconds: seconds since the start of the epoch.
        state: loss, speed, memory.

    """

    part: Part
    done: int
    total: float
    seconds: float
    state: list[str] = field(default_factory=list)


class Bars:
    """A bar for the epochs and, for epochs longer than a second, one for the batches."""

    patience = 0.2

    def __init__(self, console: Console, done: float, epochs: int | None) -> None:
        self._width = console.width
        self._bar = Bar(
            TextColumn("{task.description:<5}"),
            MofNCompleteColumn(),
            BarColumn(bar_width=30 if self._width >= WIDE else 10),
            TextColumn("{task.fields[numbers]}"),
            _Left(),
            console=console,
            auto_refresh=False,  # a thread would be copied to forked workers
            speed_estimate_period=REMEMBERED,
        )
        self._epochs = self._bar.add_task(WHOLE, total=epochs, completed=0, numbers="")
        self._parts = {
            part: self._bar.add_task(part, total=None, visible=False, numbers="") for part in PARTS
        }
        self._long = False
        self._numbers: Numbers | None = None
        self._bar.start()
        self._draw(done)

    def ended(self, epochs: int, numbers: Numbers, last: bool = False) -> None:
        """Show the numbers of an epoch, at the next redraw if the last one was recent."""
        self._numbers = numbers
        if last:
            self._only(None)
            self._bar.stop_task(self._epochs)
        if last or monotonic() - self._drawn >= self.patience:
            self._draw(epochs)

    def progressed(self, done: float, within: WithinEpoch) -> None:
        """Show progress within an epoch; `done` counts epochs, including fractions."""
        self._long = self._long or within.seconds > LONG
        if self._long:
            self._show_batches(within)
        self._draw(done)

    def _show_batches(self, within: WithinEpoch) -> None:
        self._only(within.part)
        self._bar.update(
            self._parts[within.part],
            total=within.total if math.isfinite(within.total) else None,
            completed=within.done,
            numbers="  ".join(within.state),
        )

    def _only(self, part: Part | None) -> None:
        """Make only one part of an epoch visible, or none."""
        for each, task in self._parts.items():
            self._bar.update(task, visible=each == part)

    def _draw(self, done: float) -> None:
        self._drawn = monotonic()
        if self._numbers is not None:
            shown = "  ".join(self._numbers()[-self._room() :])
            self._bar.update(self._epochs, numbers=shown)
            self._numbers = None
        self._bar.update(self._epochs, completed=done, refresh=True)

    def _room(self) -> int:
        """Return how many numbers of an epoch fit on a line."""
        return 4 if self._width >= WIDE else 3 if self._width >= MEDIUM else 2

    def close(self) -> None:
        """Stop drawing."""
        self._bar.stop()


class PlainLines:
    """About ten lines per run, and one for every minute without a line."""

    patience = 60.0

    def __init__(self, console: Console, done: float, epochs: int | None) -> None:
        self._console, self._epochs = console, epochs
        self._begun = self._said = monotonic()

    def ended(self, epochs: int, numbers: Numbers, last: bool = False) -> None:
        """Print the numbers of an epoch, if a line is due."""
        total, late = self._epochs or 0, monotonic() - self._said >= self.patience
        if last or late or total < 20 or epochs % max(1, total // 10) == 0:
            self._say(f"epoch {epochs}/{self._epochs or '?'}", *numbers())

    def progressed(self, done: float, within: WithinEpoch) -> None:
        """Print progress within an epoch, if nothing was printed for a minute."""
        if monotonic() - self._said < self.patience:
            return
        total = f"{within.total:.0f}" if math.isfinite(within.total) else "?"
        where = f"epoch {int(done) + 1}/{self._epochs or '?'}"
        self._say(where, f"{within.part} {within.done}/{total}", *within.state)

    def _say(self, *parts: str) -> None:
        self._said = monotonic()
        line = "  ".join([*parts, duration(self._said - self._begun)])
        self._console.print(line, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Do nothing."""


class _Left(TimeRemainingColumn):
    """Remaining time of the whole run, or its duration once it has ended; empty for batches.

    A run that stopped early has ended although its bar is not full.
    """

    def render(self, task: Task) -> Text:
        if task.description != WHOLE:
            return Text()
        return super().render(task) if task.stop_time is None else TimeElapsedColumn().render(task)
