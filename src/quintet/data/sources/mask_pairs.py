"""Decides which file is an image and which is its mask, from the names of folders and files."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from quintet.base.errors import Code, UserError
from quintet.data.sources.parts import NAMES, part_of
from quintet.data.sources.pixels import image_files

IMAGES = {"images", "image", "imgs", "img", "inputs", "input", "photos", "pictures", "originals"}
MASKS = {"masks", "mask", "labels", "label", "annotations", "annotation", "annot", "gt", "truth",
         "segmentations", "segmentation", "seg", "segs", "groundtruth", "targets", "target",
         "trimaps"}  # fmt: skip
NEITHER = {"segmentationobject"}
"""Folders of masks of instances instead of classes (PASCAL VOC)."""
ENDINGS = {"l", "pixels0", "ids", "fine", "8bit", "left"}
"""Further words in file names of masks or images that their counterparts lack."""
BESIDE = {"jpeg", "class", "ground"}
"""Words that occur along with those of roles in the names of folders."""
LISTS = Path("ImageSets", "Segmentation")
"""Where PASCAL VOC lists the images of each part, as many images have no mask."""
HINT = (
    "Put images into images/ and masks of the same names into masks/ (other usual names will do), "
    "or both into train/, val/ and test/ each; or name the mask of a.jpg a_mask.png."
)


@dataclass
class Pairs:
    """Images with their masks, and the part of each that the folders name."""

    images: list[str] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)
    parts: list[int | None] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Named:
    """A file: its path below the folder, and its name without the role."""

    path: str
    key: str


def pairs(root: Path) -> Pairs:
    """Match the images below a folder with their masks.

    A file is a mask if the name of a folder above it contains a word such as `masks` or, if no
    folder decides, if its own name ends with one; it belongs to the image with the same path
    without these words.

    Raises:
        UserError: no masks, a file without its counterpart, or two with the same name.

    """
    listing = image_files(root)
    images, masks, others = _by_role(listing.files)
    found = Pairs()
    listed = _listed(root)
    if listed is not None:
        images, masks = ([f for f in side if Path(f.path).stem in listed]
                         for side in (images, masks))  # fmt: skip
        found.remarks.append(f"Images are those that {LISTS}/*.txt list.")
    if not images or not masks:
        raise UserError(
            f"{root} has {len(images)} images and {len(masks)} masks",
            code=Code.DATA,
            key="data.path",
            value=str(root),
            hint=HINT,
        )
    for image, mask in _matched(root, images, masks):
        way = image.key.split("/")[:-1]
        named = [part for part in map(part_of, way) if part is not None]
        found.images.append(str(root / image.path))
        found.masks.append(str(root / mask.path))
        found.parts.append(
            listed[Path(image.path).stem] if listed else (named[0] if named else None)
        )
    if others:
        found.remarks.append(
            f"Ignored {len(others)} image(s) outside the folders of images and masks, such as "
            f"{others[0]}."
        )
    return _with_parts(root, found)


def _with_parts(root: Path, found: Pairs) -> Pairs:
    """Report the parts; reject them if training is missing or only some images have one."""
    counts = Counter(found.parts)
    if set(counts) == {None}:
        return found
    if 0 not in counts or None in counts:
        named = ", ".join(f"{NAMES[p]} {n}" for p, n in counts.items() if p is not None)
        raise UserError(
            f"{root} has folders for only some parts of a split ({named}; without a part: "
            f"{counts[None]})",
            code=Code.DATA,
            hint="Put every image into train/, val/ or test/, with some in train/; or none.",
        )
    told = ", ".join(f"{NAMES[part]} {counts[part]}" for part in range(3) if counts[part])
    found.remarks.append(f"The data has its own split: {told}.")
    return found


def _by_role(files: list[str]) -> tuple[list[Named], list[Named], list[str]]:
    """Return images, masks, and files that are neither."""
    roles = [_role(file) for file in files]
    in_folders = any(role == "image" for role, _ in roles)
    sides: dict[str, list[Named]] = {"image": [], "mask": [], "": []}
    for file, (role, key) in zip(files, roles, strict=True):
        if not role and not in_folders:
            marked = bool(set(_words(Path(file).stem)[-1:]) & MASKS)
            role = "mask" if marked else "image"
        sides[role].append(Named(file, key))
    return sides["image"], sides["mask"], [each.path for each in sides[""]]


def _role(file: str) -> tuple[str, str]:
    """Return the role of a file according to its folders, and its path without such words."""
    *way, name = file.split("/")
    stem = name.rsplit(".", 1)[0]
    role, rest = "", []
    for folder in way:
        whole = re.sub(r"[^a-z]", "", folder.lower())
        words = _words(folder)
        if whole in NEITHER:
            return "", file
        mask, image = (any(w in known for w in (whole, *words)) for known in (MASKS, IMAGES))
        role = ("mask" if mask else "image") if mask or image else role
        left = [w for w in words if w not in MASKS | IMAGES | ENDINGS | BESIDE]
        rest += ["_".join(left)] if (mask or image) and left else []
        rest += [folder] if not mask and not image else []
    return role, "/".join([*rest, stem])


def _words(name: str) -> list[str]:
    return [
        w.lower() for w in re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+[a-z]*", name)
    ]


def _matched(root: Path, images: list[Named], masks: list[Named]) -> list[tuple[Named, Named]]:
    """Pair images and masks by key, then by keys without words such as `mask`."""
    by_key = [_unique(root, side, lambda f: f.key) for side in (images, masks)]
    common = by_key[0].keys() & by_key[1].keys()
    found = [(by_key[0][key], by_key[1][key]) for key in common]
    left = [[f for f in side if f.key not in common] for side in (images, masks)]
    plain = [_unique(root, side, _plain) for side in left]
    both = plain[0].keys() & plain[1].keys()
    found += [(plain[0][key], plain[1][key]) for key in both]
    for own, what in zip(plain, ("mask", "image"), strict=True):
        if alone := sorted(f.path for key, f in own.items() if key not in both):
            raise UserError(
                f"{root / alone[0]} has no {what} with its name ({len(alone)} such file(s))",
                code=Code.DATA,
                hint="A mask has the name of its image, with any extension, or with _mask added. "
                "If an image shows only background, so does its mask; files that do not belong "
                "to the data can be moved away.",
            )
    return sorted(found, key=lambda pair: pair[0].path)


def _unique(root: Path, files: list[Named], key_of: Callable[[Named], str]) -> dict[str, Named]:
    found: dict[str, Named] = {}
    for file in files:
        key = key_of(file)
        if key in found:
            raise UserError(
                f"{root / found[key].path} and {root / file.path} have the same name",
                code=Code.DATA,
                hint="Rename one of them, or move it away.",
            )
        found[key] = file
    return found


def _plain(file: Named) -> str:
    """Return a key without the words that distinguish images from masks in file names."""
    *way, stem = file.key.split("/")
    kept = [word for word in _words(stem) if word not in MASKS | IMAGES | ENDINGS]
    return "/".join([*way, "_".join(kept)])


def _listed(root: Path) -> dict[str, int] | None:
    """Return the part of each image in PASCAL VOC's lists; None without lists."""
    found: dict[str, int] = {}
    for part, name in enumerate(NAMES):
        file = root / LISTS / f"{name}.txt"
        if file.is_file():
            found |= dict.fromkeys(file.read_text("utf-8").split(), part)
    return found or None
