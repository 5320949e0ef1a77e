"""Python scripts started by fork from a warm interpreter: 0.1 s of CPU time instead of 5.

`Popen` stands in for `subprocess.Popen` throughout the tests. Where it is asked for a script of
this interpreter (`python script.py ...` or `python -c code ...`), the new process is forked from a
zygote: a process that has imported the heavy libraries and the engine, has composed a config and
has done nothing more. A script with another engine in its path imports that one. All the rest is as
usual: command line, environment, files, process group, signals, exit code, and a process id that is
a child of the caller's. A process that was started so has a zygote of its own, hence a sweep's
server and DDP's ranks start as fast.

Everything else is started as usual: anything but a script, and a script for which the
environment sets up the interpreter in another way. `@pytest.mark.cold` asks for real starts, where
the interpreter's start is the subject.
"""

import atexit
import contextlib
import ctypes
import fcntl
import gc
import importlib
import io
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import Iterator, Mapping
from importlib.machinery import PathFinder
from typing import Any, NoReturn

LIBRARIES = (
    "torch torch._dynamo lightning.pytorch torchmetrics pandas hydra optuna optuna.importance "
    "sklearn.datasets sklearn.linear_model sklearn.tree sklearn.ensemble typeguard rich.live"
)
SOURCES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "src")
# pyarrow, which pandas brings along, otherwise starts a thread at import; a process with threads
# cannot be forked from safely.
NO_THREADS = {"JE_ARROW_MALLOC_CONF": "background_thread:false", "OMP_NUM_THREADS": "1"}
LARGEST, HIGH = 1 << 17, 400
"""Bytes of a request; file descriptors from here on are out of a script's way."""
USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
USUAL |= {getattr(signal, n): signal.SIG_DFL for n in ("SIGQUIT", "SIGHUP") if hasattr(signal, n)}
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

enabled = sys.platform == "linux"
_begin = subprocess.Popen
_at_start = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
_zygote: "Zygote | None" = None
_former: list[Any] = []
_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def cold() -> Iterator[None]:
    """Start scripts in interpreters of their own, and these what they start."""
    global enabled
    before, enabled = enabled, False
    try:
        yield
    finally:
        enabled = before


def skip_fsync(_: Any) -> None:
    """Replace `os.fsync`, which waits 10 ms and matters only in a power cut."""


def restore_signals() -> None:
    """Restore the signals that a shell has its background jobs ignore, and that children inherit.

    A test that sends one to what it has started is then the same in a terminal, after `&` and
    under nohup.
    """
    for number, usual in USUAL.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


class Popen(subprocess.Popen):  # type: ignore[type-arg]
    """As `subprocess.Popen`, but a script is forked from a warm interpreter."""

    def _execute_child(
        self,
        args: Any,
        executable: Any,
        preexec_fn: Any,
        close_fds: Any,
        pass_fds: Any,
        cwd: Any,
        env: Any,
        startupinfo: Any,
        creationflags: Any,
        shell: Any,
        *rest: Any,
    ) -> None:
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, *_ = rest
        *_, gid, gids, uid, umask, new_session, group = rest
        special = (executable, preexec_fn, startupinfo, creationflags, shell, not close_fds)
        odd = any(special) or (gid, gids, uid, umask, group) != (None, None, None, -1, -1)
        environment = dict(os.environ if env is None else env)
        if odd or not (words := script(args, environment, cwd)):
            own = (args, executable, preexec_fn, close_fds, pass_fds, cwd, env)
            super()._execute_child(*own, startupinfo, creationflags, shell, *rest)  # type: ignore[misc]
            return
        request = {
            "words": words,
            "folder": os.path.abspath(os.fspath(cwd)) if cwd else os.getcwd(),
            "environment": environment,
            "group": None if new_session else os.getpgrp(),
        }
        standard = {0: p2cread, 1: c2pwrite, 2: errwrite}
        files = {n: n if file == -1 else file for n, file in standard.items()}
        try:
            self.pid = zygote().fork(request, files | {file: file for file in pass_fds})
        finally:
            self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]
        self._child_created = True


