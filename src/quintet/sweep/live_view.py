"""A sweep's live view in a terminal: slots, last values, best so far, failures, time left."""

import time
from typing import TYPE_CHECKING

from quintet.base.console import terminal
from quintet.study.study import Study
from quintet.study.trial import Trial
from quintet.sweep.console_report import Lines, brief
from quintet.sweep.plan import Plan
from quintet.sweep.trial_outcome import Outcome

if TYPE_CHECKING:
    from rich.table import Table

REDRAWS = 2.0
"""Per second."""


class Live(Lines):
    """Plain lines for what has ended, and below them what is running.

    Args:
        plan: of the sweep.
        study: of the sweep.
        total: how many trials the study is to have.

    """

    def __init__(self, plan: Plan, study: Study, total: int) -> None:
        super().__init__(plan, study, total)
        from rich.live import Live as Display

        self.failures = 0
        self.running: dict[int, tuple[int, Trial, float]] = {}
        self.started = time.monotonic()
        self._display = Display(
            console=self.console, get_renderable=self.table, refresh_per_second=REDRAWS,
            transient=True,
        )  # fmt: skip

    def __enter__(self) -> "Live":
        """Begin to draw."""
        self._display.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Take the view away; the lines stay."""
        self._display.stop()

    def began(self, trial: Trial, slot: int) -> None:
        """Show a trial in its slot."""
        super().began(trial, slot)
        self.running[trial.number] = (slot, trial, time.monotonic())

    def reported(self, trial: Trial, epochs: int, value: float) -> None:
        """Do nothing: the next redraw shows it."""

    def ended(self, trial: Trial, how: Outcome) -> None:
        """Take a trial out of its slot."""
        self.running.pop(trial.number, None)
        self.failures += how.state == "failed"
        super().ended(trial, how)

    def table(self) -> "Table":
        """Return what is running now: a row for each slot, with a first trial of those in it."""
        from rich import box
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, caption=self._summary(), min_width=72)
        table.caption_justify = "left"
        for name in ("slot", "trial", "epoch", self.plan.metric, "s", ""):
            table.add_column(name, justify="left" if not name else "right")
        for slot in sorted({slot for slot, *_ in self.running.values()}):
            here = [(trial, began) for at, trial, began in self.running.values() if at == slot]
            (trial, began), *stacked = here
            number = f"{trial.number} +{len(stacked)}" if stacked else str(trial.number)
            epoch = max(trial.reports, default=0)
            value = f"{trial.reports[epoch]:.4f}" if epoch else ""
            took = f"{time.monotonic() - began:.0f}"
            what = escape(brief(trial.params))
            table.add_row(str(slot), number, str(epoch), value, took, what)
        return table

    def _summary(self) -> str:
        done = len(self.ended_ones)
        best = "" if self.best is None else f" · best {self.best:.4f}"
        failed = f" · {self.failures} failed" if self.failures else ""
        spent = time.monotonic() - self.started
        limit = self.plan.settings.timeout
        left = f" · {max(0.0, limit - spent):.0f} s left" if limit else ""
        return f"{done} of {self.total} done · {spent:.0f} s{left}{best}{failed}"


def view(plan: Plan, study: Study, total: int) -> Lines:
    """Return the live view in a terminal, plain lines elsewhere."""
    return Live(plan, study, total) if terminal().is_terminal else Lines(plan, study, total)
