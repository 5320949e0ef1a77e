"""Reads image files with Pillow: any mode, bit depth and size, upright, as float32."""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.data.sources.tar_members import TarMember
from quintet.data.sources.tar_members import opened as opened_file

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = {".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".webp", ".avif", ".tif", ".tiff",
            ".ppm", ".pgm", ".pbm", ".pnm"}  # fmt: skip
NOT_DATA = {"__macosx", "@eadir", "lost+found"}
"""Folders, in lower case, that systems leave next to data; names of others begin with a dot."""
GREY = {"1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "F"}
TYPE_RANGES = {"8-bit": (0.0, 255.0), "16-bit": (0.0, 65535.0)}
"""Values of black and white for types of pixels that define them."""
LUMA = (0.299, 0.587, 0.114)
"""Weights of ITU-R BT.601, as in Pillow's conversion to grey."""

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Header:
    """The header of an image file."""

    extent: tuple[int, int]
    """Height and width, upright."""
    grey: bool
    depth: str
    """Type of the pixels: 8-bit, 16-bit, 32-bit or float."""
    transparent: bool
    frames: int
    """Pages or frames in the file."""
    unread: int
    """Number of channels that are not read."""


@dataclass(frozen=True)
class Reading:
    """How the pixels of a file become numbers: decided in training, kept for predictions."""

    size: tuple[int, int]
    channels: int
    background: tuple[int, int, int] = (255, 255, 255)
    """Background colour of transparent images, 0 to 255."""
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Values that become 0 and `white`, by type, for types without defined black and white."""
    white: float = 1.0

    @classmethod
    def of(cls, reader: dict[str, Any]) -> Self:
        """Return the reading in a `Samples.reader`."""
        height, width = reader["size"]
        return cls(
            size=(int(height), int(width)),
            channels=int(reader["channels"]),
            background=tuple(reader.get("background", (255, 255, 255))),
            ranges={name: (low, high) for name, (low, high) in reader.get("ranges", {}).items()},
            white=float(reader["white"]),
        )

    def reader(self) -> dict[str, Any]:
        """Return it as plain data."""
        plain = asdict(self)
        lists = {key: list(plain[key]) for key in ("size", "background")}
        ranges = {name: list(each) for name, each in self.ranges.items()}
        return {"kind": "image", **plain, **lists, "ranges": ranges}


@dataclass
class FileRows:
    """Images in files, read a batch at a time."""

    files: list[str]
    reading: Reading

    def __len__(self) -> int:
        return len(self.files)

    def read(self, index: Tensor) -> Tensor:
        """Return the images in `index`, (B, C, H, W)."""
        x = torch.empty(len(index), self.reading.channels, *self.reading.size)
        for row, number in enumerate(index.tolist()):
            x[row] = read_image(self.files[number], self.reading)
        return x


def read_image(file: str | Path, reading: Reading) -> Tensor:
    """Return an image as float32 (channels, height, width).

    Black becomes 0 and white `reading.white`. Values outside the range of training are not clipped.

    Raises:
        UserError: the file cannot be read, or its type of pixels has no range in `reading`.

    """
    values, depth = decoded(file, reading.background)
    ranges = TYPE_RANGES | reading.ranges
    if depth not in ranges:
        raise UserError(
            f"{file} has pixels of type {depth}, whose black and white are not known: the images "
            f"of training had none of this type (known: {', '.join(ranges)})",
            code=Code.INCOMPATIBLE,
            hint="Convert it to the type of the training images",
        )
    low, high = ranges[depth]
    planes = torch.from_numpy((values - low) / ((high - low) or 1.0)).float().movedim(-1, 0)
    if reading.channels == 1 and len(planes) == 3:
        planes = (planes * torch.tensor(LUMA)[:, None, None]).sum(0, keepdim=True)
    planes = planes.expand(reading.channels, -1, -1)
    if planes.shape[1:] != reading.size:
        planes = torch.nn.functional.interpolate(
            planes[None], reading.size, mode="bilinear", antialias=True, align_corners=False
        )[0]
    return planes if reading.white == 1 else planes * reading.white


def decoded(file: str | Path, background: tuple[int, int, int]) -> tuple[Floats, str]:
    """Return the values of a file, upright, (H, W, 1 or 3), and the type of its pixels.

    Transparent images are drawn on the background. Of several pages, the first is read.

    Raises:
        UserError: the file cannot be read, or a value is not finite.

    """
    from PIL import Image, ImageOps

    try:
        with Image.open(opened_file(file)) as opened:
            picture = ImageOps.exif_transpose(opened)
            depth = _depth(picture.mode)
            if depth == "8-bit":
                values = _eight_bits(picture, background)
            else:
                values = np.asarray(picture)
                if depth == "32-bit" and _unsigned(opened):  # Pillow reads it as signed
                    values = values.view(np.uint32)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        raise _unreadable(file, problem) from None
    # 32-bit integers would lose digits in float32 before their range is taken off
    floats: Floats = np.asarray(values, dtype=np.float64 if depth == "32-bit" else np.float32)
    if depth == "float" and not np.isfinite(floats).all():
        raise UserError(
            f"{file} has pixels that are NaN or infinite", code=Code.DATA, hint="Repair them"
        )
    return (floats[..., None] if floats.ndim == 2 else floats), depth


def header(file: str | Path) -> Header:
    """Return the header of a file, without reading its pixels.

    Raises:
        UserError: it is not an image that Pillow reads.

    """
    from PIL import Image

    try:
        with Image.open(opened_file(file)) as picture:
            turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            width, height = reversed(picture.size) if turned else picture.size
            return Header(
                extent=(height, width),
                grey=picture.mode in GREY,
                depth=_depth(picture.mode),
                transparent=_transparent(picture),
                frames=int(getattr(picture, "n_frames", 1)),
                unread=max(0, _samples(picture) - len(picture.getbands())),
            )
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        raise _unreadable(file, problem) from None


@dataclass
class Listing:
    """The image files below a folder."""

    files: list[str] = field(default_factory=list)
    """Paths relative to the folder, sorted."""
    folders: list[str] = field(default_factory=list)
    """Likewise, of all folders."""
    others: list[str] = field(default_factory=list)
    """Files that are not images."""
    hidden: int = 0
    """Number of files and folders skipped."""


def image_files(folder: Path) -> Listing:
    """List the images in a folder, at any depth; hidden files and folders are skipped."""
    found, seen = Listing(), {os.path.realpath(folder)}
    for home, folders, names in os.walk(folder, followlinks=True):
        shown = [name for name in folders if not _is_hidden(name)]
        found.hidden += len(folders) - len(shown)
        folders[:] = sorted(n for n in shown if not _circular(os.path.join(home, n), seen))
        here = os.path.relpath(home, folder)
        prefix = "" if here == "." else here + "/"
        found.folders += [prefix + name for name in folders]
        for name in names:
            if _is_hidden(name) or name.lower() in ("thumbs.db", "desktop.ini"):
                found.hidden += 1
            elif os.path.splitext(name)[1].lower() in SUFFIXES:
                found.files.append(prefix + name)
            else:
                found.others.append(prefix + name)
    found.files.sort()
    return found


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in NOT_DATA


def _circular(folder: str, seen: set[str]) -> bool:
    """Return whether a linked folder has been listed before, which may be a cycle."""
    if not os.path.islink(folder):
        return False
    real = os.path.realpath(folder)
    known = real in seen
    seen.add(real)
    return known


def _depth(mode: str) -> str:
    """Return the type of the pixels of one of Pillow's modes."""
    if mode == "F":
        return "float"
    if mode.startswith("I;16"):
        return "16-bit"
    return "32-bit" if mode == "I" else "8-bit"


def _transparent(picture: "Image.Image") -> bool:
    return bool(picture.has_transparency_data) and _depth(picture.mode) == "8-bit"


def _eight_bits(picture: "Image.Image", background: tuple[int, int, int]) -> NDArray[Any]:
    """Return the values of an 8-bit image from 0 to 255, drawn on the background."""
    grey = picture.mode in GREY
    if not _transparent(picture):
        return np.asarray(picture.convert("L" if grey else "RGB"))
    layers = np.asarray(picture.convert("RGBA"), dtype=np.float32)
    colour, opacity = layers[..., :3], layers[..., 3:] / 255
    laid = colour * opacity + np.array(background, dtype=np.float32) * (1 - opacity)
    return laid @ np.array(LUMA, dtype=np.float32) if grey else laid


def _samples(picture: "Image.Image") -> int:
    """Return the channels of a file, some of which Pillow may ignore."""
    tags = getattr(picture, "tag_v2", {})  # of TIFF
    return int(tags.get(277, 0))


def _unsigned(picture: "Image.Image") -> bool:
    tags = getattr(picture, "tag_v2", {})
    return tags.get(258) == (32,) and tags.get(339, (1,)) == (1,)


def _unreadable(file: str | Path, problem: Exception) -> UserError:
    hint = "Replace or delete it"
    tiff = str(file).lower().endswith((".tif", ".tiff")) and not isinstance(file, TarMember)
    if tiff and (layout := _tiff_layout(file)):
        problem = ValueError(f"Pillow does not read TIFF with {layout}")
        hint = "Convert such images, or pass all as an array: data=arrays, x of shape (N, C, H, W)"
    return UserError(f"{file} is not a readable image: {problem}", code=Code.DAMAGED, hint=hint)


def _tiff_layout(file: str | Path) -> str:
    """Describe the channels of a TIFF file that Pillow does not open; "" for other files."""
    from PIL import TiffImagePlugin

    try:
        with open(file, "rb") as raw:
            tags = TiffImagePlugin.ImageFileDirectory_v2(raw.read(8))
            raw.seek(tags.next)
            tags.load(raw)
        count, bits = int(tags.get(277, 1)), tags.get(258, (1,))[0]
    except Exception:  # any error that a damaged file causes
        return ""
    known = (count <= 4 and bits in (1, 8, 16)) or (count == 1 and bits <= 32)
    return "" if known else f"{count} channel(s) of {bits} bits"
