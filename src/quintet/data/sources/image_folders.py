"""Decides which folder of images is a class and which is a part of an official split."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from quintet.base.errors import Code, UserError
from quintet.base.paths import expand_home
from quintet.data.sources.parts import NAMES, part_of
from quintet.data.sources.pixels import SUFFIXES, Listing, image_files

Dirs = tuple[str, ...]
"""The folders above a file."""
Parts = str | Mapping[str, str] | None
HINT = "Give data.path=<folder with one sub-folder per class>"


@dataclass
class Labelled:
    """Image files with the class and, if the folders name it, the part of each."""

    files: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    parts: list[int | None] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def labelled(path: str | None, parts: Parts = None, option: str = "data.path") -> Labelled:
    """Return the images of a folder with their classes, and their parts if it has any.

    Classes are the sub-folders; those of `train/` and `test/` (under any usual names) if there are
    such; or the folders that themselves contain `train/` and `test/`. A folder with a single
    sub-folder and nothing else is replaced by that one.

    Args:
        path: the folder.
        parts: "none" treats all sub-folders as classes, whatever their names; a mapping of train,
            val and test to sub-folders names the parts; None finds them.
        option: the option that names the folder, for messages.

    Raises:
        UserError: no such folder, fewer than two classes, one without images, or sub-folders that
            may be either parts or classes.

    """
    root = _existing(path, option)
    listing = image_files(root)
    found = _sorted_out(root, listing, parts)
    found.files = [str(root / file) for file in found.files]
    if listing.others:
        found.remarks.append(f"Ignored {len(listing.others)} file(s) that are not images.")
    if listing.hidden:
        found.remarks.append(
            f"Skipped {listing.hidden} hidden file(s) and folder(s) (.ipynb_checkpoints, ...)."
        )
    return found


def _existing(path: str | None, option: str) -> Path:
    if path is None:
        raise UserError(
            "has no value, and one is required here",
            code=Code.MISSING_VALUE,
            key=option,
            hint=HINT,
        )
    root = expand_home(path)
    if not root.is_dir():
        raise UserError(
            f"There is no folder {root}", code=Code.NOT_FOUND, key=option, value=path, hint=HINT
        )
    return root


def _sorted_out(root: Path, listing: Listing, parts: Parts) -> Labelled:
    """Distinguish classes from parts by the names and contents of the folders."""
    found = Labelled()
    ways = [tuple(file.split("/")[:-1]) for file in listing.files]
    folders = [tuple(folder.split("/")) for folder in listing.folders]
    if (inner := _shared(ways, folders)) and parts is None:
        found.remarks.append(f"All images are in {'/'.join(inner)}/: classes are its sub-folders.")
        ways = [way[len(inner) :] for way in ways]
        folders = [way[len(inner) :] for way in folders if len(way) > len(inner)]
    heads = sorted({way[0] for way in folders if way})
    chosen = _part_folders(root, heads, folders, ways, parts)
    if chosen:
        return _by_part(root, listing, ways, folders, chosen, found)
    if parts is None and (at := _parts_within(heads, folders)):
        _add(found, listing, ways, {way: part_of(way[1]) for way in at})
        return _checked(found, root, listing, heads)
    if parts is None:
        _refuse_parts(root, heads, folders, ways)
    if loose := sum(not way for way in ways):
        found.remarks.append(f"Ignored {loose} image(s) outside the classes' folders.")
    _add(found, listing, ways, None)
    return _checked(found, root, listing, heads)


def _shared(ways: list[Dirs], folders: list[Dirs]) -> Dirs:
    """Return the folders that are alone at their level and contain no images themselves."""
    inner: Dirs = ()
    while True:
        depth = len(inner)
        below = {way[depth] for way in folders if len(way) > depth and way[:depth] == inner}
        deeper = {way[depth + 1] for way in folders if len(way) > depth + 1}
        if len(below) != 1 or inner in ways or len(deeper) < 1:
            return inner
        only = (*inner, *below)
        if only in ways:
            return inner
        inner = only


def _part_folders(
    root: Path, heads: list[str], folders: list[Dirs], ways: list[Dirs], parts: Parts
) -> dict[str, int] | None:
    """Return the part of each folder that names one; None if folders are classes."""
    if isinstance(parts, Mapping):
        for name, folder in parts.items():
            if name not in NAMES or folder not in heads:
                wrong, allowed = (name, NAMES) if name not in NAMES else (folder, tuple(heads))
                raise UserError(
                    f"names an unknown part or sub-folder of {root}",
                    code=Code.UNKNOWN_NAME,
                    key="data.parts",
                    value=wrong,
                    allowed=allowed,
                )
        return {folder: NAMES.index(name) for name, folder in parts.items()}
    if parts is not None:
        if parts != "none":
            raise UserError(
                "is unknown", code=Code.UNKNOWN_NAME, key="data.parts", value=parts,
                allowed=["none", "null", "{train: <folder>, test: <folder>}"],
            )  # fmt: skip
        return None
    named = {head: part for head in heads if (part := part_of(head)) is not None}
    direct = {way[0] for way in ways if len(way) == 1}
    deep = {way[0] for way in folders if len(way) > 1}
    if {0} < set(named.values()) and set(named) <= deep - direct:
        return named
    return None


def _parts_within(heads: list[str], folders: list[Dirs]) -> list[Dirs]:
    """Return the (class, part) folders if each class contains its own parts."""
    pairs = sorted({way[:2] for way in folders if len(way) >= 2})
    parts = {part_of(way[1]) for way in pairs}
    whole = {way[0] for way in pairs} == set(heads) and len(heads) > 1
    return pairs if whole and None not in parts and 0 in parts and len(parts) > 1 else []


def _by_part(
    root: Path,
    listing: Listing,
    ways: list[Dirs],
    folders: list[Dirs],
    chosen: dict[str, int],
    found: Labelled,
) -> Labelled:
    """Read the classes from the sub-folders of the parts."""
    skips = {
        head: len(
            _shared(
                [way[1:] for way in ways if way[:1] == (head,)],
                [way[1:] for way in folders if way[:1] == (head,) and way[1:]],
            )
        )
        for head in chosen
    }
    left_out: Counter[str] = Counter()
    for file, way in zip(listing.files, ways, strict=True):
        inner = way[1 + skips[way[0]] :] if way and way[0] in chosen else ()
        if not inner:
            left_out[way[0] if way else "."] += 1
            continue
        found.files.append(file)
        found.classes.append(inner[0])
        found.parts.append(chosen[way[0]])
    told = ", ".join(f"{head}/ is {NAMES[part]}" for head, part in chosen.items())
    found.remarks.append(f"The data has its own split: {told} (otherwise: data.parts=none).")
    found.remarks += [f"Left out {n} image(s) of {head}/." for head, n in left_out.items()]
    classes = sorted({way[1 + skips[way[0]]] for way in folders
                      if way[0] in chosen and len(way) > 1 + skips[way[0]]})  # fmt: skip
    return _checked(found, root, listing, classes)


def _refuse_parts(root: Path, heads: list[str], folders: list[Dirs], ways: list[Dirs]) -> None:
    """Reject folders that look like parts of a split but do not name them."""
    if len(heads) < 2:
        return
    inner = [{way[1] for way in folders if way[0] == head and len(way) > 1} for head in heads]
    direct = {way[0] for way in ways if len(way) == 1}
    alike = len(inner[0]) > 1 and all(names == inner[0] for names in inner) and not direct
    if alike or all(part_of(head) is not None for head in heads):
        raise UserError(
            f"{root} holds {', '.join(heads[:6])}: parts, not classes"
            + (f", as each has the sub-folders {', '.join(sorted(inner[0])[:4])}" if alike else ""),
            code=Code.DATA,
            hint="Name them, as in data.parts={train:"
            f"{heads[0]},test:{heads[1]}}}, each with one sub-folder per class; or put all "
            "images into one folder per class, and Quintet splits them (data.val, data.test). "
            "If they are classes: data.parts=none",
        )


def _add(
    found: Labelled, listing: Listing, ways: list[Dirs], parts: dict[Dirs, int | None] | None
) -> None:
    """Use the first folder of each file as its class."""
    for file, way in zip(listing.files, ways, strict=True):
        if way and (parts is None or way[:2] in parts):
            found.files.append(file)
            found.classes.append(way[0])
            found.parts.append(None if parts is None else parts[way[:2]])
    if parts is not None:
        told = ", ".join(sorted({f"{way[1]}/" for way in parts}))
        found.remarks.append(
            f"The data has its own split: {told} in each class (otherwise: data.parts=none)."
        )


def _checked(found: Labelled, root: Path, listing: Listing, classes: list[str]) -> Labelled:
    """Reject fewer than two classes, or one without images."""
    if len(classes) < 2:
        raise UserError(
            f"{root} has {len(classes)} sub-folder(s), but each class needs one and there must be "
            "at least two classes",
            code=Code.DATA,
        )
    filled = set(found.classes)
    for name in classes:
        if name not in filled:
            inside = [file for file in listing.others if name in file.split("/")[:-1]]
            there = Counter(Path(file).suffix or "no suffix" for file in inside)
            holds = ", ".join(f"{count} {suffix}" for suffix, count in there.most_common(3))
            raise UserError(
                f"{root / name} contains no image ({' '.join(sorted(SUFFIXES))})"
                + (f" but {holds}" if holds else ""),
                code=Code.DATA,
                hint="Fill, convert or delete it",
            )
    return found
