"""The user's own arrays: an npz file with inputs x and targets y."""

import zipfile
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.data.facts import check
from quintet.data.parsing.column_cells import of_series
from quintet.data.parsing.table_file import RawTable
from quintet.data.samples import Kind, Samples
from quintet.data.sources.columns import offsets_of, offsets_remark
from quintet.data.sources.frames import existing
from quintet.data.sources.image_arrays import Channels, channels_of, white_for, white_of
from quintet.data.sources.mask_values import class_maps, mask_remarks
from quintet.data.sources.parts import joined, part_of, without_part
from quintet.data.sources.targets import Target, one_hot, target_of

X_NAMES = ("x", "images", "image", "inputs", "input", "data", "features")
Y_NAMES = ("y", "labels", "label", "targets", "target", "classes")


def arrays(
    path: str | None = None,
    task: str | None = None,
    kind: str | None = None,
    x: str = "x",
    y: str = "y",
    channels: str | None = None,
    ignore: int | None = None,
    val_path: str | None = None,
    test_path: str | None = None,
) -> Samples:
    """Read an npz file into samples; their kind is inferred from the shape.

    (N, F) is a table; (N, T, F) a sequence, or grey images (N, H, W) if its type is uint8;
    (N, C, H, W) and (N, H, W, C) are images. Images of type uint8 and uint16 become values from 0
    to 1, others stay as they are. Whole numbers (N, H, W) as targets of images are masks, the
    classes of a segmentation. Files with `x_train`, `y_train`, `x_test`, `y_test` (and `x_val`,
    `y_val`, or names such as `train_images`) keep these parts.

    Args:
        path: the npz file (numpy.savez); pickled objects in it are never loaded.
        task: binary, multiclass, multilabel, regression or segmentation; None infers it from the
            targets.
        kind: table, image, sequence or tokens (N, T) of ids from 2 on; None infers it from the
            shape.
        x: name of the inputs in the file.
        y: name of the targets, (N,), (N, K) or (N, H, W).
        channels: first or last, the axis of an image's channels; None infers it from the shape.
        ignore: value of mask pixels that neither loss nor metric counts.
        val_path: a file of validation samples, with the same names.
        test_path: likewise, of test samples.

    Raises:
        UserError: anything wrong with the file or its values.

    """
    inputs, targets, part = _read(path, x, y, {"val": val_path, "test": test_path})
    found_kind = kind_of(inputs, kind)
    segmented = task == "segmentation" or (found_kind == "image" and targets.ndim == 3)
    _check_shapes(inputs, targets, x, y, str(path), masks=segmented)
    image = found_kind == "image" and inputs.ndim == 4
    axis, remark = channels_of(inputs.shape, channels) if image else (None, "")
    white = white_of(inputs) if found_kind == "image" else 1.0
    offsets = offsets_of(inputs) if found_kind in ("table", "sequence") else None
    converted = convert(inputs, found_kind, axis, white, offsets)
    found = _masks(targets, ignore) if segmented else _target(targets, task)
    samples = Samples(
        x=converted,
        y=found.y,
        task=found.task,
        kind=found_kind,
        class_names=found.names,
        vocabulary=int(converted.max()) + 1 if found_kind == "tokens" else 0,
        split=part,
        data_summary=[
            f"{path}: {len(inputs)} samples of shape {inputs.shape[1:]}, taken for {found_kind}"
            f"{'' if kind else ' (another: data.kind=)'}.",
            *([remark] if remark else []),
            *([] if offsets is None else [offsets_remark(offsets)]),
            *([_range_remark(converted, white, inputs)] if found_kind == "image" else []),
            found.summary,
        ],
        reader={
            "kind": "array",
            "of": found_kind,
            "shape": list(converted.shape[1:]),
            "x": x,
            "dtype": inputs.dtype.name,
            "channels_at": axis,
            "offsets": None if offsets is None else offsets.tolist(),
        },
    )
    check(samples)
    return samples


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
    inputs = stored[name]
    kind = reader["of"] if reader.get("kind") == "array" else reader.get("kind")
    if kind is None:
        raise UserError("The run does not record what its inputs are", code=Code.INCOMPATIBLE)
    axis: Channels | None = reader.get("channels_at")
    if kind == "image" and inputs.ndim == 4 and axis is None:
        axis = channels_of(inputs.shape, None)[0]
    white, remark = white_for(inputs, reader) if kind == "image" else (1.0, "")
    offsets = None if reader.get("offsets") is None else np.array(reader["offsets"])
    if offsets is not None and inputs.shape[-1] != len(offsets):
        offsets = None  # of another shape, which is refused below
    x = convert(inputs, kind, axis, white, offsets)
    expected = reader.get("shape")
    if expected is not None and list(x.shape[1:]) != list(expected):
        raise UserError(
            f"{path}: samples of shape {list(x.shape[1:])}, but the model was trained on "
            f"{expected}",
            code=Code.INCOMPATIBLE,
        )
    if x.is_floating_point() and not x.isfinite().all():
        raise UserError(
            f"{path} has NaN or infinite values",
            code=Code.DATA,
            hint="Repair or leave out such samples",
        )
    return x, [remark] if remark else []


