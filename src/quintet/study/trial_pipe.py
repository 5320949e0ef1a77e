"""A trial's connection to its sweep: it reports the metric and receives whether to stop."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass

VARIABLE = "QUINTET_TRIAL"
PARAMS = "QUINTET_PARAMS"
EXIT, ALONE = "exit", "alone"
"""Messages of a trial that shares its process: its exit code, or why it cannot share."""
MOVED = "moved"
"""What a trial tells within a long epoch: how many epochs it has done, the current one in part."""
LONGEST = 300
"""Maximum characters of a reason: a pipe takes a line of up to 4096 bytes in one piece."""


@dataclass(frozen=True)
class TrialPipe:
    """The two pipes between a trial and its sweep, by file descriptor.

    Args:
        number: of the trial.
        reports: to write to.
        answers: to read from.

    """

    number: int
    reports: int
    answers: int

    def to_environment(self) -> dict[str, str]:
        """Return the one variable that makes a process a trial."""
        return {VARIABLE: json.dumps(asdict(self))}

    def report(
        self, epoch: int, value: float | None, objectives: Mapping[str, float] | None = None
    ) -> bool:
        """Report the metric after `epoch` epochs; return whether to stop.

        The sweep answers every report, so that decisions are made at the same epoch in every run.
        If the sweep is gone, the trial exits.

        Args:
            epoch: the number of epochs.
            value: the metric; None to ask for the answer to an earlier report again, which a kill
                may have cut off.
            objectives: of a sweep with several, by name.

        """
        self.ask(epoch, value, objectives)
        return self.hear()

    def ask(
        self, epoch: int, value: float | None, objectives: Mapping[str, float] | None = None
    ) -> None:
        """Report the metric, to `hear` the answer later."""
        try:
            self._tell([epoch, value, dict(objectives)] if objectives else [epoch, value])
        except OSError:
            os._exit(1)

    def hear(self) -> bool:
        """Return the answer to the report."""
        try:
            answer = os.read(self.answers, 1)
        except OSError:
            answer = b""
        if not answer:
            os._exit(1)
        return answer == b"s"

    def moved(self, epochs: float) -> None:
        """Tell how many epochs are done, the current one in part; nothing is answered."""
        with suppress(OSError):
            self._tell({MOVED: round(epochs, 3)})

    def leave(self, code: int) -> None:
        """Report that a trial has ended while its process continues with others."""
        with suppress(OSError):
            self._tell({EXIT: code})

    def alone(self, reason: str) -> None:
        """Report that a trial must run in its own process, and why."""
        with suppress(OSError):
            self._tell({ALONE: reason[:LONGEST]})

    def _tell(self, what: object) -> None:
        os.write(self.reports, json.dumps(what).encode() + b"\n")

    def fail(self, code: str, reason: str) -> None:
        """Report the error that ends the trial, as files may not be writable any more.

        Args:
            code: of the `UserError`.
            reason: its message.

        """
        with suppress(OSError):
            self._tell({"code": code, "reason": reason[:LONGEST]})


def with_params(params: Mapping[str, str]) -> dict[str, str]:
    """Return the variable that tells a trial what it differs in from the others."""
    return {PARAMS: json.dumps(dict(params))}


def params() -> dict[str, str]:
    """Return what this process's trial differs in from the others; {} of any other process."""
    return dict(json.loads(os.environ.get(PARAMS, "{}")))


def is_trial() -> bool:
    """Return whether this process belongs to a trial of a sweep, whatever its rank."""
    return VARIABLE in os.environ


def trial_pipe() -> TrialPipe | None:
    """Return the pipe to the sweep; None unless this process is the first rank of a trial."""
    told = os.environ.get(VARIABLE)
    if told is None or os.environ.get("LOCAL_RANK", "0") != "0":
        return None
    return TrialPipe(**json.loads(told))
