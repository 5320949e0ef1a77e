"""Centre and width of columns, with little memory and without loss of precision."""

import warnings
from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Scale = Literal["standard", "minmax", "robust", "quantile", "none"]
IQR_OF_NORMAL = 1.349
"""Interquartile range of the standard normal distribution: IQR / 1.349 estimates sigma."""
CHUNK = 1 << 22
"""Numbers up to which medians are exact; with more, they may come from evenly spaced rows."""
LANDMARKS = 1000
"""Number of quantiles of a column between which `normal_scores` interpolates."""
CACHED = 1 << 16
"""Numbers converted to float64 at a time, as many as fit in a cache."""


def centre_width(columns: Tensor, scale: Scale) -> tuple[Tensor, Tensor]:
    """Return centre and width (F,) of each column of (M, F); width 1 for constant columns."""
    low, high = extremes(columns)
    if scale in ("none", "quantile"):
        return torch.zeros_like(low), torch.ones_like(low)
    if scale == "minmax":
        centre, width = low, high - low
    elif scale == "robust":
        first, centre, third = quantiles(columns, [0.25, 0.5, 0.75])
        # A column that is mostly one value has no interquartile range but still needs a width.
        spread = third - first
        width = torch.where(spread > 0, spread, moments(columns, low == high)[1])
    else:
        centre, width = moments(columns, low == high)
    return centre, torch.where((low == high) | (width <= 0), 1.0, width)


def target_scale(y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the robust centre and width (K,) of regression targets (N, K)."""
    first, centre, third = quantiles(y, [0.25, 0.5, 0.75])
    width = (third - first) / IQR_OF_NORMAL
    width = torch.where(width > 0, width, moments(y)[1].to(width.dtype))
    return centre, torch.where(width > 0, width, 1.0)


def moments(columns: Tensor, constant: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return mean and (population) standard deviation of each column of (M, F), in float64 sums.

    Args:
        columns: (M, F).
        constant: which of them (F,) have one value, if known.

    """
    shift = columns[0].double()
    total = torch.zeros_like(shift)
    for part in _chunks(columns):
        total += part.to(torch.float64, copy=True).sub_(shift).sum(dim=0)
    mean = shift + total / len(columns)
    squares = torch.zeros_like(shift)
    for part in _chunks(columns):
        squares += part.to(torch.float64, copy=True).sub_(mean).square_().sum(dim=0)
    deviation = (squares / len(columns)).sqrt()
    if constant is None:
        constant = torch.eq(*extremes(columns))
    deviation[constant] = 0.0
    return mean.float(), deviation.float()


def extremes(columns: Tensor) -> tuple[Tensor, Tensor]:
    """Return the minimum and the maximum (F,) of each column of (M, F).

    Computed by NumPy, whose reduction over rows takes a tenth of torch's time.
    """
    values = columns.cpu().numpy()
    low, high = (torch.from_numpy(of(axis=0)) for of in (values.min, values.max))
    return low.to(columns.device), high.to(columns.device)


def medians(columns: Tensor, exactly: Tensor) -> Tensor:
    """Return the median (F,) of each column of (M, F), NaN where a column has no value.

    Columns not marked by `exactly` (F,) may be estimated from evenly spaced rows: on big data,
    exact medians would take longer than everything else together.
    """
    found = quantiles(columns[:: 1 + columns.numel() // CHUNK], [0.5])[0]
    if exactly.any():
        found[exactly] = quantiles(columns[:, exactly], [0.5])[0]
    return found


def quantiles(columns: Tensor, at: list[float]) -> Tensor:
    """Return the quantiles (len(at), F) of each column of (M, F), ignoring NaN.

    Computed by NumPy, because `torch.quantile` rejects more than 16 million numbers.
    """
    if not columns.shape[1]:
        return columns.new_empty(len(at), 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column of NaN only
        rows = np.ascontiguousarray(columns.cpu().numpy().T)
        found = np.nanquantile(rows, at, axis=1)
    return torch.from_numpy(np.asarray(found)).to(columns)


def landmarks(columns: Tensor) -> Tensor:
    """Return evenly spaced quantiles (Q, F) of each column of (M, F), as many as rows at most."""
    if len(columns) <= LANDMARKS:  # exactly, so that ties stay ties
        return columns.sort(dim=0).values
    return quantiles(columns, np.linspace(0, 1, LANDMARKS).tolist())


def normal_scores(x: Tensor, known: Tensor) -> Tensor:
    """Return where values lie in a distribution, as values of the normal distribution.

    A value at the p-th quantile becomes the normal quantile of p; ties get the middle of their
    ranks, and values outside are clipped. Like scikit-learn's `QuantileTransformer`, except for the
    ends: of Q quantiles they are 1 / 2Q and 1 - 1 / 2Q (Blom 1958), not a fixed far value.

    Args:
        x: values (N, F).
        known: the distributions' quantiles (Q, F), ascending; a constant one gives 0.

    """
    count, values = len(known), x.double().T.contiguous()
    ascending = known.double().T.contiguous()
    ranks = torch.stack([_rank(values, ascending), 1 - _rank(-values, -ascending.flip(1))]).mean(0)
    scores: Tensor = torch.special.ndtri(ranks * (count - 1) / count + 0.5 / count)
    scores[ascending[:, 0] == ascending[:, -1]] = 0
    return scores.T.to(x.dtype)


def from_normal_scores(scores: Tensor, known: Tensor) -> Tensor:
    """Return the values (N, F) that have these normal scores; see `normal_scores`."""
    count = len(known)
    ranks: Tensor = (torch.special.ndtr(scores.double()) * count - 0.5) / max(1, count - 1)
    place = (ranks.clamp(0, 1) * (count - 1)).T
    below = place.floor().clamp_max(max(0, count - 2)).long()
    ascending = known.double().T.contiguous()
    low, high = (ascending.gather(1, (below + step).clamp_max(count - 1)) for step in (0, 1))
    return (low + (place - below) * (high - low)).T.to(scores.dtype)


def _rank(values: Tensor, ascending: Tensor) -> Tensor:
    """Return the interpolated rank in [0, 1] of values (F, N) among (F, Q), the upper of ties."""
    count = ascending.shape[1]
    above = torch.searchsorted(ascending, values, right=True).clamp(1, max(1, count - 1))
    above.clamp_max_(count - 1)
    low, high = ascending.gather(1, (above - 1).clamp_min(0)), ascending.gather(1, above)
    step = torch.where(high > low, (values - low) / (high - low), values >= high).clamp(0, 1)
    return ((above - 1).clamp_min(0) + step) / max(1, count - 1)


def _chunks(columns: Tensor) -> Iterator[Tensor]:
    rows = max(1, CACHED // max(1, columns.shape[1]))
    for start in range(0, len(columns), rows):
        yield columns[start : start + rows]