def load(path: str | Path | None) -> dict[str, NDArray[Any]]:
    """Return the arrays of an npz file by name, or of an npy file as "x"."""
    file = existing(path)
    try:
        stored = np.load(file, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            return {"x": stored}
        with stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as problem:
        reason = (
            "it is none, or holds Python objects, which could run code: save plain numbers or text"
            if "allow_pickle" in str(problem)
            else problem
        )
        raise UserError(
            f"{file} is not a readable npz or npy file: {reason}", code=Code.DAMAGED
        ) from problem


def kind_of(inputs: NDArray[Any], kind: str | None) -> Kind:
    """Infer the kind of inputs from their shape, or check the one given."""
    if kind is not None and kind not in get_args(Kind):
        raise UserError(
            "is unknown",
            code=Code.UNKNOWN_NAME,
            key="data.kind",
            value=kind,
            allowed=get_args(Kind),
        )
    by_shape: dict[int, tuple[Kind, ...]] = {
        2: ("table", "tokens"),
        3: ("image", "sequence") if inputs.dtype == np.uint8 else ("sequence", "image"),
        4: ("image",),
    }
    allowed = by_shape.get(inputs.ndim, ())
    chosen = kind or (allowed[0] if allowed else None)
    for candidate in allowed:
        if candidate == chosen:
            return candidate
    raise UserError(
        f"Inputs of shape {inputs.shape} cannot be {chosen or 'used'}: a table is (N, F), tokens "
        "(N, T), a sequence (N, T, F), images (N, H, W), (N, C, H, W) or (N, H, W, C)",
        code=Code.DATA if kind is None else Code.INCOMPATIBLE,
        value=kind,
    )


def convert(
    inputs: NDArray[Any],
    kind: Kind,
    channels: Channels | None = None,
    white: float = 1.0,
    offsets: NDArray[Any] | None = None,
) -> Tensor:
    """Return inputs in the shape and type that `Samples` has for their kind.

    Args:
        inputs: as stored.
        kind: of the inputs.
        channels: axis of the channels of images (N, _, _, _).
        white: what values are divided by.
        offsets: what is taken off each feature before the values become float32, see `offsets_of`.

    """
    if inputs.dtype.kind not in "biuf":
        raise UserError(
            f"Inputs of type {inputs.dtype} are not numbers",
            code=Code.DATA,
            hint="Encode them as numbers",
        )
    if kind == "tokens":
        if inputs.dtype.kind == "f":
            raise UserError(f"Tokens are whole numbers, these are {inputs.dtype}", code=Code.DATA)
        return torch.from_numpy(inputs.astype(np.int64))
    if offsets is not None:
        inputs = inputs - offsets
    with np.errstate(over="ignore"):
        values = torch.from_numpy(inputs.astype(np.float32))
    if kind == "image" and inputs.ndim == 3:
        values = values[:, None]
    elif kind == "image" and channels == "last":
        values = values.movedim(-1, 1).contiguous()
    if kind == "table" and values.isnan().any():
        row = int(values.isnan().any(dim=1).nonzero()[0])
        raise UserError(
            f"Sample {row} (from 0) has a NaN value",
            code=Code.DATA,
            hint="Fill it, or use data=csv, where missing values are filled with the training "
            "median",
        )
    return values.div_(white) if white != 1 else values


def _check_shapes(
    inputs: NDArray[Any], targets: NDArray[Any], x: str, y: str, path: str, masks: bool
) -> None:
    """Refuse arrays that are empty or do not belong together."""
    shapes = f"'{x}' has shape {inputs.shape} and '{y}' {targets.shape}"
    if not inputs.size or not targets.size:
        raise UserError(
            f"{path} holds no samples: {shapes}",
            code=Code.DATA,
            hint="Save arrays with at least one sample and one feature",
        )
    if targets.ndim not in (1, 2) and not masks:
        raise UserError(
            f"{path}: {shapes}, but targets are (N,) or (N, K), or masks (N, H, W) of images",
            code=Code.DATA,
            hint=f"Reshape '{y}', or say data.kind=image",
        )
    if len(inputs) != len(targets):
        raise UserError(
            f"{path}: {len(inputs)} inputs but {len(targets)} targets: {shapes}",
            code=Code.DATA,
            hint="Their first dimension counts the samples; save both in the same order",
        )


def _target(targets: NDArray[Any], task: str | None) -> Target:
    import pandas as pd

    several = targets.ndim == 2 and targets.shape[1] > 1
    if several and task in (None, "multiclass") and one_hot(targets):
        targets, several = targets.argmax(axis=1), False
        found = _target(targets, "multiclass")
        found.summary += " They were one-hot; data.task=multilabel takes them for labels."
        return found
    names = [f"target_{i}" for i in range(targets.shape[1])] if several else ["target"]
    columns = targets.reshape(len(targets), -1).T
    table = RawTable(
        {name: of_series(pd.Series(c), name) for name, c in zip(names, columns, strict=True)}
    )
    return target_of(table, names, task)


def _range_remark(x: Tensor, white: float, inputs: NDArray[Any]) -> str:
    low, high = float(x.min()), float(x.max())
    if white != 1:
        return f"Values of type {inputs.dtype} are divided by {white:g}: {low:g} to {high:g}."
    return f"Values of type {inputs.dtype} are left as they are: {low:g} to {high:g}."


def _read(
    path: str | None, x: str, y: str, others: dict[str, str | None]
) -> tuple[NDArray[Any], NDArray[Any], Tensor | None]:
    """Return inputs, targets and the part of each sample, of one file or of several.

    Raises:
        UserError: a file lacks an array, has no samples, or has parts beside files for them.

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
    for name in (x, y):
        if name not in stored:
            raise UserError(
                f"{path} has no array '{name}'.",
                code=Code.UNKNOWN_NAME,
                value=name,
                allowed=stored,
                hint="Name the arrays with data.x= and data.y=",
            )
    return stored[x], stored[y]


def _masks(targets: NDArray[Any], ignore: int | None) -> Target:
    if targets.ndim != 3 or targets.dtype.kind not in "biu":
        raise UserError(
            f"takes masks, whole numbers (N, H, W); these targets are {targets.dtype} of shape "
            f"{targets.shape}",
            code=Code.INCOMPATIBLE,
            key="data.task",
            value="segmentation",
        )
    y, names = class_maps(targets.astype(np.int64), ignore)
    return Target(y, "segmentation", names, " ".join(mask_remarks(y, names, names)))


def _parts(
    stored: dict[str, NDArray[Any]], x: str, y: str, path: str
) -> tuple[NDArray[Any], NDArray[Any], Tensor | None]:
    """Find inputs, targets and, where the names of the arrays say it, the part of each sample."""
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
    """Put the parts behind each other.

    Raises:
        UserError: they do not fit together.

    """
    try:
        inputs = np.concatenate([x for x, _ in pieces.values()])
        targets = np.concatenate([y for _, y in pieces.values()])
    except ValueError as problem:
        raise UserError(
            f"The parts of {path} do not fit together: {problem}", code=Code.DATA
        ) from problem
    types = {each.dtype.name for each, _ in pieces.values()}
    if len(types) > 1:
        raise UserError(
            f"The parts of {path} have different types: {', '.join(sorted(types))}",
            code=Code.DATA,
            hint="Their values would not mean the same: store all parts as one type",
        )
    sizes = [len(pieces[name][1]) if name in pieces else 0 for name in ("train", "val", "test")]
    return inputs, targets, joined(sizes)
