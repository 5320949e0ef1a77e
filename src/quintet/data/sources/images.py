"""The user's own images: one folder per class, read with Pillow."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.data.samples import Samples
from quintet.data.sources.image_folders import Labelled, labelled
from quintet.data.sources.pixels import (
    SUFFIXES,
    TYPE_RANGES,
    FileRows,
    Header,
    Reading,
    decoded,
    header,
    image_files,
)
from quintet.problems import task_of_classes

LARGEST = 8 * 2**30
"""Maximum number of bytes of all images in memory."""
PROBED = 4096
"""Number of evenly spaced images that represent those on disk."""


def images(
    path: str | None = None,
    size: int | list[int] | None = None,
    grayscale: bool | None = None,
    lazy: bool = False,
    background: str = "white",
    parts: str | dict[str, str] | None = None,
    val_path: str | None = None,
    test_path: str | None = None,
) -> Samples:
    """Read `path/<class>/<any depth>/<image>` into samples of kind image, values 0 to 1.

    8- and 16-bit pixels are scaled by their type, 32-bit and float ones by the lowest and highest
    value of the training images (floats within 0 and 1 stay); a prediction uses the same range.

    Args:
        path: the folder whose sub-folders are the classes; with `train/`, `test/` or the like, the
            sub-folders of these are.
        size: height and width of all images, one number for a square. None for the common size, or
            the median one if sizes differ.
        grayscale: True or False for one channel or three; None for one channel if every image is
            grey.
        lazy: leave the images on disk and read each batch on demand.
        background: background colour of transparent images, by name or as #rrggbb.
        parts: "none" treats all sub-folders as classes, whatever their names; a mapping names the
            folders of an official split, {train: a, test: b}; None finds them.
        val_path: a folder of validation images, with the same sub-folders.
        test_path: likewise, of test images.

    Raises:
        UserError: no such folder, fewer than two classes, an empty class, a damaged file, images
            that are all alike, or too many pixels for memory.

    """
    found = _all_parts(path, parts, val_path, test_path)
    names = sorted(set(found.classes))
    train = [f for f, part in zip(found.files, found.parts, strict=True) if not part]
    read = pictures(found.files, train, size, grayscale, background, lazy)
    counts = Counter(found.classes)
    shares = ", ".join(f"{name} {counts[name]}" for name in names[:8])
    split = [0 if part is None else part for part in found.parts]
    return Samples(
        x=read.x[:0].clone() if lazy else read.x,
        y=torch.tensor([names.index(name) for name in found.classes]),
        task=task_of_classes(len(names)),
        kind="image",
        class_names=names,
        split=torch.tensor(split) if any(split) else None,
        rows=read.rows if lazy else None,
        data_summary=[
            f"{path}: {len(read.rows)} {read.colour} images in {len(names)} classes ({shares}).",
            *found.remarks,
            *read.remarks,
        ],
        reader=read.reader,
    )


@dataclass
class Pictures:
    """Images of one size, already read or read from files on demand."""

    rows: FileRows
    x: Tensor
    """(N, C, H, W): all images, or some that represent those on disk."""
    colour: str
    """Grey or colour, in words."""
    remarks: list[str]
    reader: dict[str, Any]
    """As `Samples.reader`."""


def pictures(
    files: list[str],
    train: list[str],
    size: int | list[int] | None,
    grayscale: bool | None,
    background: str,
    lazy: bool = False,
) -> Pictures:
    """Read images, resized to one size; see `images` for the arguments.

    Args:
        files: of the images.
        train: those that may be trained on.
        size: of all.
        grayscale: whether all are grey.
        background: of transparent ones.
        lazy: whether they stay on disk.

    Raises:
        UserError: as `images`.

    """
    survey, laid_over = HeaderSummary.of(files), colour_of(background)
    shape, size_remark = _shape(size, survey.extents)
    grey = survey.coloured == 0 if grayscale is None else grayscale
    ranges = _ranges(train, survey, laid_over)
    reading = Reading(size=shape, channels=1 if grey else 3, background=laid_over, ranges=ranges)
    rows = FileRows(files, reading)
    if not lazy:
        _check_memory(len(rows), reading)
    x = rows.read(torch.arange(0, len(rows), -(-len(rows) // PROBED) if lazy else 1))
    return Pictures(
        rows,
        x,
        colour="grey" if grey else "colour",
        remarks=[
            size_remark,
            *survey.remarks(reading),
            *_value_remarks(x, files, survey, lazy),
        ],
        reader={**reading.reader(), "depths": sorted(survey.depths)},
    )


def new_images(path: Path, reader: dict[str, Any]) -> tuple[torch.Tensor, list[str], list[str]]:
    """Read a file or a folder of images exactly as those of training were read.

    Returns:
        The images (N, C, H, W), their names, and remarks for the user.

    Raises:
        UserError: no image there, or one that cannot be read.

    """
    if not path.exists():
        raise UserError(f"There is no file or folder {path}", code=Code.NOT_FOUND)
    listing = image_files(path) if path.is_dir() else None
    files = [str(path)] if listing is None else [str(path / name) for name in listing.files]
    if not files:
        raise UserError(f"{path} contains no image ({' '.join(sorted(SUFFIXES))})", code=Code.DATA)
    x, remarks = as_in_training(files, reader)
    if listing is not None and listing.hidden:
        remarks.append(f"Skipped {listing.hidden} hidden file(s) and folder(s).")
    return x, files, remarks


def as_in_training(files: list[str], reader: dict[str, Any]) -> tuple[torch.Tensor, list[str]]:
    """Read files as those of training; return the images (N, C, H, W) and remarks.

    Raises:
        UserError: one cannot be read.

    """
    reading, survey = Reading.of(reader), HeaderSummary.of(files)
    x = FileRows(files, reading).read(torch.arange(len(files)))
    remarks = survey.remarks(reading)
    beyond = ((x < 0) | (x > reading.white)).flatten(1).any(dim=1)
    if beyond.any():
        first = files[int(beyond.nonzero()[0])]
        remarks.append(
            f"{int(beyond.sum())} image(s) have values outside the range of training: {first}."
        )
    if foreign := sorted(set(survey.depths) - set(reader.get("depths", survey.depths))):
        remarks.append(
            f"{sum(survey.depths[d] for d in foreign)} image(s) are {', '.join(foreign)}, which no "
            "image of training was; they are scaled by their own type."
        )
    return x, remarks


@dataclass
class HeaderSummary:
    """A summary of the headers of many images."""

    extents: Counter[tuple[int, int]] = field(default_factory=Counter)
    coloured: int = 0
    depths: Counter[str] = field(default_factory=Counter)
    with_depth: dict[str, list[str]] = field(default_factory=dict)
    transparent: list[str] = field(default_factory=list)
    paged: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, files: list[str]) -> "HeaderSummary":
        """Read the headers of the files."""
        survey = cls()
        for file in files:
            survey.add(file, header(file))
        return survey

    def add(self, file: str, seen: Header) -> None:
        """Count one image."""
        self.extents[seen.extent] += 1
        self.coloured += not seen.grey
        self.depths[seen.depth] += 1
        if seen.depth not in TYPE_RANGES:
            self.with_depth.setdefault(seen.depth, []).append(file)
        for there, files in (
            (seen.transparent, self.transparent),
            (seen.frames > 1, self.paged),
            (seen.unread, self.unread),
        ):
            if there:
                files.append(file)

    def remarks(self, reading: Reading) -> list[str]:
        """Return what may be unexpected, one sentence each."""
        told = []
        if self.transparent:
            red, green, blue = reading.background
            told.append(
                f"{len(self.transparent)} image(s) are transparent: drawn on the background "
                f"#{red:02x}{green:02x}{blue:02x} (another: data.background=)."
            )
        if self.paged:
            told.append(
                f"{len(self.paged)} file(s) have several pages or frames, such as {self.paged[0]}: "
                "the first one is read."
            )
        if self.unread:
            told.append(
                f"{len(self.unread)} file(s) have more channels than are read, such as "
                f"{self.unread[0]}; all are read from an array (data=arrays)."
            )
        if len(self.depths) > 1 or "8-bit" not in self.depths:
            counts = ", ".join(f"{count} {depth}" for depth, count in self.depths.items())
            told.append(f"Pixels by type: {counts}.")
        for depth in self.depths:
            if depth in reading.ranges:
                low, high = reading.ranges[depth]
                told.append(f"{depth} pixels: {low:g} becomes 0 and {high:g} becomes 1.")
        return told


def _all_parts(
    path: str | None,
    parts: str | dict[str, str] | None,
    val_path: str | None,
    test_path: str | None,
) -> Labelled:
    """Return the images of the folder and of those with other parts."""
    found = labelled(path, parts)
    for part, (key, folder) in enumerate((("val", val_path), ("test", test_path)), start=1):
        if folder is None:
            continue
        if part in found.parts:
            raise UserError(
                f"and data.path={path} both have a {key} part",
                code=Code.CONFLICT,
                key=f"data.{key}_path",
                value=folder,
                hint="Leave it out, or give data.parts=none",
            )
        more = labelled(folder, "none", f"data.{key}_path")
        if strange := sorted(set(more.classes) - set(found.classes)):
            raise UserError(
                f"has the class '{strange[0]}', which {path} does not have",
                code=Code.DATA,
                key=f"data.{key}_path",
                value=folder,
            )
        found.files += more.files
        found.classes += more.classes
        found.parts += [part] * len(more.files)
        found.remarks += [f"{folder}: {len(more.files)} images for {key}.", *more.remarks]
    return found


def colour_of(name: str, option: str = "data.background") -> tuple[int, int, int]:
    """Return a colour by its name, or as #rrggbb.

    Raises:
        UserError: it is not a colour.

    """
    from PIL import ImageColor

    try:
        red, green, blue = ImageColor.getrgb(name)[:3]
    except (ValueError, TypeError, AttributeError) as problem:
        raise UserError(
            "is not a colour",
            code=Code.UNKNOWN_NAME,
            key=option,
            value=name,
            allowed=["white", "black", "grey", "'#rrggbb'"],
        ) from problem
    return red, green, blue


def _ranges(
    train: list[str], survey: HeaderSummary, background: tuple[int, int, int]
) -> dict[str, tuple[float, float]]:
    """Return the values of black and white for the types of pixels that do not define them.

    They are computed from all images that are not held out by the data itself. Scaling with
    statistics of the training part follows (data.scale); without it, the range is merely a choice
    of unit.
    """
    ranges, training = {}, set(train)
    for depth, files in survey.with_depth.items():
        seen = [file for file in files if file in training] or files
        low, high = np.inf, -np.inf
        for file in seen[:: -(-len(seen) // PROBED)]:
            values, _ = decoded(file, background)
            low, high = min(low, float(values.min())), max(high, float(values.max()))
        within = depth == "float" and low >= 0 and high <= 1
        ranges[depth] = (0.0, 1.0) if within else (low, high)
    return ranges


def _check_memory(count: int, reading: Reading) -> None:
    height, width = reading.size
    if (need := count * reading.channels * height * width * 4) > LARGEST:
        raise UserError(
            f"{count} images of {height} x {width} take {need / 2**30:.0f} GiB in memory",
            code=Code.DATA,
            hint="Give a smaller data.size, or data.lazy=true and some data.workers",
        )


def _value_remarks(x: Tensor, files: list[str], survey: HeaderSummary, lazy: bool) -> list[str]:
    """Report constant images; reject images that are all alike.

    Raises:
        UserError: every pixel of every image has one value.

    """
    flat = x.flatten(2)
    constant = (flat.amin(dim=2) == flat.amax(dim=2)).all(dim=1)
    if not constant.any():
        return []
    cure = (
        "Transparent images can vanish against their background: choose another data.background="
        if survey.transparent
        else "Look at one of them: it may be damaged, or hold its values elsewhere"
    )
    if constant.all() and bool((x == x[:1]).all()):
        raise UserError(
            f"All images are alike: every pixel of each is {float(x[0, 0, 0, 0]):g}",
            code=Code.DATA,
            hint=cure,
        )
    step = -(-len(files) // PROBED) if lazy else 1
    first = files[int(constant.nonzero()[0]) * step]
    whole = f"{len(x)} looked at" if lazy and step > 1 else f"{len(files)}"
    return [f"{int(constant.sum())} of {whole} images are of a single colour, as {first}. {cure}."]


def _shape(
    size: int | list[int] | None, extents: Counter[tuple[int, int]]
) -> tuple[tuple[int, int], str]:
    """Choose the common height and width; return them with a remark for the user."""
    if size is not None:
        sides = [size, size] if isinstance(size, int) else list(size)
        if len(sides) != 2 or min(sides) < 1:
            raise UserError(
                "must be one positive number, or [height,width]",
                code=Code.OUT_OF_RANGE,
                key="data.size",
                value=size,
            )
        return (sides[0], sides[1]), f"All images are resized to {sides[0]} x {sides[1]}."
    if len(extents) == 1:
        only = next(iter(extents))
        return only, f"All images are {only[0]} x {only[1]}."
    every = np.repeat(np.array(list(extents)), list(extents.values()), axis=0)
    height, width = (int(side) for side in np.median(every, axis=0))
    return (height, width), (
        f"{len(extents)} different sizes: all images are resized to the median, {height} x "
        f"{width} (another: data.size=)."
    )
