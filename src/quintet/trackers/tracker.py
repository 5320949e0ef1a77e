"""Base of the trackers, which log the same facts and never interrupt training."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from lightning.pytorch.loggers.logger import DummyExperiment, Logger  # type: ignore[attr-defined]

from quintet.artifacts.record import Record
from quintet.base import console
from quintet.base.secrets import redact
from quintet.trackers.run_facts import About

LONGEST = 240
"""Maximum characters of an error in a warning."""


class Tracker(Logger):
    """Mixin for adapters, placed before Lightning's logger in the bases.

    A tracker that raises an error is disabled with a warning, and training continues. Rows are
    logged by epoch if they have one, so that runs with different batch sizes are comparable.
    """

    title = "The tracker"
    lost = False

    def begin(self, about: About) -> None:
        """Open the tracker's run and log the config."""
        self.about = about
        self.attempt(self.open, about)

    def end(self, record: Record) -> None:
        """Log the outcome and close the tracker."""
        self.attempt(self.close, record)

    def open(self, about: About) -> None:
        """Implement `begin`; may raise."""
        raise NotImplementedError

    def close(self, record: Record) -> None:
        """Implement `end`; may raise."""
        raise NotImplementedError

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log one row."""
        row = dict(metrics)
        epoch = row.pop("epoch", None)
        log = super().log_metrics  # type: ignore[safe-super]
        self.attempt(log, row, step if epoch is None else int(epoch))

    def log_hyperparams(self, *arguments: Any, **named: Any) -> None:
        """Log the config, or the `save_hyperparameters` of a module or datamodule."""
        log = super().log_hyperparams  # type: ignore[safe-super]
        self.attempt(partial(log, *arguments, **named))

    def save(self) -> None:
        """Flush to disk."""
        self.attempt(super().save)

    def finalize(self, status: str = "success") -> None:
        """Do nothing after fitting, since test scores follow; see `end`."""

    @property
    def experiment(self) -> Any:
        """The library's run object; a dummy if the tracker is disabled."""
        return DummyExperiment() if self.lost else super().experiment  # type: ignore[misc]

    def attempt(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Call the tracker; warn and disable it on the first error."""
        if self.lost:
            return
        try:
            call(*arguments)
        except Exception as error:
            self.lost = True
            console.warn(
                f"{self.title} is disabled for the rest of this run; training continues, and "
                f"metrics.csv is complete. {type(error).__name__}: {_first(error)}"
            )


def _first(error: Exception) -> str:
    line = next(iter(redact(str(error)).strip().splitlines()), "")
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."


def require(package: str, install: str) -> None:
    """Check that a tracker's package is installed, without importing it.

    Raises:
        UserError: the package is not installed.

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
