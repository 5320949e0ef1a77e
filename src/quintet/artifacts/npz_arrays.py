"""A reader of untrusted npz files: no pickles, and no arrays larger than the file."""

import math
import zipfile
from pathlib import Path
from typing import IO, Any

from numpy.lib import format as npy
from numpy.typing import NDArray

from quintet.artifacts import untrusted_files

HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
KINDS = "biufU"
"""Kinds of dtypes: numbers and text."""


def read(folder: Path, name: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of a folder's npz file, written by `np.savez`.

    Raises:
        DamagedError: the path leads out of the folder, or the file is invalid.

    """
    path = untrusted_files.inside(folder, name)
    with untrusted_files.understood(path), zipfile.ZipFile(path) as archive:
        untrusted_files.check_archive(path, archive)
        found = {}
        for info in archive.infolist():
            with archive.open(info) as file:
                _check_header(file, info.file_size)
            with archive.open(info) as file:
                found[info.filename.removesuffix(".npy")] = npy.read_array(file, allow_pickle=False)
        return found


def _check_header(file: IO[bytes], size: int) -> None:
    """Check that an array is as large as its header declares, since numpy allocates this size.

    Raises:
        ValueError: it is not, or contains neither numbers nor text.

    """
    shape, _, kind = HEADERS[npy.read_magic(file)](file)
    if kind.kind not in KINDS or not kind.itemsize:
        raise ValueError(f"it has an array of type {kind}")
    room = size - file.tell()
    if any(not 0 <= n <= room for n in shape) or math.prod(shape) * kind.itemsize != room:
        raise ValueError(f"it has an array of shape {shape} in {room} bytes")