def script(args: Any, environment: Mapping[str, str], cwd: Any) -> list[str] | None:
    """Return the words after `python` where they name a script that can be forked."""
    if not enabled or isinstance(args, str | bytes | os.PathLike):
        return None
    if _zygote and _zygote.owner != os.getpid():  # forked by others, as a sweep's trials are
        return None
    program, *words = map(os.fspath, args)
    setting_up = {
        name: value
        for name, value in environment.items()
        if name.startswith("PYTHON") and name != "PYTHONPATH"
    }
    if program != sys.executable or setting_up != _setting_up():
        return None
    named = words[words[:1] == ["-u"] :][:1]
    there = named and named[0].endswith(".py") and os.path.isfile(os.path.join(cwd or "", named[0]))
    return words if os.path.isdir(cwd or ".") and (there or named == ["-c"]) else None


def _setting_up() -> dict[str, str]:
    return {name: value for name, value in _at_start.items() if name != "PYTHONPATH"}


def zygote() -> "Zygote":
    """Return this process's zygote."""
    global _zygote
    if _zygote is None:
        _zygote = Zygote.begun()
    return _zygote


class Zygote:
    """A warm interpreter that forks children of `owner`.

    Args:
        connection: to it.

    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.owner = connection, os.getpid()

    @classmethod
    def begun(cls) -> "Zygote":
        """Start a fresh one."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | NO_THREADS
        _begin(
            [sys.executable, __file__, str(theirs.fileno()), str(os.getpid()), " " * (1 << 14)],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=environment | {"PADDING": " " * (1 << 16)},
        )
        theirs.close()
        assert ours.recv(16) == b"ready", "the warm interpreter did not start"
        return cls(ours)

    def fork(self, request: dict[str, Any], files: dict[int, int]) -> int:
        """Return the process id of a new child of this process that runs the request.

        Args:
            request: words of the command line, folder, environment, process group.
            files: for each file descriptor that the child has, the one here that it is.

        """
        message = json.dumps(request | {"files": [*files]}).encode()
        with _one_at_a_time, adopting():
            socket.send_fds(self.connection, [message], [*files.values()])
            return int(self.connection.recv(16))


@contextlib.contextmanager
def adopting() -> Iterator[None]:
    """Make processes below this one its children when their parent ends."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0)


def end_with(parent: int) -> None:
    """End this process with its parent, however that ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def serve(connection: socket.socket) -> NoReturn:
    """Be a zygote: fork a process for each request.

    The process is forked from one that ends at once, and is then a child of whoever asked.
    """
    while True:
        message, files, _, _ = socket.recv_fds(connection, LARGEST, 64)
        if not message:
            os._exit(0)
        if (between := os.fork()) == 0:
            between = os.getpid()
            if os.fork():
                os._exit(0)
            while os.getppid() == between:
                os.sched_yield()
            become(json.loads(message), files, connection)
        for file in files:
            os.close(file)
        os.waitpid(between, 0)


def become(asked: dict[str, Any], files: list[int], connection: socket.socket) -> NoReturn:
    """Become the requested process, and report it."""
    global _zygote
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if asked["group"] is None:
        os.setsid()
    else:
        os.setpgid(0, asked["group"])
    own = os.getpid()
    if os.fork() == 0:  # a zygote of its own
        end_with(own)
        os.setpgid(0, 0)  # out of reach of a Ctrl-C, and not counted
        for file in (*files, ours.detach(), connection.detach()):
            os.close(file)
        serve(theirs)
    theirs.close()
    high = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, HIGH) for file in (ours.detach(), *files)]
    _zygote = Zygote(socket.socket(fileno=high.pop(0)))
    for file in files:
        os.close(file)
    telling = fcntl.fcntl(connection.detach(), fcntl.F_DUPFD_CLOEXEC, HIGH)
    for file, target in zip(high, asked["files"], strict=True):
        os.dup2(file, target)
        os.close(file)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    show(asked["words"], asked["environment"])
    with socket.socket(fileno=telling) as told:
        told.send(str(own).encode())
    end(run(asked["words"]))


