"""The meaning of mask pixels: classes from values, palettes and colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.problems.segmentation import IGNORED

Values = NDArray[np.int64]
MOST_CLASSES = 256
SOFT, PLAIN = 8, 0.9
"""Number of values, and share of pixels at the two extremes, above which edges are soft."""
LOSSY = {".jpg", ".jpeg", ".jfif"}


@dataclass
class Mask:
    """A mask as stored in its file."""

    values: Values
    """(H, W): grey values, indices of a palette, or colours as 0xrrggbb."""
    colours: Values
    """(H, W): colours as 0xrrggbb."""
    palette: dict[int, int]
    """Colours by index, for indices that occur; {} if the file has no palette."""
    coloured: bool
    """Whether the values are colours."""


def read_mask(file: str | Path, shape: tuple[int, int]) -> Mask:
    """Return a mask, upright, resized to `shape` by nearest neighbour.

    Raises:
        UserError: not an image, or one with half-transparent pixels or fractions.

    """
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as opened:
            height, width = shape
            upright = ImageOps.exif_transpose(opened)
            picture = upright.resize((width, height), Image.Resampling.NEAREST)
            return _mask(picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        raise UserError(
            f"{file} is not a readable mask: {problem}",
            code=Code.DAMAGED,
            hint="Save it as a PNG whose values are the classes.",
        ) from None


def _mask(picture: Any) -> Mask:
    if picture.mode == "F":
        raise ValueError("its pixels are fractions, but classes are integers")
    if picture.mode in ("1", "L") or picture.mode.startswith("I"):
        values = np.asarray(picture).astype(np.int64)
        return Mask(values, values * 0x010101, {}, coloured=False)
    layers = np.asarray(picture.convert("RGBA")).astype(np.int64)
    if np.ptp(layers[..., 3]) > 0 and not np.isin(layers[..., 3], (0, 255)).all():
        raise ValueError("some of its pixels are partially transparent")
    colours = (layers[..., 0] << 16) + (layers[..., 1] << 8) + layers[..., 2]
    colours = np.where(layers[..., 3] > 0, colours, 0)
    if picture.mode == "P":
        index = np.asarray(picture).astype(np.int64)
        used, first = np.unique(index, return_index=True)
        palette = dict(zip(used.tolist(), colours.ravel()[first].tolist(), strict=True))
        return Mask(index, colours, palette, coloured=False)
    grey = bool((layers[..., :3] == layers[..., :1]).all())
    return Mask(colours & 0xFF if grey else colours, colours, {}, coloured=not grey)


def read_masks(files: Sequence[str], shape: tuple[int, int]) -> tuple[Values, bool]:
    """Return the values of all masks, (N, H, W), and whether they are colours.

    Colours are used if a mask is in colour, or if palettes disagree about an index.
    """
    values = np.empty((len(files), *shape), dtype=np.int64)
    palette: dict[int, int] = {}
    for row, file in enumerate(files):
        mask = read_mask(file, shape)
        values[row] = mask.values
        if mask.coloured or any(palette.setdefault(i, c) != c for i, c in mask.palette.items()):
            break
    else:
        return values, False
    for row, file in enumerate(files):
        values[row] = read_mask(file, shape).colours
    return values, True


def two_classes(values: Values, threshold: int, ignore: int | None) -> Values:
    """Return class 1 where values reach the threshold, else 0."""
    return np.where(values == ignore, values, values >= threshold) if ignore is not None else (
        values >= threshold).astype(np.int64)  # fmt: skip


def check_edges(values: Values, files: Sequence[str], ignore: int | None) -> None:
    """Reject masks with values between the classes, due to lossy compression or soft edges.

    Raises:
        UserError: more than two values in a JPEG, or many with nearly all pixels at the extremes.

    """
    found, counts = np.unique(values[values != ignore] if ignore is not None else values,
                              return_counts=True)  # fmt: skip
    lossy = next((file for file in files if Path(file).suffix.lower() in LOSSY), None)
    soft = len(found) > SOFT and counts[[0, -1]].sum() > PLAIN * counts.sum()
    if len(found) <= 2 or not (lossy or soft):
        return
    seen = f"The masks have {len(found)} different values"
    cause = (
        f"{seen}, and {lossy} is a JPEG, whose compression blurs them"
        if lossy
        else f"{seen}, with nearly all pixels at the two extremes: soft edges, not classes"
    )
    raise UserError(
        cause,
        code=Code.DATA,
        hint="data.threshold=128 makes two classes, below and from that value. Or save the "
        "masks as PNG, one value for each class"
        + ("." if lossy else "; data.class_names=[...] says that all values are classes."),
    )


@dataclass(frozen=True)
class ClassMaps:
    """Masks as class indices."""

    index: Tensor
    """(N, H, W), int64; `IGNORED` for excluded pixels."""
    names: list[str]
    values: list[int]
    """The value of each class in the files, or its colour as 0xrrggbb."""

    def reader(self, colours: bool = False) -> dict[str, Any]:
        """Return the format of predicted masks, for `Samples.reader`."""
        return {"mask_values": self.values, "mask_colours": colours}


def class_maps(
    values: Values, ignore: int | None, names: Sequence[str] | None = None, colours: bool = False
) -> ClassMaps:
    """Return masks (N, H, W) as class indices, `IGNORED` where the value is `ignore`.

    Values from 0 without large gaps, and those with names, are kept; others, such as 0 and 255 or
    colours, are numbered in increasing order.

    Raises:
        UserError: too many values, or a wrong number of names.

    """
    found = [v for v in np.unique(values).tolist() if v not in (ignore, IGNORED)]
    if len(found) > MOST_CLASSES:
        raise UserError(
            f"The masks have {len(found)} different values, too many for classes",
            code=Code.DATA,
            hint="Save them without compression losses (PNG), one value for each class.",
        )
    if names is None:
        as_is = not found or (found[0] == 0 and found[-1] < min(2 * len(found), MOST_CLASSES))
    else:
        as_is = not found or (found[0] >= 0 and found[-1] < len(names))
    index = values.copy() if as_is else np.searchsorted(found, values)
    index[(values == IGNORED) | (values == ignore)] = IGNORED
    kept = list(range(found[-1] + 1 if found else 0)) if as_is else found
    own = [f"#{value:06x}" if colours else str(value) for value in kept]
    named = _named(names, own, as_is)
    kept += [*range(len(kept), len(named))]  # classes absent from all masks
    return ClassMaps(torch.from_numpy(index.astype(np.int64)), named, kept)


def _named(names: Sequence[str] | None, own: list[str], as_is: bool) -> list[str]:
    if names is None:
        return own
    if len(names) != len(own) and not (as_is and len(names) > len(own)):
        raise UserError(
            f"names {len(names)} classes, but the masks have {len(own)}: {', '.join(own[:12])}",
            code=Code.INCOMPATIBLE,
            key="data.class_names",
            value=list(names),
            hint="Name them in this order; data.ignore=<value> leaves one out.",
        )
    return [str(name) for name in names]


def mask_remarks(y: Tensor, names: Sequence[str], own: Sequence[str]) -> list[str]:
    """Describe the share of pixels of each class, and what is easily overlooked.

    Args:
        y: class indices (N, H, W).
        names: of the classes.
        own: values or colours of the classes in the files.

    """
    told = [pixel_shares(y, names)]
    if "255" in own and len(own) > 2:
        told.append("255 often marks pixels without a class: data.ignore=255 leaves it out.")
    return told


def pixel_shares(y: Tensor, names: Sequence[str]) -> str:
    """Describe the share of pixels of each class."""
    counted = y[y != IGNORED]
    counts = (counted.bincount(minlength=len(names)) / max(1, len(counted))).tolist()
    shares = ", ".join(f"{n} {c:.1%}" for n, c in zip(names[:8], counts, strict=False))
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    left = 1 - len(counted) / y.numel()
    ignored = f" {left:.1%} of all pixels are ignored." if left else ""
    return f"Masks: segmentation, {len(names)} classes of pixels: {shares}{more}.{ignored}"
