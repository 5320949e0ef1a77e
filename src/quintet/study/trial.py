"""One trial of a study as it stands."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from quintet.study.space import Params

State = Literal["running", "completed", "pruned", "failed"]
STOP = "stop"
"""A trial's note of the report at which its scheduler stopped it: epochs and value."""


@dataclass
class Trial:
    """One trial as it stands.

    Args:
        number: from 0.
        state: running covers paused ones, and those whose process has died.
        value: P; of a pruned trial, its P so far.
        params: what varies.
        reports: P after so many epochs.
        notes: what the sweep has written about it: status, reason, epochs, seconds, budget ...

    """

    number: int
    state: State
    value: float | None
    params: Params
    reports: dict[int, float] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def paused(self) -> bool:
        """Whether it waits for the scheduler to let it go on."""
        at, budget = self.notes.get("paused_at"), self.notes.get("budget")
        return self.state == "running" and at is not None and at == budget

    def stopped_by(self, epochs: int) -> bool:
        """Tell whether its scheduler has stopped it after so many epochs, or before."""
        if (stop := self.notes.get(STOP)) is None:
            return False
        # A budget that was raised since then has let the trial go on.
        return bool(self.notes.get("budget", 0) <= stop["epochs"] <= epochs)


def folder_of(sweep: Path, number: int) -> Path:
    """Return the run folder of a trial."""
    return sweep / "trials" / f"{number:04d}"
