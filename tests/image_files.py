"""Image files that Pillow does not write, and folders of images, for tests."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Image = pytest.importorskip("PIL.Image")


def write_tiff(path: Path, pixels: NDArray[Any], extra: int = 0) -> None:
    """Write (H, W, C) as an uncompressed TIFF of any type and number of channels."""
    height, width, channels = pixels.shape
    data = np.ascontiguousarray(pixels).tobytes()
    bits, form = pixels.dtype.itemsize * 8, {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    colour = 2 if channels >= 3 else 1
    spare = channels - (3 if colour == 2 else 1)
    fields = [
        (256, 4, [width]), (257, 4, [height]), (258, 3, [bits] * channels), (259, 3, [1]),
        (262, 3, [colour]), (273, 4, [8]), (277, 3, [channels]), (278, 4, [height]),
        (279, 4, [len(data)]), *([(338, 3, [extra] * spare)] if spare else []),
        (339, 3, [form] * channels),
    ]  # fmt: skip
    start = 8 + len(data)
    tail_at, tail, entries = start + 2 + 12 * len(fields) + 4, b"", b""
    for tag, kind, values in fields:
        packed = struct.pack(f"<{len(values)}{'HI'[kind == 4]}", *values)
        if len(packed) > 4:
            tail, packed = tail + packed, struct.pack("<I", tail_at + len(tail))
        entries += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    head = struct.pack("<2sHI", b"II", 42, start) + data + struct.pack("<H", len(fields))
    path.write_bytes(head + entries + b"\0\0\0\0" + tail)


def write_tree(root: Path, counts: Mapping[str, int]) -> Path:
    """Write distinct grey 4 x 4 PNG files into each folder."""
    number = 0
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            number += 1
            pixels = np.arange(16, dtype=np.uint8).reshape(4, 4) + number
            Image.fromarray(pixels).save(root / folder / f"{index}.png")
    return root
