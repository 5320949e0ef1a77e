"""A process that has the heavy libraries loaded and forks trials: 0.3 s each instead of 4 s.

The server computes nothing, so it has neither threads nor a CUDA context when it forks. Afterwards
the trials share nothing. Runs as `python -c` under `quintet.sweep.fork.Server`.
"""

import gc
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

from quintet.base import hydra_internals, paths, process_exit
from quintet.base.process import die_with
from quintet.base.signals import SIGNALS, listen
from quintet.study.trial_pipe import TrialPipe

LARGEST = 1 << 18
"""Maximum bytes of a request: a command pipe and an environment."""
MOST_FILES = 253
"""Maximum number of open files that a request can bring; Linux allows no more."""
SHARED_FILES = "QUINTET_SHARED_FILES"
"""Environment variable with the open files of the trials that share a process: three of each."""


def main() -> None:
    """Load the modules named in argv, then fork a trial for each request until the sweep ends."""
    descriptor, parent, *modules = sys.argv[1:]
    die_with(int(parent))
    connection = socket.socket(fileno=int(descriptor))
    for name in modules:
        import_module(name)
    compose_once()
    gc.freeze()  # trials share these pages permanently
    threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
    with suppress(ConnectionError):  # the sweep has ended, which `serve` detects
        connection.send(json.dumps({"threads": threads}).encode())
    if (request := serve(connection)) is not None:
        run(*request)


def compose_once() -> None:
    """Compose a config, so that trials inherit Hydra's caches of its plugins and its grammar.

    Composing it once instead of twice saves a tenth of a CPU second, a fifth of a short trial.
    """
    from hydra import compose, initialize_config_dir

    hydra_internals.compose_once()
    with initialize_config_dir(str(paths.CONFIGS), version_base="1.3"):
        compose("train")


def serve(connection: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Answer requests; return one only in the child that is to run it, None at the end."""
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is woken:
                    os.read(woken, 4096)
                    reap(connection)
                    continue
                try:
                    message, files, _, _ = socket.recv_fds(connection, LARGEST, MOST_FILES)
                except ConnectionError:  # it ended before it read the request
                    return None
                if not message:
                    return None
                pid = fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for end in (woken, wake, connection.detach()):
                        os.close(end)
                    return json.loads(message), files
                for file in files:
                    os.close(file)
                connection.send(json.dumps({"began": pid}).encode())


def fork() -> int:
    """Fork a process that ends with this one and leads a session; return its id, 0 in the child.

    It can be signalled as a group once this returns. Interrupts are blocked until `run` handles
    them.
    """
    own = os.getpid()
    ready, begins = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    if (pid := os.fork()) == 0:
        die_with(own)
        os.setsid()
    else:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    os.close(begins)
    os.read(ready, 1)  # returns when both have closed theirs, or the child has died
    os.close(ready)
    return pid


def reap(connection: socket.socket) -> None:
    """Send the exit codes of trials that have ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        code = os.waitstatus_to_exitcode(status)
        connection.send(json.dumps({"ended": pid, "code": code}).encode())


def run(request: dict[str, Any], files: list[int]) -> None:
    """Become the trial, or several: its own environment, output and command pipe."""
    log, *each = files
    pipe = TrialPipe(request["number"], *each[1:3])
    os.environ.clear()
    os.environ.update({**request["environment"], **pipe.to_environment()})
    if len(each) > 3:
        os.environ[SHARED_FILES] = json.dumps(each)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.chdir(request["directory"])
    sys.argv = request["command"]
    process_exit.exit_with(_script)


def _script() -> None:
    """Run what argv names, a script or -m and a module, as Python itself would."""
    listen()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__")
    else:
        sys.path[0] = os.path.dirname(sys.argv[0])
        runpy.run_path(sys.argv[0], run_name="__main__")
