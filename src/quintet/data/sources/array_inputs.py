"""One array of inputs: its kind, and its conversion to a tensor."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quintet.base.errors import Code, UserError, check_known
from quintet.data.samples import Kind
from quintet.data.sources.columns import offsets_of, offsets_remark
from quintet.data.sources.image_arrays import Channels, channels_of, white_for, white_of


@dataclass(frozen=True)
class Converted:
    """Inputs in the form of `Samples.x`, with the reader of new ones and remarks."""

    x: Tensor
    reader: dict[str, Any]
    remarks: list[str]

    @property
    def vocabulary(self) -> int:
        """Number of token ids; 0 for other kinds."""
        return int(self.x.max()) + 1 if self.reader["of"] == "tokens" else 0


def converted(inputs: NDArray[Any], kind: Kind, name: str, channels: str | None) -> Converted:
    """Return inputs in the shapes of `Samples.x`, with the reader of new ones.

    Args:
        inputs: as stored.
        kind: of the inputs.
        name: in the file.
        channels: first or last, the axis of an image's channels; None to infer it from the shape.

    """
    image = kind == "image" and inputs.ndim == 4
    axis, remark = channels_of(inputs.shape, channels) if image else (None, "")
    white = white_of(inputs) if kind == "image" else 1.0
    offsets = offsets_of(inputs) if kind in ("table", "sequence") else None
    x = convert(inputs, kind, axis, white, offsets)
    remarks = [
        *([remark] if remark else []),
        *([] if offsets is None else [offsets_remark(offsets)]),
        *([_range_remark(x, white, inputs)] if kind == "image" else []),
    ]
    reader = {
        "kind": "array",
        "of": kind,
        "shape": list(x.shape[1:]),
        "x": name,
        "dtype": inputs.dtype.name,
        "channels_at": axis,
        "offsets": None if offsets is None else offsets.tolist(),
    }
    return Converted(x, reader, remarks)


def kind_of(inputs: NDArray[Any], kind: str | None) -> Kind:
    """Infer the kind of inputs from their shape, or check the one given."""
    if kind is not None:
        check_known("data.kind", kind, get_args(Kind))
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
    shapes = (
        "a table is (N, F), tokens (N, T), a sequence (N, T, F), images (N, H, W), (N, C, H, W) or "
        "(N, H, W, C)"
    )
    if kind is None:
        problem = f"Inputs of shape {inputs.shape} cannot be used: {shapes}"
        raise UserError(problem, code=Code.DATA)
    problem = f"does not fit inputs of shape {inputs.shape}: {shapes}"
    raise UserError(problem, code=Code.INCOMPATIBLE, key="data.kind", value=kind)


def convert(
    inputs: NDArray[Any],
    kind: Kind,
    channels: Channels | None = None,
    white: float = 1.0,
    offsets: NDArray[Any] | None = None,
) -> Tensor:
    """Return inputs in the shape and type of `Samples` for their kind.

    Args:
        inputs: as stored.
        kind: of the inputs.
        channels: axis of the channels of images (N, _, _, _).
        white: divisor of the values.
        offsets: subtracted from each feature before the conversion to float32, see `offsets_of`.

    """
    if inputs.dtype.kind not in "biuf":
        raise UserError(
            f"Inputs of type {inputs.dtype} are not numbers",
            code=Code.DATA,
            hint="Encode them as numbers",
        )
    if kind == "tokens":
        if inputs.dtype.kind == "f":
            raise UserError(f"Tokens are integers, but these are {inputs.dtype}", code=Code.DATA)
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


def new_input(inputs: NDArray[Any], reader: dict[str, Any], path: Path) -> tuple[Tensor, list[str]]:
    """Return new inputs as those of training, with remarks.

    Raises:
        UserError: they do not fit the training data.

    """
    kind = reader["of"] if reader.get("kind") == "array" else reader.get("kind")
    if kind is None:
        raise UserError("The run has no record of its inputs", code=Code.INCOMPATIBLE)
    axis: Channels | None = reader.get("channels_at")
    if kind == "image" and inputs.ndim == 4 and axis is None:
        axis = channels_of(inputs.shape, None)[0]
    white, remark = white_for(inputs, reader) if kind == "image" else (1.0, "")
    offsets = None if reader.get("offsets") is None else np.array(reader["offsets"])
    if offsets is not None and inputs.shape[-1] != len(offsets):
        offsets = None  # another shape, which is rejected below
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


def _range_remark(x: Tensor, white: float, inputs: NDArray[Any]) -> str:
    low, high = float(x.min()), float(x.max())
    if white != 1:
        return f"Values of type {inputs.dtype} are divided by {white:g}: {low:g} to {high:g}."
    return f"Values of type {inputs.dtype} are left unchanged: {low:g} to {high:g}."
