"""A disk that is full or fails ends the sweep but fails no trial: all can be continued later."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quintet.base import files
from quintet.base.errors import Code, UserError

BROKEN = (errno.EIO, errno.EROFS, errno.ESTALE)
FULL = (files.SAID, *map(os.strerror, files.NO_ROOM))
SIGNS = (*FULL, *map(os.strerror, BROKEN))
TOO_LITTLE = 1 << 18
"""Free bytes below which a failure without a message is attributed to the full disk."""


def is_full(folder: Path) -> bool:
    """Return whether the disk of a folder is practically full."""
    return shutil.disk_usage(folder).free < TOO_LITTLE


def sign_in(text: str | None) -> str | None:
    """Return the disk or quota error that a system's message or a log contains, if any."""
    return next((sign for sign in SIGNS if sign in (text or "")), None)


def error(folder: Path, sign: str | None = None) -> UserError:
    """Return the error to raise.

    Args:
        folder: of the sweep.
        sign: the system's message; None if the disk is just full.

    """
    full = sign is None or sign in FULL
    what = f"The disk is full: {folder} takes no more" if full else f"{folder}: {sign}"
    cure = "Make room" if full else "Repair the disk"
    return UserError(
        f"{what}. No trial is lost",
        code=Code.DISK,
        hint=f"{cure}, and run the same command with study={folder.name} to continue",
    )


@contextmanager
def reported(folder: Path) -> Iterator[None]:
    """Report failed writes to a sweep's folder as one error.

    Raises:
        UserError: the disk is full or fails, or a quota is used up.

    """
    try:
        yield
    except Exception as failure:
        if (sign := _cause(failure)) is not None:
            raise error(folder, sign) from failure
        raise


def _cause(error: BaseException | None) -> str | None:
    """Return the system's message if a disk error caused the error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (*files.NO_ROOM, *BROKEN):
            return os.strerror(error.errno or 0)
        error = error.__cause__ or error.__context__
    return None
