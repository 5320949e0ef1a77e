"""A trial's side of a sweep: it dies with its sweep, and can tell it how training goes."""

import ctypes
import json
import os
import signal
import sys
from dataclasses import asdict, dataclass

VARIABLE = "QUINTET_TRIAL"
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Line:
    """The two pipes between a trial and its sweep, by file descriptor.

    Args:
        number: of the trial.
        parent: process id of whoever started it.
        reports: to write to.
        answers: to read from.

    """

    number: int
    parent: int
    reports: int
    answers: int

    def to_environment(self) -> dict[str, str]:
        """Return the one variable that makes a process a trial."""
        return {VARIABLE: json.dumps(asdict(self))}

    def report(self, epoch: int, value: float) -> bool:
        """Tell P after so many epochs; return whether the trial is to stop.

        The sweep answers every report, so a decision falls at the same epoch in every run. A
        sweep that is gone takes its trials with it.
        """
        try:
            os.write(self.reports, json.dumps([epoch, value]).encode() + b"\n")
            answer = os.read(self.answers, 1)
        except OSError:
            answer = b""
        if not answer:
            os._exit(1)
        return answer == b"s"


def is_trial() -> bool:
    """Tell whether this process belongs to a trial of a sweep, whichever rank it is."""
    return VARIABLE in os.environ


def line() -> Line | None:
    """Return the line to the sweep; None where this process is no trial's first rank."""
    told = os.environ.get(VARIABLE)
    if told is None or os.environ.get("LOCAL_RANK", "0") != "0":
        return None
    return Line(**json.loads(told))


def die_with_parent() -> None:
    """Make a trial's process end when its parent does, however that ends; Linux only.

    Every rank calls it: the first dies with the sweep, the others with the first.
    """
    if not is_trial():
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    first = line()
    if first is not None and first.parent != os.getppid():  # it died before we could ask
        os._exit(1)
