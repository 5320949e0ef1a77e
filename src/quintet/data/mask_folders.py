"""The user's own images with masks, for segmentation: a folder of each, matched by file name."""

from collections import Counter
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.data.images import LARGEST, common_shape
from quintet.data.pixels import GREY, header, image_files, read_image
from quintet.data.samples import Samples
from quintet.problems.segmentation import IGNORED

IMAGES, MASKS = ("images", "image", "imgs"), ("masks", "mask", "labels", "annotations")
PARTS = (("train", "training"), ("val", "valid", "validation", "dev"), ("test", "testing"))
MOST_CLASSES = 256


def masks(
    path: str | None = None,
    size: int | list[int] | None = None,
    grayscale: bool | None = None,
    ignore: int | None = None,
    class_names: list[str] | None = None,
) -> Samples:
    """Read `path/images/<stem>.*` and `path/masks/<stem>.png` into samples of a segmentation.

    Folders `train`, `val` and `test`, each with images and masks of its own, keep these parts. The
    values of a mask's pixels, or the indices of its palette, are classes: 0, 1, 2 ... as they are,
    others (such as 0 and 255) in increasing order.

    Args:
        path: the folder.
        size: height and width of all images, one number for a square. None keeps the common size,
            or takes the median one if sizes differ. Masks are resized to the nearest pixel.
        grayscale: True or False forces one channel or three; None takes one channel if every image
            is grey.
        ignore: value of mask pixels that neither loss nor metric counts, such as 255.
        class_names: of the classes, in order.

    Raises:
        UserError: no such folder, an image without a mask or a mask without an image, a broken
            file, or more pixels than memory should hold.

    """
    root = _folder(path)
    pairs, part = _pairs(root)
    headers = [header(image) for image, _ in pairs]
    grey = all(mode in GREY for mode, _ in headers) if grayscale is None else grayscale
    shape, remarks = common_shape(size, [extent for _, extent in headers])
    channels = 1 if grey else 3
    if (need := len(pairs) * (4 * channels + 8) * shape[0] * shape[1]) > LARGEST:
        raise UserError(
            f"{len(pairs)} images of {shape[0]} x {shape[1]} with masks take "
            f"{need / 2**30:.0f} GiB in memory",
            code=Code.DATA,
            hint="Give a smaller data.size",
        )
    values = np.stack([read_mask(mask, shape) for _, mask in pairs])
    y, found = class_maps(values, ignore)
    names = _named(class_names, found)
    return Samples(
        x=torch.stack([read_image(image, shape, channels) for image, _ in pairs]),
        y=y,
        task="segmentation",
        kind="image",
        class_names=names,
        split=part,
        data_summary=[
            f"{root}: {len(pairs)} {'grey' if grey else 'colour'} images with masks.",
            *remarks,
            pixel_shares(y, names),
        ],
        reader={"kind": "image", "size": list(shape), "channels": channels, "white": 1.0},
    )


def _folder(path: str | None) -> Path:
    hint = "Give data.path=<folder with images/ and masks/>"
    if path is None:
        raise UserError("No folder is given", code=Code.MISSING_VALUE, hint=hint)
    root = Path(path).expanduser()
    if not root.is_dir():
        raise UserError(f"There is no folder {root}", code=Code.NOT_FOUND, value=path, hint=hint)
    return root


def _pairs(root: Path) -> tuple[list[tuple[Path, Path]], Tensor | None]:
    """Return (image, mask) files, and the part of each where there are parts."""
    parts = [_below(root, names) for names in PARTS]
    if parts[0] is None:
        return _matched(root), None
    pairs, part = [], []
    for index, folder in enumerate(parts):
        if folder is not None:
            found = _matched(folder)
            pairs += found
            part += [index] * len(found)
    return pairs, torch.tensor(part)


def _below(root: Path, names: tuple[str, ...]) -> Path | None:
    folders = {f.name.lower(): f for f in root.iterdir() if f.is_dir()}
    return next((folders[name] for name in names if name in folders), None)


