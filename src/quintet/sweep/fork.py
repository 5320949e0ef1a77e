"""Trials forked from a server that has the heavy libraries loaded."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from quintet.base.signals import deferred
from quintet.study.trial_pipe import EXIT, RERUN
from quintet.sweep.interruption import interruptible
from quintet.sweep.trial_process import Process, Start, clean, output, start

SOURCES = str(Path(__file__).parents[2])
SERVE = "from quintet.sweep.fork_server import main; main()"

# pyarrow, a dependency of pandas, otherwise starts a thread at import; forking a process that has
# threads is not safe.
NO_THREADS = {"JE_ARROW_MALLOC_CONF": "background_thread:false", "OMP_NUM_THREADS": "1"}


def search_path() -> str:
    """Return a PYTHONPATH on which the sweep's processes find quintet first."""
    return os.pathsep.join(filter(None, [SOURCES, os.environ.get("PYTHONPATH")]))


class ForkedTrial:
    """A forked trial, whose exit code the server reports."""

    def __init__(self, server: "Server", pid: int) -> None:
        self.server, self.pid = server, pid
        self.code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        self.server.listen()
        if self.code is None and self.server.dead:  # and so have its trials
            self.code = -signal.SIGKILL
        return self.code


class SharedProcess(Process):
    """A trial that shares its process with others, and may end before it."""

    def exit_code(self) -> int | None:
        """Return the exit code that the trial has reported, or that of the process."""
        if EXIT in self.messages:
            return int(self.messages[EXIT])
        return 1 if RERUN in self.messages else self.handle.poll()

    @property
    def rerun_reason(self) -> str | None:
        """Why the trial must be rerun alone: it reported so, or its process has died."""
        if RERUN in self.messages:
            return str(self.messages[RERUN])
        died = self.exit_code() is not None and not {EXIT, "code"} & self.messages.keys()
        return f"the process it shared ended with code {self.exit_code()}" if died else None

    def signal(self, number: int) -> None:
        """Send a signal to the process, unless the trial has left it."""
        if not {EXIT, RERUN} & self.messages.keys():
            super().signal(number)


class Server:
    """Starts trials by fork; starts loading the libraries on creation.

    Args:
        modules: to load.

    """

    def __init__(self, modules: Sequence[str]) -> None:
        self.modules = modules
        self.trials: dict[int, ForkedTrial] = {}
        self._begin()

    def _begin(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        arguments = [str(theirs.fileno()), str(os.getpid()), *self.modules]
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVE, *arguments],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # a Ctrl-C is handled by the sweep
            env={**clean(os.environ), "PYTHONPATH": search_path(), **NO_THREADS},
        )
        theirs.close()
        self.ready = self.dead = False

    def forks(self) -> bool:
        """Return whether a fork is safe, once the libraries are loaded; restart a dead server."""
        self.listen()
        if self.dead:
            self._begin()
        if not self.ready:
            self._socket.setblocking(True)
            with interruptible():
                message = self._receive()
            self.ready, self.safe = True, message is not None and message["threads"] == 1
        return self.safe

    def start(
        self,
        command: Sequence[str],
        folder: Path,
        number: int,
        lock: int,
        extra: Mapping[str, str],
    ) -> Process:
        """Start a trial by fork; by `trial_process.start` if a fork is not safe."""
        if not self.forks():
            return start(command, folder, number, lock, extra)
        (process,) = self.start_together(command, [(folder, number, lock)], extra)
        return process

    def start_together(
        self,
        command: Sequence[str],
        trials: Sequence[tuple[Path, int, int]],
        extra: Mapping[str, str],
    ) -> list[Process]:
        """Start a process for one trial or several, by a fork that is safe.

        Args:
            command: of the process.
            trials: folder, number and held lock of each.
            extra: environment variables of the slot.

        """
        request = {
            "number": trials[0][1],
            "command": list(command[1:]),
            "directory": os.getcwd(),
            "environment": {**clean(os.environ), **extra},
        }
        ours, theirs = [], list[int]()
        for _, _, lock in trials:
            reports, tells = os.pipe()
            hears, answers = os.pipe()
            ours.append((reports, answers, lock))
            theirs += [lock, tells, hears]
        with output(trials[0][0]) as log:
            self._socket.setblocking(True)
            message = json.dumps(request).encode()
            with contextlib.suppress(ConnectionError):  # it has just died
                socket.send_fds(self._socket, [message], [log.fileno(), *theirs])
        trial = self._receive_start()
        for place, descriptor in enumerate(theirs):
            if place % 3:  # but for the locks
                os.close(descriptor)
        kind = Process if len(trials) == 1 else SharedProcess
        return [kind(trial, *each) for each in ours]

    def _receive_start(self) -> ForkedTrial:
        while (message := self._receive()) and "began" not in message:
            self._note(message)
        pid = message["began"] if message else -1
        self.trials[pid] = ForkedTrial(self, pid)
        return self.trials[pid]

    def listen(self) -> None:
        """Read the messages of the server."""
        if not self.ready or self.dead:
            return
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while message := self._receive():
                self._note(message)
            self.dead = True

    def _receive(self) -> dict[str, int] | None:
        """Return the next message of the server; None if it has died, maybe before it read ours."""
        try:
            message = self._socket.recv(4096)
        except ConnectionError:
            return None
        return dict(json.loads(message)) if message else None

    def _note(self, message: dict[str, int]) -> None:
        if (trial := self.trials.pop(message["ended"], None)) is not None:
            trial.code = message["code"]

    def close(self) -> None:
        """End the server."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def starter(isolation: str, modules: Sequence[str]) -> Iterator[Start]:
    """Return the function that starts trials.

    Args:
        isolation: fork, or process.
        modules: that the fork server loads.

    """
    if isolation == "process" or sys.platform != "linux":
        yield start
        return
    server: Server | None = None
    try:
        with deferred():  # an interrupted start would leave an orphaned process
            server = Server(modules)
        yield server.start
    finally:
        if server is not None:
            server.close()
