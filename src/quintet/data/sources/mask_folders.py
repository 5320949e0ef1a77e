"""The user's own images with masks, for segmentation, matched by file name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from quintet.base.errors import Code, UserError
from quintet.base.paths import expand_home
from quintet.data.samples import Samples
from quintet.data.sources import mask_values
from quintet.data.sources.images import LARGEST, Pictures, colour_of, pictures
from quintet.data.sources.mask_pairs import HINT, Pairs, pairs
from quintet.data.sources.pixels import header

BYTES_OF_A_CLASS = 8
ALIKE = 0.02
"""Relative difference of aspect ratios up to which a mask is a rescaled one of its image."""


def masks(
    path: str | None = None,
    size: int | list[int] | None = None,
    grayscale: bool | None = None,
    background: str = "white",
    ignore: int | str | None = None,
    threshold: int | None = None,
    class_names: list[str] | None = None,
) -> Samples:
    """Read a folder of images and one of masks into samples for segmentation.

    The folders have any usual names, such as `images` and `masks`, alone, or in or above `train`,
    `val` and `test`, which are kept as parts; see `quintet.data.sources.mask_pairs`. The values of
    a mask's pixels, or the indices of its palette, are classes: 0, 1, 2 ... as they are, others
    (such as 0 and 255, or colours) in increasing order.

    Args:
        path: the folder.
        size: height and width of all images, one number for a square. None for the common size, or
            the median one if sizes differ. Masks are resized by nearest neighbour.
        grayscale: True or False for one channel or three; None for one channel if every image is
            grey.
        background: background colour of transparent images, by name or as #rrggbb.
        ignore: value of mask pixels excluded from loss and metric, such as 255, or their colour,
            such as '#ffffff'.
        threshold: value from which on mask pixels belong to class 1; all others belong to class 0.
        class_names: of the classes, in order.

    Raises:
        UserError: no such folder, an image without a mask or a mask without an image, different
            aspect ratios, a damaged file, or too many pixels for memory.

    """
    root = _folder(path)
    found = pairs(root)
    scaled = _check_extents(found)
    train = [i for i, part in zip(found.images, found.parts, strict=True) if not part]
    read = pictures(found.images, train, size, grayscale, background)
    maps, reader, told = _classes(found.masks, read, _value(ignore), threshold, class_names)
    split = [0 if part is None else part for part in found.parts]
    return Samples(
        x=read.x,
        y=maps.index,
        task="segmentation",
        kind="image",
        class_names=maps.names,
        split=torch.tensor(split) if any(split) else None,
        data_summary=[
            f"{root}: {len(found.images)} {read.colour} images with masks.",
            *found.remarks,
            *read.remarks,
            *scaled,
            *told,
        ],
        reader={**read.reader, **reader},
    )


def _classes(
    files: Sequence[str],
    read: Pictures,
    ignore: int | None,
    threshold: int | None,
    class_names: list[str] | None,
) -> tuple[mask_values.ClassMaps, dict[str, Any], list[str]]:
    """Return the classes of pixels, the format of predicted masks, and remarks."""
    shape = read.rows.reading.size
    if (need := len(files) * BYTES_OF_A_CLASS * shape[0] * shape[1]) > LARGEST:
        raise UserError(
            f"{len(files)} masks of {shape[0]} x {shape[1]} take {need / 2**30:.0f} GiB in memory",
            code=Code.DATA,
            hint="Give a smaller data.size",
        )
    values, coloured = mask_values.read_masks(files, shape)
    if threshold is not None:
        values, coloured = mask_values.two_classes(values, threshold, ignore), False
    elif class_names is None and not coloured:
        mask_values.check_edges(values, files, ignore)
    own = mask_values.class_maps(values, ignore, colours=coloured).names
    maps = mask_values.class_maps(values, ignore, class_names, coloured)
    reader = maps.reader(coloured)
    if threshold is not None:  # the ends, which any threshold tells apart
        reader["mask_values"] = [0, max(255, threshold)]
    return maps, reader, mask_values.mask_remarks(maps.index, maps.names, own)


def _value(ignore: int | str | None) -> int | None:
    """Return a value, or a colour as 0xrrggbb."""
    if not isinstance(ignore, str):
        return ignore
    red, green, blue = colour_of(ignore, "data.ignore")
    return (red << 16) + (green << 8) + blue


def _folder(path: str | None) -> Path:
    if path is None:
        raise UserError(
            "has no value, and one is required here",
            code=Code.MISSING_VALUE,
            key="data.path",
            hint=HINT,
        )
    root = expand_home(path)
    if not root.is_dir():
        raise UserError(
            "is not a folder", code=Code.NOT_FOUND, key="data.path", value=path, hint=HINT
        )
    return root


def _check_extents(found: Pairs) -> list[str]:
    """Reject masks with another aspect ratio than their images; report those of another scale."""
    scaled = 0
    for image, mask in zip(found.images, found.masks, strict=True):
        own, other = header(image).extent, header(mask).extent
        if own == other:
            continue
        if abs(own[0] * other[1] / (own[1] * other[0]) - 1) > ALIKE:
            raise UserError(
                f"{mask} is {other[0]} x {other[1]}, but its image {image} is {own[0]} x {own[1]}",
                code=Code.DATA,
                hint="A mask covers its whole image: draw it again, or crop and rotate both "
                "alike. A photograph may be rotated by its EXIF tag; its mask is then upright.",
            )
        scaled += 1
    return [f"{scaled} mask(s) have another scale than their images."] if scaled else []
