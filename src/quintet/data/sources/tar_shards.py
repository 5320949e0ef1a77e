"""Images with labels in tar shards, in the format of webdataset."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import torch

from quintet.base.errors import Code, UserError
from quintet.data.samples import Samples
from quintet.data.sources.frames import files_at
from quintet.data.sources.images import pictures
from quintet.data.sources.parts import NAMES, part_of
from quintet.data.sources.pixels import SUFFIXES
from quintet.data.sources.tar_members import TarMember, members
from quintet.problems import task_of_classes

Sample = dict[str, TarMember]
"""Files of a sample by extension, without the leading dot: png, cls, seg.png."""
LABELS = ("cls", "label", "txt", "json")
MOST_CLASSES = 100_000
"""Labels that are numbers count classes from 0: a single large one would make as many."""


def tar_shards(
    path: str | None = None,
    image: str | None = None,
    label: str | None = None,
    size: int | list[int] | None = None,
    grayscale: bool | None = None,
    background: str = "white",
    class_names: list[str] | None = None,
) -> Samples:
    """Read tar shards into samples whose images stay in the archives.

    Files whose paths are equal up to the first dot of the file name form a sample: `0001.jpg` and
    `0001.cls`. The name of a shard gives its part: `train-000.tar`, `val-000.tar`, `test-000.tar`;
    without parts, the split is random. Only names and labels are read at the start. Samples are
    read in place, so the order of an epoch is shuffled over all shards.

    Args:
        path: a folder of shards, a pattern such as 'shards/*.tar', or one file.
        image: extension of the images; None to infer it.
        label: extension of the labels, cls, or `json.<key>` for a key of a JSON file; None to infer
            it.
        size: height and width of all images; None for the common or else the median size.
        grayscale: True or False for one channel or three; None for one channel if all are grey.
        background: background colour of transparent images.
        class_names: names of numeric labels, in order.

    Raises:
        UserError: no shards, a sample without image or label, or what `images` refuses.

    """
    archives = shards(path)
    samples, parts = _samples(archives)
    endings = Counter(ending for each in samples.values() for ending in each)
    image = image or _ending(endings, path, "images", {s[1:] for s in SUFFIXES})
    files: list[str] = [_file(key, each, image) for key, each in samples.items()]
    label = label or _ending(endings, path, "labels", set(LABELS))
    labels = [_label(key, each, label) for key, each in samples.items()]
    y, names = _classes(labels, class_names)
    train = [file for file, part in zip(files, parts, strict=True) if not part]
    read = pictures(files, train, size, grayscale, background, lazy=True)
    return Samples(
        x=read.x[:0].clone(),
        y=torch.tensor(y),
        task=task_of_classes(len(names)),
        kind="image",
        class_names=names,
        split=torch.tensor([part or 0 for part in parts]) if any(parts) else None,
        rows=read.rows,
        data_summary=[
            f"{path}: {len(files)} {read.colour} images ({image}) with labels ({label}) in "
            f"{len(archives)} shards, {len(names)} classes.",
            *([_told(parts)] if any(parts) else []),
            *read.remarks,
        ],
        reader=read.reader,
    )


def shards(path: str | None) -> list[Path]:
    """Return the tar files of a folder, of a pattern, or the one file.

    Raises:
        UserError: there are none.

    """
    found = files_at(path, (".tar",)) if path else []
    if not found:
        raise UserError(
            "has no tar shards",
            code=Code.NOT_FOUND,
            key="data.path",
            value=path,
            hint="Give a folder of .tar files, or a pattern such as 'shards/*.tar'.",
        )
    return found


def _samples(archives: list[Path]) -> tuple[dict[str, Sample], list[int | None]]:
    """Return the files of each sample, and the part given by its shard's name."""
    found: dict[str, Sample] = {}
    parts: dict[str, int | None] = {}
    for archive in archives:
        part = part_of(archive.stem)
        for name, member in members(archive):
            folder, _, last = name.rpartition("/")
            stem, dot, ending = last.partition(".")
            if not stem or not dot:  # hidden files, and those without an extension
                continue
            key = f"{archive}::{folder}/{stem}"
            found.setdefault(key, {})[ending.lower()] = member
            parts[key] = part
    if None in (known := set(parts.values())) and len(known) > 1:
        raise UserError(
            "has shards of which only some name their part",
            code=Code.DATA,
            key="data.path",
            value=str(archives[0].parent),
            hint=f"Name all of them {', '.join(f'{name}-000.tar' for name in NAMES)}; or none.",
        )
    if known and known != {None} and 0 not in known:
        raise UserError("No shard belongs to the training part", code=Code.DATA)
    return found, list(parts.values())


def _ending(endings: Counter[str], path: object, what: str, known: set[str]) -> str:
    there = [ending for ending in endings if ending in known]
    if len(there) == 1:
        return there[0]
    option = "data.image" if what == "images" else "data.label"
    raise UserError(
        f"has {'several' if there else 'no'} extensions of {what}",
        code=Code.DATA,
        key="data.path",
        value=path,
        allowed=there or list(endings),
        hint=f"Choose one: {option}=<extension>.",
    )


def _file(key: str, sample: Sample, ending: str) -> TarMember:
    if ending not in sample:
        raise UserError(f"{key} has no .{ending}, only {', '.join(sample)}", code=Code.DATA)
    return sample[ending]


def _label(key: str, sample: Sample, label: str) -> str:
    """Return a sample's label, as written."""
    ending, _, inside = label.partition(".") if label.startswith("json.") else (label, "", "")
    text = _file(key, sample, ending).read().decode("utf-8", "replace").strip()
    if ending != "json":
        return text
    try:
        found: Any = json.loads(text)
        named = str(found[inside or "label"])
        named.encode()  # half a character can be written nowhere
        return named
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise UserError(
            f"{key}.json has no label: {problem!r}",
            code=Code.DATA,
            hint="Name its key: data.label=json.<key>.",
        ) from None


def _classes(labels: list[str], given: list[str] | None) -> tuple[list[int], list[str]]:
    """Return class indices and names: integers are indices, words are sorted."""
    if all(label.isdecimal() for label in labels):
        largest = max(labels, key=lambda label: (len(label.lstrip("0")), label))
        if len(largest.lstrip("0")) > len(str(MOST_CLASSES)) or int(largest) >= MOST_CLASSES:
            raise UserError(
                f"The label {largest[:30]} is a number, and classes are counted from 0 to at most "
                f"{MOST_CLASSES - 1:,}",
                code=Code.OUT_OF_RANGE,
                hint="Write words as labels, or give the classes numbers from 0 on.",
            )
        index = [int(label) for label in labels]
        names = list(given or map(str, range(max(index) + 1)))
        if max(index) >= len(names):
            raise UserError(
                f"names {len(names)} classes, but labels go up to {max(index)}",
                code=Code.INCOMPATIBLE,
                key="data.class_names",
                value=names,
            )
        return index, [str(name) for name in names]
    names = [str(name) for name in given or sorted({*labels})]
    if strange := sorted({*labels} - {*names}):
        raise UserError(
            f"does not name the class {strange[0]!r}",
            code=Code.INCOMPATIBLE,
            key="data.class_names",
            value=names,
        )
    return [names.index(label) for label in labels], names


def _told(parts: list[int | None]) -> str:
    counts = Counter(parts)
    told = ", ".join(f"{NAMES[part]} {counts[part]}" for part in range(3) if counts[part])
    return f"The data has its own split: {told}."
