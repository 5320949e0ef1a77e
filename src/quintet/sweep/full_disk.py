"""A disk that is full or fails ends a sweep, not its trials: they go on when it is well again."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quintet.base import files
from quintet.base.errors import UserError

BROKEN = (errno.EIO, errno.EROFS, errno.ESTALE)
FULL = (files.SAID, *map(os.strerror, files.NO_ROOM))
SIGNS = (*FULL, *map(os.strerror, BROKEN))
LITTLE = 1 << 18
"""Bytes below which whatever failed without a word is taken to have failed for want of them."""


def is_full(folder: Path) -> bool:
    """Tell whether next to nothing is left on a folder's disk."""
    return shutil.disk_usage(folder).free < LITTLE


def says(text: str | None) -> str | None:
    """Return what an error's text says of a disk or a quota; None where it says nothing."""
    return next((sign for sign in SIGNS if sign in (text or "")), None)


def ends_sweep(folder: Path, sign: str | None = None) -> UserError:
    """Return what to tell the user.

    Args:
        folder: of the sweep.
        sign: what was said of the disk; None where it is just full.

    """
    full = sign is None or sign in FULL
    what = f"The disk is full: {folder} takes no more" if full else f"{folder}: {sign}"
    cure = "make room" if full else "see to the disk"
    return UserError(
        f"{what}. No trial is lost: {cure}, and run the same command with study={folder.name} to "
        "go on."
    )


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Make one message of a write to a sweep's folder that the disk does not take.

    Raises:
        UserError: the disk is full or fails, or a quota is used up.

    """
    try:
        yield
    except Exception as error:
        if (sign := _behind(error)) is not None:
            raise ends_sweep(folder, sign) from error
        raise


def _behind(error: BaseException | None) -> str | None:
    """Return what the system said of a disk, where that is behind an error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (*files.NO_ROOM, *BROKEN):
            return os.strerror(error.errno or 0)
        error = error.__cause__ or error.__context__
    return None
