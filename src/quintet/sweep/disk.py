"""A full disk ends a sweep, not its trials: they go on when there is room again."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quintet import files
from quintet.errors import UserError

SIGNS = (files.SAID, *map(os.strerror, files.NO_ROOM))
LITTLE = 1 << 18
"""Bytes below which whatever failed without a word is taken to have failed for want of them."""


def is_full(folder: Path) -> bool:
    """Tell whether next to nothing is left on a folder's disk."""
    return shutil.disk_usage(folder).free < LITTLE


def says_full(text: str | None) -> bool:
    """Tell whether an error's text is that of a full disk, or of a quota that is used up."""
    return any(sign in (text or "") for sign in SIGNS)


def no_room(folder: Path) -> UserError:
    """Return what to tell the user."""
    return UserError(
        f"The disk is full: {folder} takes no more. No trial is lost: make room, and run the same "
        f"command with study={folder.name} to go on."
    )


@contextmanager
def full_disk_explained(folder: Path) -> Iterator[None]:
    """Make one message of a write that fails for want of room.

    Raises:
        UserError: the disk is full, or a quota is used up.

    """
    try:
        yield
    except Exception as error:
        if files.is_full(error):
            raise no_room(folder) from error
        raise