def show(words: list[str], environment: Mapping[str, str]) -> None:
    """Let /proc tell the script's command line and environment, for who looks a process up there.

    Both stand where the kernel put the zygote's, whose padding makes room.
    """
    with open("/proc/self/stat") as file:
        found = [int(word) for word in file.read().rpartition(")")[2].split()[45:49]]
    told = ([sys.executable, *words], [f"{name}={value}" for name, value in environment.items()])
    for texts, begin, end in zip(told, found[::2], found[1::2], strict=True):
        data = b"".join(os.fsencode(text) + b"\0" for text in texts)[: end - begin - 1]
        ctypes.memmove(begin, data.ljust(end - begin, b"\0"), end - begin)


def run(words: list[str]) -> int:
    """Run a script as Python does; return the exit code."""
    subprocess.Popen = Popen  # type: ignore[misc]
    tempfile.tempdir = None
    open_standard_streams(unbuffered=words[0] == "-u" or "PYTHONUNBUFFERED" in _at_start)
    sys.orig_argv = [sys.executable, *words]
    words = words[words[0] == "-u" :]
    sys.argv = ["-c", *words[2:]] if words[0] == "-c" else words
    place = "" if words[0] == "-c" else os.path.dirname(os.path.realpath(words[0]))
    given = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    sys.path[:1] = [place, *map(os.path.abspath, given)]
    if not is_engine_of_path():
        forget_engine()
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        if any(os.path.isfile(os.path.join(path, "sitecustomize.py")) for path in given):
            forget_engine()  # which it may want to see imported
            importlib.import_module("sitecustomize")
        if words[0] == "-c":
            code = compile(words[1], "<string>", "exec")
        else:
            main.__file__ = words[0]
            with open(words[0], "rb") as file:
                code = compile(file.read(), words[0], "exec")
        exec(code, vars(main))
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        print(end.code, file=sys.stderr)
        return 1
    except BaseException as error:
        inside = error.__traceback__ and error.__traceback__.tb_next  # this function is no part
        sys.excepthook(type(error), error.with_traceback(inside), inside)
        return -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    return 0


def is_engine_of_path() -> bool:
    """Return whether the engine that is loaded is the one that a script would import."""
    found = PathFinder.find_spec("quintet")
    return found is not None and found.origin == sys.modules["quintet"].__file__


def forget_engine() -> None:
    """Let a script import the engine again."""
    for name in [name for name in sys.modules if name.split(".")[0] in ("quintet", "project")]:
        del sys.modules[name]


def open_standard_streams(*, unbuffered: bool) -> None:
    """Reopen stdin, stdout and stderr; what writes to the former ones continues to do so."""
    _former.extend((sys.stdin, sys.stdout, sys.stderr))
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # noqa: SIM115
    for number, name in ((1, "stdout"), (2, "stderr")):
        former = getattr(sys, name)
        stream = io.TextIOWrapper(
            open(number, "wb", 0 if unbuffered else -1, closefd=False),  # noqa: SIM115
            encoding=former.encoding,
            errors=former.errors,
            line_buffering=number == 2 or os.isatty(number),
            write_through=unbuffered,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def end(code: int) -> NoReturn:
    """End this process as an interpreter ends."""
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    for stream in (*_former[1:], sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # where nobody reads any more
            stream.flush()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def engine() -> Iterator[str]:
    """Return the names of the engine's modules, but of those that import pytest."""
    place = os.path.join(SOURCES, "quintet")
    found = (module.name for module in pkgutil.walk_packages([place], "quintet."))
    return (name for name in found if not name.startswith("quintet.testing"))


def compose() -> None:
    """Fill Hydra's caches of its plugins and its grammar."""
    import hydra

    configs = os.path.join(os.path.dirname(SOURCES), "configs")
    with hydra.initialize_config_dir(configs, version_base="1.3"):
        hydra.compose("train")


def main() -> NoReturn:
    """Import the libraries and serve the process that started this one."""
    connection, parent = int(sys.argv[1]), int(sys.argv[2])
    end_with(parent)
    os.setpgid(0, 0)
    os.fsync = skip_fsync
    sys.path.insert(0, SOURCES)
    for name in (*LIBRARIES.split(), *engine()):
        importlib.import_module(name)
    compose()
    sys.path.remove(SOURCES)
    gc.freeze()
    with socket.socket(fileno=connection) as served:
        served.send(b"ready")
        serve(served)


if __name__ == "__main__":
    main()
