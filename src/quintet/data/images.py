"""The user's own images: one folder a class, read with Pillow."""

from collections import Counter
from pathlib import Path

import numpy as np
import torch

from quintet.base.errors import Code, UserError
from quintet.data.pixels import GREY, SUFFIXES, FileRows, header, image_files
from quintet.data.samples import Samples

PARTS = {"train", "training", "val", "valid", "validation", "test"}
LARGEST = 8 * 2**30
"""Bytes that all images together may take in memory."""


def images(
    path: str | None = None,
    size: int | list[int] | None = None,
    grayscale: bool | None = None,
    lazy: bool = False,
) -> Samples:
    """Read `path/<class>/<any depth>/<image>` into samples of kind image, values 0 to 1.

    Args:
        path: the folder whose sub-folders are the classes.
        size: height and width of all images, one number for a square. None keeps the common
            size, or takes the median one if sizes differ.
        grayscale: True or False forces one channel or three; None takes one channel if every
            image is grey.
        lazy: leave the images on disk and read each batch when it is needed.

    Raises:
        UserError: no such folder, fewer than two classes, an empty class, a broken file, or more
            pixels than memory should hold.

    """
    root = _folder(path)
    names, files, ignored = _classes(root)
    flat = [file for of_class in files for file in of_class]
    headers = [header(file) for file in flat]
    grey = all(mode in GREY for mode, _ in headers) if grayscale is None else grayscale
    shape, remarks = common_shape(size, [extent for _, extent in headers])
    channels = 1 if grey else 3
    if not lazy and (need := len(flat) * channels * shape[0] * shape[1] * 4) > LARGEST:
        raise UserError(
            f"{len(flat)} images of {shape[0]} x {shape[1]} take {need / 2**30:.0f} GiB in memory",
            code=Code.DATA,
            hint="Give a smaller data.size, or data.lazy=true and some data.workers",
        )
    classes = [index for index, of_class in enumerate(files) for _ in of_class]
    shares = ", ".join(f"{n} {len(f)}" for n, f in zip(names[:8], files, strict=False))
    colour = "grey" if grey else "colour"
    rows = FileRows(flat, shape, channels)
    return Samples(
        x=torch.zeros(0, channels, *shape) if lazy else rows.read(torch.arange(len(flat))),
        y=torch.tensor(classes),
        task="binary" if len(names) == 2 else "multiclass",
        kind="image",
        class_names=names,
        rows=rows if lazy else None,
        data_summary=[
            f"{path}: {len(flat)} {colour} images in {len(names)} classes ({shares}).",
            *remarks,
            *([f"Ignored {ignored} file(s) that are no images."] if ignored else []),
        ],
        reader={"kind": "image", "size": list(shape), "channels": channels, "white": 1.0},
    )


def _folder(path: str | None) -> Path:
    if path is None:
        raise UserError(
            "No folder is given",
            code=Code.MISSING_VALUE,
            hint="Give data.path=<folder with one sub-folder per class>",
        )
    root = Path(path).expanduser()
    if not root.is_dir():
        raise UserError(
            f"There is no folder {root}",
            code=Code.NOT_FOUND,
            value=path,
            hint="Give data.path=<folder with one sub-folder per class>",
        )
    return root


def _classes(root: Path) -> tuple[list[str], list[list[Path]], int]:
    """Return class names, the files of each class, and how many other files there are."""
    folders = sorted(f for f in root.iterdir() if f.is_dir() and not f.name.startswith("."))
    names = [folder.name for folder in folders]
    if len(names) > 1 and {name.lower() for name in names} <= PARTS:
        raise UserError(
            f"{root} holds {', '.join(names)}: parts, not classes",
            code=Code.DATA,
            hint="Put all images into one folder per class; Quintet makes the split itself "
            "(data.val, data.test)",
        )
    if len(names) < 2:
        raise UserError(
            f"{root} has {len(names)} sub-folder(s), but each class needs one and there must be "
            "two classes or more",
            code=Code.DATA,
        )
    files = [image_files(folder) for folder in folders]
    for folder, of_class in zip(folders, files, strict=True):
        if not of_class:
            allowed = " ".join(sorted(SUFFIXES))
            raise UserError(
                f"{folder} holds no image ({allowed})", code=Code.DATA, hint="Fill or delete it"
            )
    present = sum(f.is_file() for folder in folders for f in folder.rglob("*"))
    return names, files, present - sum(map(len, files))


def common_shape(
    size: int | list[int] | None, extents: list[tuple[int, int]]
) -> tuple[tuple[int, int], list[str]]:
    """Choose the common height and width; return it with a remark for the user."""
    if size is not None:
        sides = [size, size] if isinstance(size, int) else list(size)
        if len(sides) != 2 or min(sides) < 1:
            raise UserError(
                "must be one positive number, or [height,width]",
                code=Code.OUT_OF_RANGE,
                key="data.size",
                value=size,
            )
        return (sides[0], sides[1]), [f"All images are resized to {sides[0]} x {sides[1]}."]
    counts = Counter(extents)
    if len(counts) == 1:
        return extents[0], [f"All images are {extents[0][0]} x {extents[0][1]}."]
    height, width = (int(side) for side in np.median(np.array(extents), axis=0))
    return (height, width), [
        f"{len(counts)} different sizes: all images are resized to the median, {height} x {width} "
        "(another: data.size=)."
    ]
