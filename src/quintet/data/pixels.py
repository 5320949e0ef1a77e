"""Read image files with Pillow: any mode, any size, upright, as float32."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from quintet.base.errors import Code, UserError

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
GREY = {"1", "L", "LA", "I", "I;16", "I;16L", "I;16B", "F"}


@dataclass
class FileRows:
    """Images in files, read a batch at a time."""

    files: list[Path]
    shape: tuple[int, int]
    channels: int

    def __len__(self) -> int:
        return len(self.files)

    def read(self, index: Tensor) -> Tensor:
        """Return the images in `index`, (B, C, H, W)."""
        chosen = [self.files[i] for i in index.tolist()]
        return torch.stack([read_image(file, self.shape, self.channels) for file in chosen])


def read_image(file: Path, shape: tuple[int, int], channels: int, white: float = 1.0) -> Tensor:
    """Return an image as (channels, height, width) float32 with values from 0 to `white`."""
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as opened:
            picture = ImageOps.exif_transpose(opened)
            grey = picture.mode in GREY
            pixels = _unit(picture) if grey else np.asarray(picture.convert("RGB"), float) / 255
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        raise _unreadable(file, problem) from None
    planes = torch.from_numpy(pixels.astype(np.float32))
    planes = planes[None] if grey else planes.movedim(-1, 0)
    if channels == 1 and not grey:
        # Luma of ITU-R BT.601, as Pillow's own conversion to grey.
        planes = (planes * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0, keepdim=True)
    planes = planes.expand(channels, -1, -1)
    if planes.shape[1:] != shape:
        planes = torch.nn.functional.interpolate(
            planes[None], shape, mode="bilinear", antialias=True, align_corners=False
        )[0]
    return planes.contiguous() * white


def image_files(folder: Path) -> list[Path]:
    """Return the image files in a folder, at any depth, sorted by path."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in SUFFIXES and file.is_file() and not file.name.startswith(".")
    )


def header(file: Path) -> tuple[str, tuple[int, int]]:
    """Return mode and (height, width) of an image, without reading its pixels."""
    from PIL import Image

    try:
        with Image.open(file) as picture:
            turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            width, height = reversed(picture.size) if turned else picture.size
            return picture.mode, (height, width)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        raise _unreadable(file, problem) from None


def _unreadable(file: Path, problem: Exception) -> UserError:
    return UserError(
        f"{file} is not a readable image: {problem}",
        code=Code.DAMAGED,
        hint="Replace or delete it",
    )


def _unit(picture: "Image.Image") -> Any:
    """Return the values of a grey image from 0 to 1; 16-bit and float images by their range."""
    if picture.mode == "F":
        return np.clip(np.asarray(picture, dtype=float), 0, 1)
    if picture.mode.startswith("I"):
        return np.clip(np.asarray(picture, dtype=float) / 65535, 0, 1)
    return np.asarray(picture.convert("L"), dtype=float) / 255
