"""Example predictions of a module by name: samples.npz."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quintet.artifacts import npz_arrays, untrusted_files

FILE = "samples.npz"
SHOWN = 8
"""Maximum number of samples that are kept."""
WIDEST = 8
"""Maximum number of values per sample for a table."""
LARGEST = 1 << 16
"""Maximum number of values of an image."""


def fitting(values: NDArray[Any]) -> bool:
    """Return whether an array (N, ...) can be shown: text, few values or an image per sample."""
    if values.dtype.kind not in "biufU":
        return False
    if values.ndim == 2:
        return values.dtype.kind != "U" and values.shape[1] <= WIDEST
    return values.ndim == 1 or pictured(values)


def pictured(values: NDArray[Any]) -> bool:
    """Return whether an array contains images: (N, H, W), or (N, C, H, W) with few channels."""
    shaped = values.ndim == 3 or (values.ndim == 4 and values.shape[1] in (1, 3))
    small = 0 < values[:1].size <= LARGEST
    return shaped and small and values.dtype.kind in "biuf"


def read(folder: Path) -> dict[str, NDArray[Any]]:
    """Return the samples of a run folder by name; {} if it has none.

    Raises:
        DamagedError: the file is not one that a run writes.

    """
    if not untrusted_files.has(folder, FILE):
        return {}
    found = npz_arrays.read(folder, FILE)
    with untrusted_files.understood(folder / FILE):
        if odd := [
            name for name, values in found.items() if not values.ndim or not fitting(values)
        ]:
            raise ValueError(f"its array {odd[0]!r} cannot be shown")
        if len({len(values) for values in found.values()}) > 1:
            raise ValueError("it has samples of unequal numbers")
        if found and len(next(iter(found.values()))) > SHOWN:
            raise ValueError(f"it has more than {SHOWN} samples")
    return found


def as_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return images as grey (N, H, W) or RGB (N, H, W, 3), each rescaled to its own range."""
    pictures = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    if pictures.ndim == 4:
        pictures = pictures[:, 0] if pictures.shape[1] == 1 else np.moveaxis(pictures, 1, -1)
    axes = tuple(range(1, pictures.ndim))
    low, high = pictures.min(axis=axes, keepdims=True), pictures.max(axis=axes, keepdims=True)
    scaled: NDArray[np.uint8] = ((pictures - low) / np.maximum(high - low, 1e-12) * 255).astype(
        "u1"
    )
    return scaled
