"""The user's own arrays: an npz file with inputs x and targets y."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.data.facts import check
from quintet.data.named_inputs import EXACT, rows_of
from quintet.data.parsing.column_cells import of_series
from quintet.data.parsing.table_file import RawTable
from quintet.data.samples import NamedInput, Samples
from quintet.data.sources.array_inputs import Converted, converted, kind_of, new_input
from quintet.data.sources.frames import existing
from quintet.data.sources.mask_values import class_maps, mask_remarks
from quintet.data.sources.parts import joined, part_of, without_part
from quintet.data.sources.targets import Target, one_hot, target_of
from quintet.problems import PROBLEMS, problem_of

Names = str | list[str]
X_NAMES = ("x", "images", "image", "inputs", "input", "data", "features")
Y_NAMES = ("y", "labels", "label", "targets", "target", "classes")


def arrays(
    path: str | None = None,
    task: str | None = None,
    kind: str | dict[str, str] | None = None,
    x: Names = "x",
    y: str = "y",
    channels: str | None = None,
    ignore: int | None = None,
    val_path: str | None = None,
    test_path: str | None = None,
) -> Samples:
    """Read an npz file into samples; their kind is inferred from the shape.

    (N, F) is a table; (N, T, F) a sequence, or grey images (N, H, W) if its type is uint8;
    (N, C, H, W) and (N, H, W, C) are images. Images of type uint8 and uint16 become values from 0
    to 1, others stay as they are. Integers (N, H, W) as targets of images are masks, the classes
    of a segmentation. Files with `x_train`, `y_train`, `x_test`, `y_test` (and `x_val`,
    `y_val`, or names such as `train_images`) keep these parts.

    Several inputs, `x=[image,table]`, reach a model by their names (`quintet.data.named_inputs`).
    Among several, integers (N, T) are tokens, or masks of tokens.

    Args:
        path: the npz file (numpy.savez); pickled objects in it are never loaded.
        task: binary, multiclass, multilabel, regression or segmentation; None to infer it from the
            targets.
        kind: table, image, sequence or tokens (N, T) of ids of at least 2; None to infer it from
            the shape. For several inputs, a mapping by name.
        x: name of the inputs in the file, or the names of several.
        y: name of the targets, (N,), (N, K) or (N, H, W).
        channels: first or last, the axis of an image's channels; None to infer it from the shape.
        ignore: value of mask pixels excluded from loss and metric.
        val_path: a file of validation samples, with the same names.
        test_path: likewise, of test samples.

    Raises:
        UserError: anything wrong with the file or its values.

    """
    others = {"val": val_path, "test": test_path}
    if not isinstance(x, str):
        return _several(path, task, kind, list(x), y, channels, others)
    if not isinstance(kind, str | None):
        raise _no_kind(kind)
    inputs, targets, part = _read(path, x, y, others)
    found_kind = kind_of(inputs, kind)
    dense = task in PROBLEMS and PROBLEMS[task].dense
    segmented = dense or (found_kind == "image" and targets.ndim == 3)
    _check_shapes(inputs, targets, x, y, str(path), masks=segmented)
    read = converted(inputs, found_kind, x, channels)
    found = _masks(targets, ignore) if segmented else _target(targets, task)
    samples = Samples(
        x=read.x,
        y=found.y,
        task=found.task,
        kind=found_kind,
        class_names=found.names,
        vocabulary=read.vocabulary,
        split=part,
        data_summary=[
            f"{path}: {len(inputs)} samples of shape {inputs.shape[1:]}, read as {found_kind}"
            f"{'' if kind else ' (another: data.kind=)'}.",
            *read.remarks,
            found.summary,
        ],
        reader={**read.reader, **found.reader},
    )
    check(samples)
    return samples


def _several(
    path: str | None,
    task: str | None,
    kind: str | dict[str, str] | None,
    names: list[str],
    y: str,
    channels: str | None,
    others: dict[str, str | None],
) -> Samples:
    """Return samples of several inputs, side by side in one row."""
    if not names:
        raise UserError(
            "names no inputs", code=Code.MISSING_VALUE, key="data.x", hint="Name one, or several."
        )
    if isinstance(kind, str) or (kind and set(kind) - set(names)) or len({*names}) < len(names):
        raise _no_kind(kind)
    read: dict[str, Converted] = {}
    for name in names:
        inputs, targets, part = _read(path, name, y, others)
        own = (kind or {}).get(name)
        if own is None and inputs.ndim == 2 and inputs.dtype.kind in "biu":
            own = "tokens"
        _check_shapes(inputs, targets, name, y, str(path), masks=False)
        read[name] = converted(inputs, kind_of(inputs, own), name, channels)
        if read[name].vocabulary > EXACT:
            raise UserError(
                f"'{name}' has ids up to {read[name].vocabulary - 1:,}; next to other inputs they "
                f"are exact up to {EXACT:,}",
                code=Code.DATA,
            )
    found = _target(targets, task)
    inputs_of = {
        name: NamedInput(each.reader["of"], each.reader["shape"], each.vocabulary)
        for name, each in read.items()
    }
    told = ", ".join(f"{n} {i.kind} {i.shape}" for n, i in inputs_of.items())
    samples = Samples(
        x=rows_of({name: each.x for name, each in read.items()}),
        y=found.y,
        task=found.task,
        kind="table",
        class_names=found.names,
        split=part,
        inputs=inputs_of,
        data_summary=[
            f"{path}: {len(targets)} samples of several inputs: {told}.",
            *(f"{name}: {remark}" for name, each in read.items() for remark in each.remarks),
            found.summary,
        ],
        reader={"kind": "named", "inputs": {name: each.reader for name, each in read.items()}},
    )
    check(samples)
    return samples


def _no_kind(kind: object) -> UserError:
    return UserError(
        "does not fit data.x",
        code=Code.INCOMPATIBLE,
        key="data.kind",
        value=kind,
        hint="For one input it is a word; for several, a mapping by name, such as "
        "data.kind={ids: tokens}; null infers it.",
    )


def new_rows(path: Path, reader: dict[str, Any]) -> tuple[Tensor, list[str]]:
    """Read new samples of several inputs as those of training; return rows (N, F) with remarks.

    Raises:
        UserError: one is missing, or does not fit the training data.

    """
    stored, parts, told = load(path), {}, []
    for name, own in reader["inputs"].items():
        if name not in stored:
            raise UserError(
                f"{path} has no array '{name}'.", code=Code.UNKNOWN_NAME, value=name, allowed=stored
            )
        parts[name], remarks = new_input(stored[name], own, path)
        told += [f"{name}: {remark}" for remark in remarks]
    if len({len(part) for part in parts.values()}) > 1:
        counts = ", ".join(f"{len(part)} of {name}" for name, part in parts.items())
        raise UserError(
            f"{path} has different numbers of samples of its inputs: {counts}", code=Code.DATA
        )
    return rows_of(parts), told


def new_array(path: Path, reader: dict[str, Any]) -> tuple[Tensor, list[str]]:
    """Read new inputs as those of training were read; return them with remarks.

    Raises:
        UserError: the file or its values do not fit the training data.

    """
    stored = load(path)
    name = str(reader.get("x", "x"))
    if name not in stored and len(stored) == 1:
        name = next(iter(stored))
    if name not in stored:
        raise UserError(
            f"{path} has no array '{name}'.", code=Code.UNKNOWN_NAME, value=name, allowed=stored
        )
    return new_input(stored[name], reader, path)


def load(path: str | Path | None) -> dict[str, NDArray[Any]]:
    """Return the arrays of an npz file by name, or of an npy file as "x"."""
    file = existing(path)
    try:
        stored = np.load(file, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            return {"x": stored}
        with stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, OSError, EOFError, MemoryError, zipfile.BadZipFile) as problem:
        reason = (
            "it is damaged, or holds Python objects, which could run code: save numbers or text"
            if "allow_pickle" in str(problem)
            else problem
        )
        raise UserError(
            f"{file} is not a readable npz or npy file: {reason}", code=Code.DAMAGED
        ) from problem


def _check_shapes(
    inputs: NDArray[Any], targets: NDArray[Any], x: str, y: str, path: str, masks: bool
) -> None:
    """Reject arrays that are empty or do not match."""
    shapes = f"'{x}' has shape {inputs.shape} and '{y}' {targets.shape}"
    if not inputs.size or not targets.size:
        raise UserError(
            f"{path} holds no samples: {shapes}",
            code=Code.DATA,
            hint="Save arrays with at least one sample and one feature",
        )
    if not inputs.ndim or (targets.ndim not in (1, 2) and not masks):
        raise UserError(
            f"{path}: {shapes}, but targets are (N,) or (N, K), or masks (N, H, W) of images",
            code=Code.DATA,
            hint=f"Reshape '{y}', or give data.kind=image",
        )
    if len(inputs) != len(targets):
        raise UserError(
            f"{path}: {len(inputs)} inputs but {len(targets)} targets: {shapes}",
            code=Code.DATA,
            hint="Their first dimension is that of samples; save both in the same order",
        )
    _refuse_missing(targets, y, path)


def _refuse_missing(targets: NDArray[Any], y: str, path: str) -> None:
    """Reject targets (N, ...) of which some are NaN."""
    if targets.dtype.kind != "f":
        return
    missing = np.flatnonzero(np.isnan(targets.reshape(len(targets), -1)).any(1))
    if len(missing):
        shown = ", ".join(map(str, missing[:5]))
        raise UserError(
            f"{path}: '{y}' is missing in {len(missing)} of {len(targets)} samples (first: "
            f"{shown}, counted from 0)",
            code=Code.DATA,
            hint=f"Fill '{y}' there, or leave these samples out of all arrays",
        )


def _target(targets: NDArray[Any], task: str | None) -> Target:
    import pandas as pd

    several = targets.ndim == 2 and targets.shape[1] > 1
    if several and (task is None or problem_of(task).takes_one_hot) and one_hot(targets):
        targets, several = targets.argmax(axis=1), False
        found = _target(targets, "multiclass")
        found.summary += " They were one-hot; data.task=multilabel reads them as labels."
        return found
    names = [f"target_{i}" for i in range(targets.shape[1])] if several else ["target"]
    columns = targets.reshape(len(targets), -1).T
    table = RawTable(
        {name: of_series(pd.Series(c), name) for name, c in zip(names, columns, strict=True)}
    )
    return target_of(table, names, task)


def _read(
    path: str | None, x: str, y: str, others: dict[str, str | None]
) -> tuple[NDArray[Any], NDArray[Any], Tensor | None]:
    """Return inputs, targets and the part of each sample, of one file or of several.

    Raises:
        UserError: a file lacks an array, has no samples, or has parts for which there are also
            files.

    """
    stored = load(path)
    if not any(others.values()):
        found = _parts(stored, x, y, str(path))
    else:
        pieces = {"train": _named(stored, x, y, str(path))}
        for part, other in others.items():
            if other is not None:
                pieces[part] = _named(load(other), x, y, other)
        found = _together(pieces, str(path))
    return found


def _named(
    stored: dict[str, NDArray[Any]], x: str, y: str, path: str
) -> tuple[NDArray[Any], NDArray[Any]]:
    for key, name in (("data.x", x), ("data.y", y)):
        if name not in stored:
            raise UserError(
                f"is not an array of {path}",
                code=Code.UNKNOWN_NAME,
                key=key,
                value=name,
                allowed=stored,
                hint="Name the arrays with data.x= and data.y=",
            )
    return stored[x], stored[y]


def _masks(targets: NDArray[Any], ignore: int | None) -> Target:
    if targets.ndim != 3 or targets.dtype.kind not in "biu":
        raise UserError(
            f"takes masks, integers (N, H, W), but these targets are {targets.dtype} of shape "
            f"{targets.shape}",
            code=Code.INCOMPATIBLE,
            key="data.task",
            value="segmentation",
        )
    maps = class_maps(targets.astype(np.int64), ignore)
    told = " ".join(mask_remarks(maps.index, maps.names, maps.names))
    return Target(maps.index, "segmentation", maps.names, told, reader=maps.reader())


def _parts(
    stored: dict[str, NDArray[Any]], x: str, y: str, path: str
) -> tuple[NDArray[Any], NDArray[Any], Tensor | None]:
    """Find inputs, targets and, if the names of the arrays contain it, the part of each sample."""
    if x in stored and y in stored:
        return stored[x], stored[y], None
    found: dict[int, dict[str, NDArray[Any]]] = {}
    for name, values in stored.items():
        part, role = part_of(name), without_part(name)
        if part is not None and role in (x, *X_NAMES):
            found.setdefault(part, {})["x"] = values
        elif part is not None and role in (y, *Y_NAMES):
            found.setdefault(part, {})["y"] = values
    whole = {part: (pair["x"], pair["y"]) for part, pair in found.items() if len(pair) == 2}
    if 0 not in whole:
        return *_named(stored, x, y, path), None
    names = ("train", "val", "test")
    return _together({names[part]: whole[part] for part in sorted(whole)}, path)


def _together(
    pieces: dict[str, tuple[NDArray[Any], NDArray[Any]]], path: str
) -> tuple[NDArray[Any], NDArray[Any], Tensor]:
    """Concatenate the parts.

    Raises:
        UserError: they do not match.

    """
    try:
        inputs = np.concatenate([x for x, _ in pieces.values()])
        targets = np.concatenate([y for _, y in pieces.values()])
    except ValueError as problem:
        raise UserError(f"The parts of {path} do not match: {problem}", code=Code.DATA) from problem
    types = {each.dtype.name for each, _ in pieces.values()}
    if len(types) > 1:
        raise UserError(
            f"The parts of {path} have different types: {', '.join(sorted(types))}",
            code=Code.DATA,
            hint="Their values would have different meanings: store all parts as one type",
        )
    sizes = [len(pieces[name][1]) if name in pieces else 0 for name in ("train", "val", "test")]
    return inputs, targets, joined(sizes)
