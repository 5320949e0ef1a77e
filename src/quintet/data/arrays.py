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
from quintet.data.frames import existing
from quintet.data.parsing.raw_columns import of_series
from quintet.data.parsing.table_file import Table
from quintet.data.samples import Kind, Samples
from quintet.data.targets import one_hot, target_of

PARTS = (("x_train", "y_train"), ("x_val", "y_val"), ("x_test", "y_test"))


def arrays(
    path: str | None = None,
    task: str | None = None,
    kind: str | None = None,
    x: str = "x",
    y: str = "y",
) -> Samples:
    """Read an npz file into samples; their kind is inferred from the shape.

    (N, F) is a table; (N, T, F) a sequence, or grey images (N, H, W) if its type is uint8;
    (N, C, H, W) and (N, H, W, C) are images. Bytes of images become values from 0 to 1. Files
    with `x_train`, `y_train`, `x_test`, `y_test` (and `x_val`, `y_val`) keep these parts.

    Args:
        path: the npz file (numpy.savez); pickled objects in it are never loaded.
        task: binary, multiclass, multilabel or regression; None infers it from the targets.
        kind: table, image, sequence or tokens (N, T) of ids from 2 on; None infers it from the
            shape.
        x: name of the inputs in the file.
        y: name of the targets, (N,) or (N, K).

    Raises:
        UserError: anything wrong with the file or its values.

    """
    stored = load(path)
    inputs, targets, part = _parts(stored, x, y, str(path))
    found_kind = kind_of(inputs, kind)
    _check_shapes(inputs, targets, x, y, str(path))
    converted = convert(inputs, found_kind)
    found = _target(targets, task)
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
            found.summary,
        ],
        reader={"kind": "array", "of": found_kind, "shape": list(converted.shape[1:]), "x": x},
    )
    check(samples)
    return samples


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
            "it holds Python objects, which could run code: save plain numbers or text"
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


def convert(inputs: NDArray[Any], kind: Kind) -> Tensor:
    """Return inputs in the shape and type that `Samples` has for their kind."""
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
    white = 255.0 if kind == "image" and inputs.dtype == np.uint8 else 1.0
    with np.errstate(over="ignore"):
        values = torch.from_numpy(inputs.astype(np.float32))
    if kind == "image" and inputs.ndim == 3:
        values = values[:, None]
    elif kind == "image" and inputs.shape[-1] in (1, 3, 4) and inputs.shape[1] not in (1, 3, 4):
        values = values.movedim(-1, 1).contiguous()
    if kind == "table" and values.isnan().any():
        row = int(values.isnan().any(dim=1).nonzero()[0])
        raise UserError(
            f"Sample {row} (from 0) has a NaN value",
            code=Code.DATA,
            hint="Fill it, or use data=csv, where missing values are filled with the training "
            "median",
        )
    return values / white if white != 1 else values


def _check_shapes(inputs: NDArray[Any], targets: NDArray[Any], x: str, y: str, path: str) -> None:
    """Refuse arrays that are empty or do not belong together."""
    shapes = f"'{x}' has shape {inputs.shape} and '{y}' {targets.shape}"
    if not inputs.size or not targets.size:
        raise UserError(
            f"{path} holds no samples: {shapes}",
            code=Code.DATA,
            hint="Save arrays with at least one sample and one feature",
        )
    if targets.ndim not in (1, 2):
        raise UserError(
            f"{path}: {shapes}, but targets are (N,) or (N, K)",
            code=Code.DATA,
            hint=f"Reshape '{y}'; of a map of classes, say, keep one number a sample",
        )
    if len(inputs) != len(targets):
        raise UserError(
            f"{path}: {len(inputs)} inputs but {len(targets)} targets: {shapes}",
            code=Code.DATA,
            hint="Their first dimension counts the samples; save both in the same order",
        )


def _target(targets: NDArray[Any], task: str | None) -> Any:
    import pandas as pd

    several = targets.ndim == 2 and targets.shape[1] > 1
    if several and task in (None, "multiclass") and one_hot(targets):
        targets, several = targets.argmax(axis=1), False
        found = _target(targets, "multiclass")
        found.summary += " They were one-hot; data.task=multilabel takes them for labels."
        return found
    names = [f"target_{i}" for i in range(targets.shape[1])] if several else ["target"]
    columns = targets.reshape(len(targets), -1).T
    table = Table(
        {name: of_series(pd.Series(c), name) for name, c in zip(names, columns, strict=True)}
    )
    return target_of(table, names, task)


def _parts(
    stored: dict[str, NDArray[Any]], x: str, y: str, path: str
) -> tuple[NDArray[Any], NDArray[Any], Tensor | None]:
    """Find inputs, targets and, where the file has parts, the part of each sample."""
    if x in stored and y in stored:
        return stored[x], stored[y], None
    there = [(i, a, b) for i, (a, b) in enumerate(PARTS) if a in stored and b in stored]
    if not there or there[0][0] != 0:
        missing = x if x not in stored else y
        raise UserError(
            f"{path} has no array '{missing}'.",
            code=Code.UNKNOWN_NAME,
            value=missing,
            allowed=stored,
            hint="Name the arrays with data.x= and data.y=",
        )
    try:
        inputs = np.concatenate([stored[a] for _, a, _ in there])
        targets = np.concatenate([stored[b] for _, _, b in there])
    except ValueError as problem:
        raise UserError(
            f"The parts of {path} do not fit together: {problem}", code=Code.DATA
        ) from problem
    part = np.concatenate([np.full(len(stored[b]), i) for i, _, b in there])
    return inputs, targets, torch.from_numpy(part.astype(np.int64))
