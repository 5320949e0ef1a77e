"""A trial's connection to its sweep: it reports the metric and receives whether to stop."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass

VARIABLE = "QUINTET_TRIAL"
PARAMS = "QUINTET_PARAMS"
EXIT, RERUN = "exit", "rerun"
"""Messages of a trial that shares a process: its exit code, or why it must be rerun alone."""
PROGRESS = "progress"
"""Message within a long epoch: how many epochs are done, with a fraction for the current one."""
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
        self.send_metric(epoch, value, objectives)
        return self.receive_decision()

    def send_metric(
        self, epoch: int, value: float | None, objectives: Mapping[str, float] | None = None
    ) -> None:
        """Report the metric, to receive the decision later."""
        try:
            self._send([epoch, value, dict(objectives)] if objectives else [epoch, value])
        except OSError:
            os._exit(1)

    def receive_decision(self) -> bool:
        """Return whether to stop: the answer to the report."""
        try:
            answer = os.read(self.answers, 1)
        except OSError:
            answer = b""
        if not answer:
            os._exit(1)
        return answer == b"s"

    def send_progress(self, epochs: float) -> None:
        """Send how many epochs are done, with a fraction for the current one; no answer follows."""
        with suppress(OSError):
            self._send({PROGRESS: round(epochs, 3)})

    def send_exit(self, code: int) -> None:
        """Report that a trial has ended while its process continues with others."""
        with suppress(OSError):
            self._send({EXIT: code})

    def send_rerun(self, reason: str) -> None:
        """Report that a trial must be rerun in its own process, and why."""
        with suppress(OSError):
            self._send({RERUN: reason[:LONGEST]})

    def _send(self, message: object) -> None:
        os.write(self.reports, json.dumps(message).encode() + b"\n")

    def send_error(self, code: str, reason: str) -> None:
        """Report the error that ends the trial, as files may not be writable any more.

        Args:
            code: of the `UserError`.
            reason: its message.

        """
        with suppress(OSError):
            self._send({"code": code, "reason": reason[:LONGEST]})


def with_params(params: Mapping[str, str]) -> dict[str, str]:
    """Return the variable that holds the params in which a trial differs from the others."""
    return {PARAMS: json.dumps(dict(params))}


def params() -> dict[str, str]:
    """Return the params in which this process's trial differs from others; {} outside trials."""
    return dict(json.loads(os.environ.get(PARAMS, "{}")))


def is_trial() -> bool:
    """Return whether this process belongs to a trial of a sweep, whatever its rank."""
    return VARIABLE in os.environ


def trial_pipe() -> TrialPipe | None:
    """Return the pipe to the sweep; None unless this process is the first rank of a trial."""
    encoded = os.environ.get(VARIABLE)
    if encoded is None or os.environ.get("LOCAL_RANK", "0") != "0":
        return None
    return TrialPipe(**json.loads(encoded))
