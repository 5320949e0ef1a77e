"""Filling, scaling, selection: everything that is fitted on the training part only."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

import torch
from torch import Tensor

from quintet.base.errors import Code, UserError, check_known
from quintet.data.samples import Samples
from quintet.data.scaling.statistic import (
    Scale,
    centre_width,
    from_normal_scores,
    landmarks,
    medians,
    normal_scores,
    target_scale,
)
from quintet.data.scaling.target_transform import TargetTransform, transformed, undone
from quintet.problems import problem_of

__all__ = ["Preprocess", "Scale"]
OPTIONAL = {"select": float | int | None, "target_transform": str | None}
"""Types of values that may be None."""
ROUNDED = 4 * torch.finfo(torch.float32).eps
"""Relative size below which a sum of two opposite numbers was zero before scaling."""


class Preprocess:
    """Scale inputs and regression targets with statistics of the training part.

    Inputs: missing numbers become the training median; each column of a table, channel of an
    image or feature of a sequence (over time) becomes (x - centre) / width; a constant column is
    only centred, a column with no training value becomes 0; category codes not seen in training
    become 0 (unknown); tokens are unchanged. Regression targets: centre is the median and width
    the interquartile range / 1.349, which outliers do not move (Huber and Ronchetti, Robust
    Statistics, 2009, ch. 5); if that is 0, the standard deviation; if that is 0 too, 1.

    Args:
        scale: standard (mean 0, deviation 1), minmax (0 to 1), robust (median 0, interquartile
            range 1), quantile (ranks as values of the normal distribution) or none.
        select: share (below 1) or number of a table's columns to keep, those with the most mutual
            information with the target; the others are set to 0, and shapes do not change. None
            to keep all.
        target_transform: log or log1p, of a regression's targets before they are scaled.

    """

    def __init__(
        self,
        scale: Scale = "standard",
        select: float | None = None,
        target_transform: TargetTransform | None = None,
    ) -> None:
        check_known("data.scale", scale, get_args(Scale))
        self.scale, self.select, self.target_transform = scale, select, target_transform
        self.kind = "table"
        self.categorical = 0
        self.fill = torch.zeros(0)
        self.centre = torch.zeros(0)
        self.width = torch.ones(0)
        self.quantiles = torch.zeros(0, 0)
        self.seen: list[Tensor] = []
        self.left_out = torch.zeros(0, dtype=torch.bool)
        self.target_centre = torch.zeros(0)
        self.target_width = torch.ones(0)

    def fit(self, x: Tensor, y: Tensor, samples: Samples) -> "Preprocess":
        """Learn the statistics from the training part.

        Args:
            x: training inputs, in the shapes of `Samples`.
            y: training targets.
            samples: only its task, kind and cardinalities are read.

        """
        self.kind = samples.kind
        self.categorical = len(samples.cardinalities) if samples.kind == "table" else 0
        if self.kind != "tokens":
            self._fit_inputs(x)
        if self.select is not None:
            self._select(x, y, samples)
        if problem_of(samples.task).standardised:
            self.target_centre, self.target_width = target_scale(
                transformed(y, self.target_transform)
            )
        return self

    def transform(self, x: Tensor) -> Tensor:
        """Return scaled inputs of the same shape, float32; tokens unchanged."""
        if self.kind == "tokens":
            return x
        columns, size = self._axis(x), x.shape[self._axis(x)]
        fitted = len(self.centre) + self.categorical
        if size != fitted:
            raise UserError(
                f"The inputs have {size} features, but there were {fitted} in training",
                code=Code.INCOMPATIBLE,
                value=size,
                hint="Give data with the same features",
            )
        numeric = x.narrow(columns, 0, len(self.centre))
        shape = [1] * x.dim()
        shape[columns] = len(self.centre)
        fill, centre, width = (
            t.to(x.device).reshape(shape) for t in (self.fill, self.centre, self.width)
        )
        scaled = torch.where(numeric.isnan(), fill, numeric).sub_(centre).div_(width)
        if len(self.quantiles):
            scaled = self._by_feature(scaled, columns, normal_scores)
        codes = (
            [
                torch.where(torch.isin(column, seen.to(x.device)), column, 0)
                for column, seen in zip(x.unbind(1)[-self.categorical :], self.seen, strict=True)
            ]
            if self.categorical
            else []
        )
        whole = torch.cat([scaled, *[c[:, None] for c in codes]], dim=1) if codes else scaled
        return whole.masked_fill_(self.left_out.to(x.device), 0) if len(self.left_out) else whole

    def restore(self, x: Tensor) -> Tensor:
        """Convert scaled inputs back to their own units; missing values stay filled."""
        if self.kind == "tokens":
            return x
        axis, numbers = self._axis(x), len(self.centre)
        shape = [1] * x.dim()
        shape[axis] = numbers
        scaled = x.narrow(axis, 0, numbers)
        codes = x.narrow(axis, numbers, x.shape[axis] - numbers)
        if len(self.quantiles):
            scaled = self._by_feature(scaled, axis, from_normal_scores)
        moved, centre = scaled * self.width.reshape(shape), self.centre.reshape(shape)
        own = moved + centre
        own = own.masked_fill(own.abs() <= ROUNDED * centre.abs(), 0)
        return torch.cat([own, codes], dim=axis)

    def transform_target(self, y: Tensor) -> Tensor:
        """Scale regression targets (N, K); targets of other tasks are unchanged."""
        if not len(self.target_centre):
            return y
        y = transformed(y, self.target_transform)
        return (y - self.target_centre.to(y.device)) / self.target_width.to(y.device)

    def restore_target(self, y: Tensor) -> Tensor:
        """Convert scaled regression values (N, K) back to the target's own units."""
        if not len(self.target_centre):
            return y
        values = y * self.target_width.to(y.device) + self.target_centre.to(y.device)
        return undone(values, self.target_transform)

    def state_dict(self) -> dict[str, Any]:
        """Return plain strings, numbers and tensors, as `torch.load(weights_only=True)` allows."""
        return dict(vars(self))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load the state that `state_dict` returned.

        Raises:
            UserError: it was written by another version.
            TypeError, ValueError: a part of it has another type or size.

        """
        added = {"quantiles": torch.zeros(0, 0), "target_transform": None}  # by later versions
        state = added | state
        if set(state) != set(vars(self)):
            raise UserError(
                "The checkpoint's preprocessing was written by another version",
                code=Code.INCOMPATIBLE,
                hint="Train again",
            )
        for name, own in vars(self).items():
            kind = OPTIONAL.get(name, type(own))
            if not isinstance(state[name], kind):
                raise TypeError(f"{name} is a {type(state[name]).__name__}")
        if not all(isinstance(codes, Tensor) for codes in state["seen"]):
            raise TypeError("seen holds something that is not a tensor")
        if "parts" not in state:  # each of which is checked by itself
            _check_sizes(state)
        vars(self).update(state)

    @property
    def codes(self) -> list[Tensor]:
        """The codes of each categorical column that training had."""
        return self.seen

    def _axis(self, x: Tensor) -> int:
        """Return the dimension that holds features: channels of an image, else the last."""
        return 1 if self.kind == "image" else x.dim() - 1

    def _by_feature(
        self, x: Tensor, axis: int, function: Callable[[Tensor, Tensor], Tensor]
    ) -> Tensor:
        """Apply a function of rows (M, F) and the features' quantiles to inputs of any shape."""
        last = x.movedim(axis, -1)
        rows = function(last.flatten(0, -2), self.quantiles.to(x.device))
        return rows.reshape(last.shape).movedim(-1, axis)

    def _fit_inputs(self, x: Tensor) -> None:
        axis = self._axis(x)
        numeric = x.narrow(axis, 0, x.shape[axis] - self.categorical)
        columns = numeric.movedim(axis, -1).flatten(0, -2)
        missing = columns.isnan().any(dim=0)
        if self.kind == "table":
            self.fill = medians(columns, missing)
            if missing.any():
                columns = torch.where(columns.isnan(), self.fill.nan_to_num(0.0), columns)
        else:
            self.fill = torch.zeros(columns.shape[1])
        self.centre, self.width = centre_width(columns, self.scale)
        self.quantiles = landmarks(columns) if self.scale == "quantile" else torch.zeros(0, 0)
        # No training value at all: later values become 0.
        self.width[self.fill.isnan()] = torch.inf
        self.fill = self.fill.nan_to_num(0.0)
        self.seen = (
            [torch.unique(column) for column in x.unbind(1)[-self.categorical :]]
            if (self.categorical)
            else []
        )

    def _select(self, x: Tensor, y: Tensor, samples: Samples) -> None:
        from quintet.data.scaling.selection import most_informative, share_or_number

        if self.kind != "table" or len(x) != len(y):
            raise UserError(
                f"is for tables in memory; this is a {self.kind}"
                f"{'' if len(x) == len(y) else ' on disk'}",
                code=Code.INCOMPATIBLE,
                key="data.select",
                value=self.select,
                hint="Leave it out, or set data.select=null",
            )
        number = share_or_number(self.select or 0.0, x.shape[1])
        seen = self.transform(x)
        self.left_out = ~most_informative(seen, self.categorical, y, samples.task, number)


def _check_sizes(state: Mapping[str, Any]) -> None:
    """Check that the parts of a state are of the same columns.

    Raises:
        ValueError: names the part that is not.

    """
    numbers, targets = state["centre"].numel(), state["target_centre"].numel()
    columns = numbers + state["categorical"]
    given = {name: tuple(part.shape) for name, part in state.items() if isinstance(part, Tensor)}
    sizes: dict[str, tuple[int, ...]] = dict.fromkeys(("centre", "fill", "width"), (numbers,))
    sizes |= dict.fromkeys(("target_centre", "target_width"), (targets,))
    sizes["left_out"] = (columns,) if state["left_out"].numel() else (0,)
    rows = len(state["quantiles"]) if state["quantiles"].dim() else 0
    sizes["quantiles"] = (rows, numbers if rows else 0)
    if odd := [name for name, size in sizes.items() if given[name] != size]:
        raise ValueError(f"{odd[0]} has the shape {given[odd[0]]}, of {columns} columns")
    if len(state["seen"]) != state["categorical"]:
        raise ValueError(f"seen has {len(state['seen'])} of {state['categorical']} columns")
