"""The storage of a study: a journal in its folder, or a database for several machines."""

import fcntl
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from quintet.artifacts import untrusted_files
from quintet.base import fault_injection
from quintet.base.errors import Code, UserError
from quintet.base.secrets import redact

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

JOURNAL = "journal.log"
START = b'{"op_code"'
"""How each line of a journal begins."""
PATIENCE = 10.0
"""Seconds to wait for a proxy."""
SCHEMES = ("sqlite://", "postgresql", "mysql", "grpc://")


def storage(folder: Path, url: str | None) -> "BaseStorage":
    """Open the storage of a study.

    Args:
        folder: of the sweep.
        url: None for the journal; an SQLAlchemy URL; or grpc://host:port for Optuna's proxy.

    Raises:
        UserError: the URL is of another kind, or the storage does not respond.

    """
    if url is None:
        return journal(folder / JOURNAL)
    from optuna.storages import GrpcStorageProxy, RDBStorage

    if not url.startswith(SCHEMES):
        raise UserError(
            "is not a storage",
            code=Code.UNKNOWN_NAME,
            key="sweeper.storage",
            value=shown(url),
            hint="Allowed: null (a journal file), sqlite:///file.db, "
            "postgresql+psycopg://user@host/database, grpc://host:port",
        )
    try:
        if url.startswith("grpc://"):
            host, _, port = url.removeprefix("grpc://").partition(":")
            proxy = GrpcStorageProxy(host=host, port=int(port or 13000))
            proxy.wait_server_ready(PATIENCE)
            return proxy
        return RDBStorage(url)
    except Exception as error:
        cause = redact(str(error)).strip().splitlines()[0]
        raise UserError(
            f"does not respond: {cause}",
            code=Code.UNAVAILABLE,
            key="sweeper.storage",
            value=shown(url),
        ) from error


def shown(url: str) -> str:
    """Return a URL without its password.

    Examples:
        >>> shown("postgresql+psycopg://me:secret@host/db")
        'postgresql+psycopg://me:***@host/db'

    """
    return re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url)


class Flock:
    """A lock for Optuna's journal by flock, which the kernel releases when the holder is killed.

    Optuna's own locks are files that outlive a killed holder, which then costs 30 s; flock is also
    four times faster. The holder is the only writer, so an incomplete line was left by a killed one
    and is removed.
    """

    def __init__(self, journal: Path) -> None:
        self._journal, self._descriptor = journal, -1

    def acquire(self) -> bool:
        """Wait for the lock."""
        fault_injection.reach("before", self._journal)
        self._descriptor = os.open(f"{self._journal}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        mend(self._journal)
        return True

    def release(self) -> None:
        """Release the lock."""
        os.close(self._descriptor)
        fault_injection.reach("after", self._journal)


def journal(path: Path) -> "BaseStorage":
    """Open a journal file, and repair the last line if a killed writer left it incomplete.

    Raises:
        UserError: another line is unreadable, which a killed writer cannot have caused.

    """
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    untrusted_files.inside(path.parent, f"{path.name}.lock")
    path = untrusted_files.inside(path.parent, path.name).resolve()
    if path.exists() and not path.is_file():
        untrusted_files.refuse(path, "is not a regular file")
    _check_start(path)
    lock = Flock(path)
    lock.acquire()
    lock.release()
    try:
        json.loads(_last_line(path) or "0")  # Optuna forgives a last one, and appends to it
        return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))  # type: ignore[arg-type]
    except Exception as error:  # not JSON, not text, not known fields
        if (line := unreadable(path)) is None:
            said = f"{type(error).__name__}: {error}"[:200]
            untrusted_files.refuse(path, f"has an entry that is not one of a study ({said})", error)
        raise UserError(
            f"{path}: line {line} cannot be read, so another program has written to it",
            code=Code.DAMAGED,
            hint="Restore the file from a copy; or keep a copy, and delete that line: its trial is "
            "then continued, or trained again",
        ) from error


def unreadable(path: Path) -> int | None:
    """Return the number of the first line that is not JSON, from 1; None if all are."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                json.loads(line)
            except (ValueError, RecursionError):
                return number
    return None


def _check_start(path: Path) -> None:
    """Reject a file that is not a journal, before its lock truncates what follows the last line.

    Raises:
        DamagedError: it is not a journal.

    """
    if path.exists():
        with path.open("rb") as file:
            found = file.read(len(START))
        if found != START[: len(found)]:
            untrusted_files.refuse(path, "is not the journal of a study")


def _last_line(path: Path) -> bytes:
    """Return the last line of a file; empty if there is none."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        end, tail = file.seek(0, os.SEEK_END), b""
        while end > 0 and b"\n" not in tail[:-1]:
            start = max(0, end - 65536)
            file.seek(start)
            tail, end = file.read(end - start) + tail, start
    return tail[:-1].rpartition(b"\n")[2]


def mend(path: Path) -> int:
    """Truncate the file after the last line break; return how many bytes were removed."""
    if not path.is_file() or (size := path.stat().st_size) == 0:
        return 0
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) == b"\n":
            return 0
        start, tail = size, b""
        while start > 0 and b"\n" not in tail:
            start = max(0, start - 65536)
            file.seek(start)
            tail = file.read(size - start)
        keep = start + tail.rfind(b"\n") + 1
        file.truncate(keep)
        return size - keep
