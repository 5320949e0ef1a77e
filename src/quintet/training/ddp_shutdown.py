"""Shutdown of distributed training: all ranks end together, with a single message and record.

Rank 0 is the process that the user started; Lightning's launcher starts the others.
"""

import atexit
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from quintet.base.errors import Code, DivergedError, UserError
from quintet.base.files import SUFFIX, remove_temporary_files, write_atomically
from quintet.base.process import die_with, is_first_rank
from quintet.base.quoting import quoted

POLL, GRACE = 0.2, 5.0
"""Seconds between checks of the other ranks, and for rank 0 to notice a failure by itself."""

_others: list["subprocess.Popen[Any]"] = []
_ending = threading.Event()
_last_words: list[Callable[[str], None]] = []


def watch_ranks() -> None:
    """Make all ranks end when one of them fails, and all others when rank 0 ends.

    Lightning's own observer also kills rank 0, before it can print or record the reason.
    """
    from quintet.training.lightning_patches import replace_launcher

    replace_launcher(_watch, _command_of)
    atexit.register(_part)
    if not is_first_rank():
        die_with(os.getppid())  # on a cluster, this may be the launcher


def _command_of(rank: int) -> tuple[list[str], str]:
    """Return Lightning's command and working directory for a rank, with the folder quoted.

    Lightning puts the path between quotes without escaping quotes in it.
    """
    from hydra.core.hydra_config import HydraConfig

    from quintet.training.lightning_patches import launch_command

    command, directory = launch_command(rank)
    place = HydraConfig.get().run.dir
    theirs, ours = f'hydra.run.dir="{place}"', f"hydra.run.dir={quoted(place)}"
    return [ours if word == theirs else word for word in command], directory


@contextmanager
def on_hang(say: Callable[[str], None]) -> Iterator[None]:
    """Call `say` with the reason from another thread if rank 0 hangs after another rank has failed.

    A library call may wait forever for a rank that has ended.
    """
    _ending.clear()
    _last_words.append(say)
    try:
        yield
    finally:
        _last_words.remove(say)


def _watch(child_processes: "list[subprocess.Popen[Any]]") -> None:
    _others[:] = child_processes
    threading.Thread(target=_wait_for_a_failure, daemon=True).start()


def _part() -> None:
    """Destroy the process group; otherwise threads of gloo occasionally abort the process."""
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def _wait_for_a_failure() -> None:
    while not any(codes := [other.poll() for other in _others]):
        if all(code == 0 for code in codes):
            return
        time.sleep(POLL)
    time.sleep(GRACE)
    if not _ending.is_set():
        for say in _last_words:
            say(_how_it_ended() or "")
        end()
        os._exit(1)


def end() -> None:
    """Kill all other ranks before they report that rank 0 has ended."""
    _ending.set()
    for other in _others:
        with suppress(ProcessLookupError):
            other.kill()
        other.wait()
    _others.clear()


def shut_down(folder: Path, error: BaseException) -> BaseException:
    """End all ranks after an error in this one; return the error that caused it.

    Rank 0 reports the error. The others write theirs to files: if one of them broke the
    connection, the error of rank 0 itself does not contain the cause.
    """
    if not is_first_rank():
        word = {"type": type(error).__name__, "message": str(error)}
        with suppress(UserError):  # on a full disk, rank 0 reports the same error
            write_atomically(_report_of(folder, os.environ["LOCAL_RANK"]), json.dumps(word))
    elif _others and _is_broken_connection(error):
        error = _cause(folder) or error
    end()
    if is_first_rank():
        remove_temporary_files(folder)
    return error


def _cause(folder: Path) -> Exception | None:
    end_by = time.monotonic() + GRACE
    while not any(other.poll() for other in _others) and time.monotonic() < end_by:
        time.sleep(POLL)
    for rank in range(1, len(_others) + 1):
        path = _report_of(folder, str(rank))
        if path.exists():
            word = json.loads(path.read_text())
            if word["type"] == DivergedError.__name__:
                return DivergedError()
            reported = f"Rank {rank} ended with {word['type']}: {word['message']}"
            return UserError(reported, code=Code.FAILED)
    reason = _how_it_ended()
    return UserError(reason, code=Code.FAILED) if reason else None


def _how_it_ended() -> str | None:
    for rank, other in enumerate(_others, 1):
        if (code := other.poll()) and code > 0:
            return f"Rank {rank} ended with exit code {code}."
        if code:
            name = signal.Signals(-code).name
            hint = " It may have run out of memory." if code == -signal.SIGKILL else ""
            return f"Rank {rank} was ended by {name}.{hint}"
    return None


def _is_broken_connection(error: BaseException) -> bool:
    import torch.distributed as dist

    words = ("gloo", "connection", "nccl", "socket")
    broken = isinstance(error, RuntimeError) and any(w in str(error).lower() for w in words)
    return broken or isinstance(error, getattr(dist, "DistError", ()))


def _report_of(folder: Path, rank: str) -> Path:
    return folder / f".rank-{rank}{SUFFIX}"
