"""The current state of one trial."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from quintet.study.space import Params

State = Literal["running", "completed", "pruned", "failed"]
STOP = "stop"
"""A trial's note of the report at which its scheduler stopped it: epochs and value."""
CUT, PARTS = "cut", "parts"
"""A trial's notes: that only the sweep's time limit stopped it, and how many models, one for each
fold and seed, its value is the mean of."""
EXPLORED, SOURCES = "explored", "sources"
"""A trial's notes in population-based training: the hyperparameters that it has now, and the trials
whose runs it took over."""


@dataclass
class Trial:
    """The current state of one trial.

    Args:
        number: from 0.
        state: running includes paused trials, and those whose process has died.
        value: the metric; for a pruned trial, its last value.
        params: its values of the swept parameters.
        reports: the metric by number of epochs.
        notes: what the sweep has stored about it: status, reason, epochs, seconds, budget ...
        violation: by how much it violates the sweep's constraints; 0 if it satisfies them.

    """

    number: int
    state: State
    value: float | None
    params: Params
    reports: dict[int, float] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    violation: float = 0.0

    @property
    def feasible(self) -> bool:
        """Whether it holds the sweep's constraints, as far as it is known."""
        return self.violation == 0

    @property
    def can_win(self) -> bool:
        """Whether it has a value, and holds the sweep's constraints."""
        return self.measured and self.feasible

    @property
    def paused(self) -> bool:
        """Whether it waits for the scheduler to continue it."""
        at, budget = self.notes.get("paused_at"), self.notes.get("budget")
        return self.state == "running" and at is not None and at == budget

    @property
    def measured(self) -> bool:
        """Whether it has a value and may win: it has ended, or is paused."""
        return self.value is not None and (self.state in ("completed", "pruned") or self.paused)

    def stopped_by(self, epochs: int) -> bool:
        """Return whether its scheduler has stopped it after at most `epochs` epochs."""
        if (stop := self.notes.get(STOP)) is None:
            return False
        # A budget raised since then has continued the trial.
        return bool(self.notes.get("budget", 0) <= stop["epochs"] <= epochs)


def folder_of(sweep: Path, number: int) -> Path:
    """Return the run folder of a trial."""
    return sweep / "trials" / f"{number:04d}"
