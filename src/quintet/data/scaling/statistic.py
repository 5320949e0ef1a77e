"""Centre and width of columns, at little memory and without loss of precision."""

import warnings
from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Scale = Literal["standard", "minmax", "robust", "none"]
IQR_OF_NORMAL = 1.349
"""Interquartile range of the standard normal distribution: IQR / 1.349 estimates sigma."""
CHUNK = 1 << 22
"""Numbers of which medians are exact; of more, they may come from evenly spaced rows."""
CACHED = 1 << 16
"""Numbers turned to float64 at a time, as many as a cache holds."""


def centre_width(columns: Tensor, scale: Scale) -> tuple[Tensor, Tensor]:
    """Return centre and width (F,) of each column of (M, F); width 1 where a column is constant."""
    low, high = extremes(columns)
    if scale == "none":
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
        constant: which of them (F,) have one value, where that is known.

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
    """Return the least and the greatest value (F,) of each column of (M, F).

    By NumPy, whose reduction over rows takes a tenth of torch's time.
    """
    values = columns.cpu().numpy()
    low, high = (torch.from_numpy(of(axis=0)) for of in (values.min, values.max))
    return low.to(columns.device), high.to(columns.device)


def medians(columns: Tensor, exactly: Tensor) -> Tensor:
    """Return the median (F,) of each column of (M, F), NaN where a column has no value.

    Columns that `exactly` (F,) does not mark may be estimated from evenly spaced rows: on big data
    an exact median of each would take longer than everything else together.
    """
    found = quantiles(columns[:: 1 + columns.numel() // CHUNK], [0.5])[0]
    if exactly.any():
        found[exactly] = quantiles(columns[:, exactly], [0.5])[0]
    return found


def quantiles(columns: Tensor, at: list[float]) -> Tensor:
    """Return the quantiles (len(at), F) of each column of (M, F), NaN left out.

    By NumPy, because `torch.quantile` refuses more than 16 million numbers.
    """
    if not columns.shape[1]:
        return columns.new_empty(len(at), 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column of NaN only
        rows = np.ascontiguousarray(columns.cpu().numpy().T)
        found = np.nanquantile(rows, at, axis=1)
    return torch.from_numpy(np.asarray(found)).to(columns)


def _chunks(columns: Tensor) -> Iterator[Tensor]:
    rows = max(1, CACHED // max(1, columns.shape[1]))
    for start in range(0, len(columns), rows):
        yield columns[start : start + rows]
