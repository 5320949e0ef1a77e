"""A sweep's live view in a terminal: slots, last values, best so far, failures, time left."""

import time
from collections import Counter
from typing import TYPE_CHECKING

from quintet.base.console import plain, terminal
from quintet.base.formatting import duration, score
from quintet.study.study import Study
from quintet.study.trial import Trial
from quintet.sweep.console_report import PlainView, brief
from quintet.sweep.plan import Plan
from quintet.sweep.trial_outcome import Outcome

if TYPE_CHECKING:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table

REDRAWS = 2.0
"""Per second."""
BAR = 10
"""Width of the bar over a trial's epochs, in characters."""
NARROWEST = 6
"""Minimum characters of a column, so that the table does not move while its numbers change."""


class LiveView(PlainView):
    """Plain lines for what has ended, and below them what is running.

    Args:
        plan: of the sweep.
        study: of the sweep.
        total: number of trials of the study.

    """

    def __init__(self, plan: Plan, study: Study, total: int) -> None:
        super().__init__(plan, study, total)
        from rich.live import Live as Display

        self.failures: Counter[int] = Counter()
        self.slots: dict[int, list[Trial]] = {}
        self._progress: dict[int, float] = {}
        self._display = Display(
            console=self.console, get_renderable=self.shown, refresh_per_second=REDRAWS,
            transient=True,
        )  # fmt: skip

    def __enter__(self) -> "LiveView":
        """Start to draw."""
        self._display.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the view; the lines remain."""
        self._display.stop()

    def started(self, trial: Trial, slot: int) -> None:
        """Show a trial in its slot; those of a stack share one."""
        super().started(trial, slot)
        self._progress.pop(trial.number, None)
        self.slots.setdefault(slot, []).append(trial)

    def reported(self, trial: Trial, epochs: int, value: float) -> None:
        """Do nothing: the next redraw shows it."""

    def progressed(self, trial: Trial, epochs: float) -> None:
        """Note how far a trial is within a long epoch."""
        self._progress[trial.number] = epochs

    def ended(self, trial: Trial, how: Outcome) -> None:
        """Remove a trial from its slot."""
        slot = self._leave(trial)
        if slot is not None:
            self.failures[slot] += how.state == "failed"
        super().ended(trial, how)

    def rerun(self, trial: Trial, reason: str) -> None:
        """Remove a trial from its stack; it starts again on its own."""
        self._leave(trial)
        super().rerun(trial, reason)

    def _leave(self, trial: Trial) -> int | None:
        """Return the slot that a trial has left; None if it was in none."""
        for slot, trials in self.slots.items():
            left = [each for each in trials if each.number != trial.number]
            if len(left) < len(trials):
                self.slots = {s: t for s, t in {**self.slots, slot: left}.items() if t}
                return slot
        return None

    def shown(self) -> "Group":
        """Return the running trials and the progress of the sweep."""
        from rich.console import Group

        return Group(self._table(), f" {plain(self._summary())}")

    def _table(self) -> "Table":
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD)
        failed = ["failed"] if self.failures.total() else []
        for name in ("slot", "trial", "epoch", "", self.plan.metric, "s", *failed, "params"):
            left = name in ("", "params")
            table.add_column(name, justify="left" if left else "right", min_width=NARROWEST)
        for slot, trials in sorted(self.slots.items()):
            failures = [str(self.failures[slot] or "") for _ in failed]
            began = min(self.began_at[trial.number] for trial in trials)
            took = f"{time.monotonic() - began:.0f}"
            numbers = f"{trials[0].number}" + (f"–{trials[-1].number}" if len(trials) > 1 else "")
            table.add_row(str(slot), numbers, *self._epochs(trials), took, *failures, what(trials))
        return table

    def _epochs(self, trials: list[Trial]) -> "tuple[str, ProgressBar, str]":
        """Return how many epochs are done, as text and as a bar, and the best metric after them."""
        from rich.progress_bar import ProgressBar

        done, most = max(map(self._done, trials)), self.plan.max_epochs
        latest = [t.reports[max(t.reports)] for t in trials if t.reports]
        best = (min if self.plan.mode == "min" else max)(latest, default=None)
        bar = ProgressBar(total=max(1, most), completed=done, width=BAR)
        epoch = f"{done:.0f}" if done == int(done) else f"{done:.1f}"
        return f"{epoch}/{most}" if most else epoch, bar, "" if best is None else score(best)

    def _done(self, trial: Trial) -> float:
        """Return how many epochs a trial has done, the current one in part if it is a long one."""
        return max(max(trial.reports, default=0), self._progress.get(trial.number, 0.0))

    def _summary(self) -> str:
        done = len(self.ended_ones)
        best = "" if self.best is None else f" · best {score(self.best)}"
        failures = self.failures.total()
        failed = f" · {failures} failed" if failures else ""
        spent = f" · {duration(time.monotonic() - self.start_time)}"
        left = f" · {left} left" if (left := self.left(self._underway())) else ""
        return f"{done} of {self.total} done{spent}{left}{best}{failed}"

    def _underway(self) -> float:
        """Return how many trials' worth of epochs the running ones have done."""
        most = max(1, self.plan.max_epochs)
        running = (trial for trials in self.slots.values() for trial in trials)
        return sum(min(1.0, self._done(trial) / most) for trial in running)


def what(trials: list[Trial]) -> str:
    """Return the params of a trial; of several in one model, how many there are."""
    if len(trials) > 1:
        return f"{len(trials)} trials as one model"
    return plain(brief(trials[0].params))


def view(plan: Plan, study: Study, total: int) -> PlainView:
    """Return the live view in a terminal, plain lines elsewhere."""
    return LiveView(plan, study, total) if terminal().is_terminal else PlainView(plan, study, total)
