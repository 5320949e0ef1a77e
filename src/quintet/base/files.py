"""Atomic file operations: after a crash, a file is either complete or absent."""

import errno
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

from quintet.base import fault_injection
from quintet.base.errors import Code, UserError
from quintet.base.secrets import redact, redact_json
from quintet.base.signals import deferred

SUFFIX = ".part"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
BROKEN = (errno.EIO, errno.EROFS, errno.ESTALE)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`, which it replaces atomically on exit.

    File and folder are synced to disk before this returns, so that a power cut leaves the old file
    or the new one. A killed process leaves at most the temporary file, which
    `remove_temporary_files` removes. Its name cannot be guessed, and a link at `path` is replaced,
    never followed.

    Signals are deferred until the replacement. If an exception interrupted a save, the destructor
    of torch's writer would write the rest to a closed file and abort the process (SIGABRT).

    Raises:
        UserError: the disk is full or not writable; `path` is unchanged.

    """
    temporary = path.with_name(f".{path.name}.{token_hex(8)}{SUFFIX}")
    try:
        with in_place(path), deferred():
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            yield temporary
            _sync(temporary)
            fault_injection.reach("whole", path)
            os.replace(temporary, path)
            _sync(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def in_place(path: Path) -> Iterator[None]:
    """Convert disk errors of a write to `path` into `UserError`; create its folder if missing.

    Raises:
        UserError: the disk is full or not writable.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fault_injection.reach("before", path)
        yield
        fault_injection.reach("after", path)
    except Exception as error:
        if is_full(error):
            raise _no_room(path) from error
        if isinstance(error, OSError):
            raise unusable(error, path) from error
        raise


def write_atomically(path: Path, text: str) -> None:
    """Replace the content of `path` atomically, with secrets redacted.

    The values in YAML and HTML are redacted by the caller, since a keyword of these formats may be
    equal to a password.

    Raises:
        UserError: as in `replacing`.

    """
    if path.suffix == ".json":
        text = redact_json(text)
    elif path.suffix not in (".yaml", ".html"):
        text = redact(text, places=False)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Replace a JSON file atomically; numbers that are not finite become null.

    Raises:
        UserError: as in `replacing`.

    """
    write_atomically(path, as_json(content, indent=2) + "\n")


def as_json(content: Any, indent: int | None = None) -> str:
    """Return data as JSON; a number that is not finite, which JSON lacks, is null."""
    return json.dumps(_finite(content), indent=indent, allow_nan=False)


def _finite(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def append(path: Path, text: str) -> None:
    """Append to a file in a single write; other processes may append to it as well.

    Raises:
        UserError: as in `replacing`.

    """
    with in_place(path):
        descriptor = open_to_append(path)
        try:
            os.write(descriptor, redact(text, places=False).encode())
        finally:
            os.close(descriptor)


def open_to_append(path: Path) -> int:
    """Return a file descriptor to append to a file, which is created if it is missing.

    Raises:
        OSError: it is a link, or a pipe that nobody reads, which would block.

    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, 0o644)


def move(source: Path, target: Path) -> None:
    """Move a finished folder to its final path, which must be free.

    Raises:
        UserError: as in `replacing`.

    """
    with in_place(target):
        source.replace(target)


def copy(source: str | Path, target: str | Path) -> None:
    """Copy a file with its times, atomically.

    Raises:
        UserError: as in `replacing`.

    """
    with replacing(Path(target)) as temporary:
        shutil.copy2(source, temporary)


def copy_folder(source: Path, target: Path, *left_out: str) -> None:
    """Copy a folder, except for some names, and for links to folders, which could lead in circles.

    Raises:
        UserError: as in `replacing`.

    """
    named = shutil.ignore_patterns(*left_out)

    def ignored(folder: str, names: list[str]) -> set[str]:
        paths = {name: Path(folder, name) for name in names}
        return named(folder, names) | {n for n, p in paths.items() if p.is_symlink() and p.is_dir()}

    shutil.copytree(source, target, ignore=ignored, copy_function=copy)


def remove_temporary_files(folder: Path) -> None:
    """Remove the temporary files that a killed process left anywhere in `folder`."""
    for left in folder.rglob(f".*{SUFFIX}"):
        left.unlink(missing_ok=True)


def disk_error(error: BaseException | None) -> OSError | None:
    """Return the cause of an error if it is a full or failing disk, a quota or a limit."""
    while error is not None:  # torch.save itself reports only an unexpected file position
        if isinstance(error, OSError) and error.errno in (*NO_ROOM, *BROKEN):
            return error
        error = error.__cause__ or error.__context__
    return None


def is_full(error: BaseException | None) -> bool:
    """Return whether an error is due to a full disk, a quota or a file-size limit."""
    return (cause := disk_error(error)) is not None and cause.errno in NO_ROOM


def is_read_only(error: BaseException | None) -> bool:
    """Return whether an error is due to missing permissions or a read-only disk."""
    return isinstance(error, OSError) and error.errno in READ_ONLY


def unusable(error: OSError, path: object) -> UserError:
    """Return the error for a path that cannot be written, with the options that set paths."""
    named = error.filename if error.filename and SUFFIX not in str(error.filename) else path
    return UserError(
        f"{named} cannot be read or written: {error.strerror}",
        code=Code.NOT_FOUND if isinstance(error, FileNotFoundError) else Code.DISK,
        hint="Choose a writable place with paths.logs=<folder>, hydra.run.dir=, hydra.sweep.dir= "
        "or output=; of a run folder that is not yours, make a copy.",
    )


def _no_room(path: Path) -> UserError:
    free = shutil.disk_usage(path.parent).free
    return UserError(
        f"{path} could not be written: no space left ({free / 1e6:.1f} MB free, or a quota or "
        "a limit on file sizes)",
        code=Code.DISK,
        hint="The previous content is intact. Free some space, or choose another disk with "
        "paths.logs=<folder>; then continue with resume=<run folder>.",
    )


def _sync(path: Path) -> None:
    with suppress(PermissionError):  # folders cannot be opened on Windows
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