def _matched(root: Path) -> list[tuple[Path, Path]]:
    """Match images and masks by their paths below their folders, without the endings."""
    images, found = _below(root, IMAGES), _below(root, MASKS)
    if images is None or found is None:
        missing = "images" if images is None else "masks"
        raise UserError(
            f"{root} has no folder {missing}",
            code=Code.NOT_FOUND,
            hint="Put images into images/ and masks of the same names into masks/, or both into "
            "train/, val/ and test/ each.",
        )
    by_stem = [_by_stem(folder) for folder in (images, found)]
    for (own, other), what in zip((by_stem, by_stem[::-1]), ("mask", "image"), strict=True):
        if alone := sorted(own.keys() - other.keys()):
            raise UserError(
                f"{own[alone[0]]} has no {what} of its name ({len(alone)} such files)",
                code=Code.DATA,
                hint="A mask is called as its image, whatever its ending.",
            )
    if not by_stem[0]:
        raise UserError(f"{images} holds no image", code=Code.DATA)
    return [(file, by_stem[1][stem]) for stem, file in sorted(by_stem[0].items())]


def _by_stem(folder: Path) -> dict[str, Path]:
    files = image_files(folder)
    stems = [file.relative_to(folder).with_suffix("").as_posix() for file in files]
    if twice := [stem for stem, count in Counter(stems).items() if count > 1]:
        raise UserError(f"{folder} has two files called {twice[0]}", code=Code.DATA)
    return dict(zip(stems, files, strict=True))


def read_mask(file: Path, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Return the values of a mask's pixels, (H, W), resized to the nearest pixel.

    Raises:
        UserError: not an image, or one in colour.

    """
    from PIL import Image

    try:
        with Image.open(file) as opened:
            mode = opened.mode
            if mode not in {*GREY, "P"} - {"LA", "F"}:
                raise UserError(
                    f"{file} is an image in colour ({mode}), and a mask has one value a pixel",
                    code=Code.DATA,
                    hint="Save it as a grey or palette PNG whose values are the classes.",
                )
            height, width = shape
            sized = opened.resize((width, height), Image.Resampling.NEAREST)
            return np.asarray(sized).astype(np.int64)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        raise UserError(
            f"{file} is not a readable image: {problem}",
            code=Code.DAMAGED,
            hint="Replace or delete it",
        ) from None


def class_maps(values: NDArray[np.int64], ignore: int | None) -> tuple[Tensor, list[int]]:
    """Return masks (N, H, W) as class indices, `IGNORED` where the value is `ignore`.

    Values that are not 0, 1, 2 ... are numbered in increasing order; they are returned as well.
    """
    found = [v for v in np.unique(values).tolist() if v not in (ignore, IGNORED)]
    if len(found) > MOST_CLASSES:
        raise UserError(
            f"The masks have {len(found)} different values, too many for classes",
            code=Code.DATA,
            hint="Save them without compression losses (PNG), one value for each class.",
        )
    if found and (found[0] < 0 or found[-1] >= MOST_CLASSES or 2 * len(found) <= found[-1]):
        index = np.searchsorted(found, values)
    else:
        index, found = values.copy(), list(range(found[-1] + 1 if found else 0))
    index[(values == IGNORED) | (values == ignore)] = IGNORED
    return torch.from_numpy(index.astype(np.int64)), found


def _named(names: list[str] | None, found: list[int]) -> list[str]:
    if names is not None and len(names) != len(found):
        raise UserError(
            f"names {len(names)} classes, and the masks have {len(found)}",
            code=Code.INCOMPATIBLE,
            key="data.class_names",
            value=names,
        )
    return [str(name) for name in (found if names is None else names)]


def pixel_shares(y: Tensor, names: list[str]) -> str:
    """Say which share of the pixels each class has."""
    counted = y[y != IGNORED]
    counts = (counted.bincount(minlength=len(names)) / max(1, len(counted))).tolist()
    shares = ", ".join(f"{n} {c:.1%}" for n, c in zip(names[:8], counts, strict=False))
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    left = 1 - len(counted) / y.numel()
    ignored = f" {left:.1%} of all pixels are ignored." if left else ""
    return f"Masks: segmentation, {len(names)} classes of pixels: {shares}{more}.{ignored}"
