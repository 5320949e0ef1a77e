"""What the trackers have in common: they are told the same, and never stop a training."""

from collections.abc import Callable, Mapping
from typing import Any

from lightning.pytorch.loggers.logger import DummyExperiment, Logger  # type: ignore[attr-defined]

from quintet.artifacts.record import Record
from quintet.base import console
from quintet.base.secrets import redact
from quintet.trackers.run_facts import About

LONGEST = 240
"""Characters of an error that a warning shows."""


class Tracker(Logger):
    """Goes before Lightning's own logger among the bases of an adapter.

    A tracker that raises is told no more; the training goes on, with one warning. Rows are placed
    by epoch where they have one, so that runs of different batch sizes compare.
    """

    title = "The tracker"
    lost = False

    def begin(self, about: About) -> None:
        """Open the run at the tracker and tell it the config."""
        self.about = about
        self.attempt(self.open, about)

    def end(self, record: Record) -> None:
        """Tell the outcome, once, and let the tracker go."""
        self.attempt(self.close, record)

    def open(self, about: About) -> None:
        """Do what `begin` says; may raise."""
        raise NotImplementedError

    def close(self, record: Record) -> None:
        """Do what `end` says; may raise."""
        raise NotImplementedError

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Tell one row."""
        row = dict(metrics)
        epoch = row.pop("epoch", None)
        tell = super().log_metrics  # type: ignore[safe-super]
        self.attempt(tell, row, step if epoch is None else int(epoch))

    def save(self) -> None:
        """Put on disk what was told so far."""
        self.attempt(super().save)

    def finalize(self, status: str = "success") -> None:
        """Do nothing at the end of fitting: the test scores are still to come; see `end`."""

    @property
    def experiment(self) -> Any:
        """The library's own object; one that ignores every call once the tracker is lost."""
        return DummyExperiment() if self.lost else super().experiment  # type: ignore[misc]

    def attempt(self, tell: Callable[..., Any], *arguments: Any) -> None:
        """Call the tracker; at its first failure, warn and leave it alone from then on."""
        if self.lost:
            return
        try:
            tell(*arguments)
        except Exception as error:
            self.lost = True
            console.warn(
                f"{self.title} is told no more of this run; the training goes on and metrics.csv "
                f"has it all. {type(error).__name__}: {_first(error)}"
            )


def _first(error: Exception) -> str:
    line = next(iter(redact(str(error)).strip().splitlines()), "")
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."


def require(package: str, install: str) -> None:
    """Check that a tracker's package is there, without importing it.

    Raises:
        UserError: it is not; says how to install it.

    """
    from importlib.util import find_spec

    from quintet.base.errors import Code, UserError

    if find_spec(package) is None:
        raise UserError(
            f"needs the package {package}, which is not installed",
            code=Code.UNAVAILABLE,
            key="logger",
            value=package,
            hint=f"Install it with pip install -e '{install}', or choose another logger: csv needs "
            "no package.",
        )
