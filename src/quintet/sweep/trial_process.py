"""A trial's process: started under its lock, read through its pipe, ended with its children."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from quintet.base import fault_injection, files
from quintet.base.process import PARENT
from quintet.study.trial_pipe import TrialPipe

LOG = "output.log"
LOCK = ".lock"
TRACKER_FILES = ("wandb", "tensorboard", "mlflow_run_id")
"""Trackers' files in a trial's folder, which are not copied: a copy would count as the same run."""
# Variables of a cluster job that are meant for the job's own process, not for a trial inside it.
FOREIGN = ("SLURM_", "SUBMITIT_")
FOREIGN_NAMES = {"LOCAL_RANK", "RANK", "NODE_RANK", "GROUP_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"}
FOREIGN_NAMES |= {"MASTER_ADDR", "MASTER_PORT"}


class Handle(Protocol):
    """The interface of a child process, as of subprocess.Popen."""

    pid: int

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""


class Start(Protocol):
    """Starts a trial, as `start` does."""

    def __call__(
        self,
        command: Sequence[str],
        folder: Path,
        number: int,
        lock: int,
        extra: Mapping[str, str],
    ) -> "Process":
        """Return the running trial."""


@dataclass(frozen=True)
class Report:
    """What a trial reports after an epoch.

    Args:
        epochs: that it has trained.
        value: the metric; None to request an earlier answer again.
        objectives: of a sweep with several, by name.

    """

    epochs: int
    value: float | None
    objectives: Mapping[str, float] = field(default_factory=dict)


class Process:
    """A running trial.

    Args:
        handle: of the child, the leader of a process group of its own.
        reports: the pipe to read its reports from.
        answers: the pipe to answer them by.
        lock: on the trial's folder, held by this process and by the trial: nobody else can claim
            the trial until both have released it.

    """

    def __init__(self, handle: Handle, reports: int, answers: int, lock: int) -> None:
        self.handle, self.reports, self._answers = handle, reports, answers
        self.lock = lock
        self._unread = b""
        self.messages: dict[str, Any] = {}
        """Messages other than reports, such as the code and reason of the error that ended it."""
        os.set_blocking(reports, False)

    def read_reports(self) -> list[Report]:
        """Return the new reports."""
        with suppress(BlockingIOError):
            while chunk := os.read(self.reports, 65536):
                self._unread += chunk
        *lines, self._unread = self._unread.split(b"\n")
        found = [json.loads(line) for line in lines]
        for line in found:
            self.messages |= line if isinstance(line, dict) else {}
        return [Report(*line) for line in found if isinstance(line, list)]

    @property
    def rerun_reason(self) -> str | None:
        """Why the trial must be rerun alone, if it must."""
        return None

    def answer(self, *, stop: bool) -> None:
        """Answer a report, unless the trial has died."""
        with suppress(BrokenPipeError):
            os.write(self._answers, b"s" if stop else b"g")

    def exit_code(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        return self.handle.poll()

    def signal(self, number: int) -> None:
        """Send a signal to the trial and every process it has started."""
        with suppress(ProcessLookupError, PermissionError):
            if self.handle.pid > 1:
                os.killpg(self.handle.pid, number)

    def end(self, patience: float = 0.0) -> None:
        """Wait for the trial, then kill what is left of it, such as ranks and loader workers."""
        until = time.monotonic() + patience
        while self.exit_code() is None and time.monotonic() < until:
            time.sleep(0.02)
        self.signal(signal.SIGKILL)
        while self.exit_code() is None:
            time.sleep(0.005)
            self.signal(signal.SIGKILL)
        os.close(self.reports)
        os.close(self._answers)

    def release_lock(self) -> None:
        """Release the trial's lock after its outcome has been recorded."""
        os.close(self.lock)


def start(
    command: Sequence[str], folder: Path, number: int, lock: int, extra: Mapping[str, str]
) -> Process:
    """Start a trial.

    Args:
        command: of the trial.
        folder: of the trial; its output goes to `output.log` there.
        number: of the trial.
        lock: the lock on the folder, held; the child inherits it.
        extra: environment variables of the slot.

    """
    with output(folder) as log:
        reports, tells = os.pipe()
        hears, answers = os.pipe()
        own = {**TrialPipe(number, tells, hears).to_environment(), PARENT: str(os.getpid())}
        handle = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(lock, tells, hears),
            start_new_session=True,
            env={**clean(os.environ), **extra, **own},
        )
    for descriptor in (tells, hears):
        os.close(descriptor)
    return Process(handle, reports, answers, lock)


def output(folder: Path) -> BinaryIO:
    """Open the log to which a trial's output is appended."""
    fault_injection.reach("before", folder / LOG)
    return os.fdopen(files.open_to_append(folder / LOG), "ab")


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the variables of a cluster job."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(FOREIGN) and name not in FOREIGN_NAMES
    }


def tail(path: Path, lines: int = 20) -> str:
    """Return the last lines of a log, without terminal colours."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 20_000))
        text = file.read().decode("utf-8", errors="replace")
    return "\n".join(text.strip().splitlines()[-lines:])
