"""A PNG encoder for arrays, which needs no imaging library.

W3C 2003, "Portable Network Graphics (PNG) specification", ISO/IEC 15948.
"""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray


def png(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """Return the bytes of a PNG file.

    Args:
        pixels: grey (H, W) or colour (H, W, 3), 0 is black; uint16 is written with 16 bits.

    """
    height, width = pixels.shape[:2]
    kind = 0 if pixels.ndim == 2 else 2
    bits = 16 if pixels.dtype == np.uint16 else 8
    stored = np.ascontiguousarray(pixels, dtype=">u2" if bits == 16 else np.uint8)
    rows = stored.view(np.uint8).reshape(height, -1)
    raw = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
