"""The outcome of a trial, read from the files in its folder."""

import math
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quintet.artifacts.record import Record
from quintet.artifacts.steering_files import unrepeated
from quintet.artifacts.untrusted_files import DamagedError
from quintet.base.errors import Code
from quintet.base.formatting import listed
from quintet.config.objectives import recorded as of_record
from quintet.study.fronts import KEY
from quintet.study.trial import PARTS, State
from quintet.sweep import full_disk
from quintet.sweep.trial_process import LOG, tail


@dataclass(frozen=True)
class Outcome:
    """The outcome of a trial.

    Args:
        state: for the study.
        status: of result.json, or failed if there is none.
        value: of the metric.
        reason: why it did not complete.
        epochs: trained in total. seconds: of training in total.
        spread: standard deviation of the metric over folds, if any.
        cpu_seconds: of its processes in total.
        steered: what was changed through steer.py while it trained.
        parts: models that the value is the mean of.
        further: values of the further metrics on validation data.
        objectives: values of what the sweep trades off, and of what its constraints bound.

    """

    state: State
    status: str
    value: float | None = None
    reason: str | None = None
    epochs: int = 0
    seconds: float = 0.0
    spread: float | None = None
    cpu_seconds: float = 0.0
    steered: str = ""
    parts: int = 1
    further: Mapping[str, float] = field(default_factory=dict)
    objectives: Mapping[str, float] = field(default_factory=dict)

    def notes(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """Return the notes for the study; a killed trial keeps the epochs and seconds of `before`.

        Args:
            before: the trial's notes so far.

        """
        own = ("epochs", "seconds", "cpu_seconds")
        length = {key: getattr(self, key) for key in own}
        kept: dict[str, Any] = {k: max(now, before.get(k, 0)) for k, now in length.items()}
        notes = {"status": self.status, "value": self.value, "spread": self.spread}
        notes |= {"steered": self.steered or None}
        notes |= {"reason": self.reason} if self.state == "failed" else {}
        notes |= {PARTS: self.parts} if self.parts > 1 else {}
        if self.further:
            kept["further"] = dict(self.further)
        if self.objectives:
            kept[KEY] = dict(self.objectives)
        return kept | {key: value for key, value in notes.items() if value is not None}


def recorded(folder: Path, objectives: Iterable[str] = ()) -> Outcome | None:
    """Return the outcome in result.json; None if the trial can be continued, or has not started.

    Args:
        folder: of the trial.
        objectives: names of what the sweep trades off, and of what its constraints bound.

    """
    try:
        record = Record.read(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except DamagedError as error:
        return Outcome("failed", "failed", reason=str(error))
    if record.status == "interrupted" or record.code == Code.DISK:
        return None
    value = record.metric.value
    length = (record.epochs, record.seconds, record.spread.get("deviation"), record.cpu_seconds)
    traded = of_record(objectives, record)
    parts = max(1, len(record.repeats))
    rest = (*length, "; ".join(unrepeated(record.steering)), parts, record.further, traded)
    seen = (record.status, value, record.reason, *rest)
    if record.status in ("completed", "pruned"):
        if value is None or math.isnan(value):
            reason = f"{record.metric.name} is {value}, which cannot be compared"
            return Outcome("failed", "failed", None, reason, *rest)
        if missing := [n for n in objectives if not math.isfinite(traded.get(n, math.nan))]:
            reason = (
                f"no finite value of {listed(missing)} was logged, by which trials are compared"
            )
            return Outcome("failed", "failed", None, reason, *rest)
        return Outcome("completed" if record.status == "completed" else "pruned", *seen)
    return Outcome("failed", *seen)


def of(
    folder: Path, exit_code: int, failure: Mapping[str, str], objectives: Iterable[str] = ()
) -> Outcome:
    """Return the outcome of a trial that has just ended, whatever the cause.

    Args:
        folder: of the trial.
        exit_code: of its process.
        failure: code and reason of the error that it has reported, if any.
        objectives: names of what the sweep trades off, and of what its constraints bound.

    Raises:
        UserError: the disk is full or fails, which is not the trial's fault.

    """
    if (outcome := recorded(folder, objectives)) is not None:
        return outcome
    if failure.get("code") == Code.DISK or full_disk.is_full(folder):
        raise full_disk.error(folder.parents[1], failure.get("reason"))
    return Outcome("failed", "failed", reason=_why(exit_code, folder))


def _why(exit_code: int, folder: Path) -> str:
    if exit_code < 0:
        name = signal.Signals(-exit_code).name
        hint = ", which is often the system running out of memory" if name == "SIGKILL" else ""
        return f"killed by {name}{hint}"
    last = tail(folder / LOG, lines=1)
    return f"ended with exit code {exit_code} and no result.json" + (f": {last}" if last else "")
