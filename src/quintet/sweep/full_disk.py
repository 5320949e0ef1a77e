"""A disk that is full or fails ends the sweep but fails no trial: all can be continued later."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quintet.base import files
from quintet.base.errors import Code, UserError

TOO_LITTLE = 1 << 18
"""Free bytes below which a failure without a message is attributed to the full disk."""


def is_full(folder: Path) -> bool:
    """Return whether the disk of a folder is practically full."""
    return shutil.disk_usage(folder).free < TOO_LITTLE


def error(folder: Path, reason: str | None = None) -> UserError:
    """Return the error to raise.

    Args:
        folder: of the sweep.
        reason: the message of the failure; None if the disk is just full.

    """
    return UserError(
        f"{folder} cannot be written to: {(reason or 'the disk is full').rstrip('.')}. No trial is "
        "lost",
        code=Code.DISK,
        hint="Free some space or repair the disk, and run the same command with "
        f"study={folder.name} to continue",
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
        if (cause := files.disk_error(failure)) is not None:
            raise error(folder, os.strerror(cause.errno or 0)) from failure
        raise
