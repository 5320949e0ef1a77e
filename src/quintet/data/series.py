"""Time series cut into windows: the past as input, the next values as target."""

import numpy as np
import torch
from numpy.typing import NDArray

from quintet.base.errors import Code, UserError
from quintet.data.columns import format_of, number
from quintet.data.frames import existing
from quintet.data.parsing.inference import infer
from quintet.data.parsing.table_file import read_table
from quintet.data.samples import Samples


def sunspots(window: int = 9, horizon: int = 1) -> Samples:
    """Return yearly sunspot numbers 1700-2008 (309 values) as forecasting windows.

    Source: SIDC, by statsmodels. An autoregression of order 9 has RMSE 19.14 on the last 60.
    """
    from statsmodels.datasets import sunspots as source

    values = source.load_pandas().data["SUNACTIVITY"].to_numpy()
    return windows(values, window, horizon, "sunspots")


def elnino(window: int = 24, horizon: int = 1) -> Samples:
    """Return monthly sea surface temperatures 1950-2010 (732 values) as forecasting windows.

    Source: NOAA, Nino 1+2 region, degrees Celsius, by statsmodels.
    """
    from statsmodels.datasets import elnino as source

    years = source.load_pandas().data.drop(columns="YEAR")
    return windows(years.to_numpy().reshape(-1), window, horizon, "temperature")


def series(
    path: str | None = None,
    target: str | None = None,
    window: int = 12,
    horizon: int = 1,
    separator: str | None = None,
    encoding: str | None = None,
) -> Samples:
    """Read one column of a csv or parquet file as a time series, its rows in time order."""
    layout = {"separator": separator, "encoding": encoding}
    table = read_table(existing(path), layout=layout)
    if target is None or target not in table.columns:
        names = list(table.columns)
        raise UserError(
            f"is not a column of {path}",
            code=Code.MISSING_VALUE if target is None else Code.UNKNOWN_NAME,
            key="data.target",
            value=target or "null",
            allowed=names,
        )
    cells = table[target]
    form = infer(cells, separator=table.separator)
    parsed = (form if form.type == "number" else format_of(number(target))).parse(cells)
    if len(parsed.bad):
        raise UserError(
            f"holds '{cells.at(int(parsed.bad[0]))}', which is not a number ({len(parsed.bad)} "
            "such values)",
            code=Code.DATA,
            key="data.target",
            value=target,
            hint="A series is a column of numbers in time order: name another, or repair these "
            "cells",
        )
    return windows(parsed.values, window, horizon, target)


def windows(values: NDArray[np.floating], window: int, horizon: int, name: str) -> Samples:
    """Cut a series into overlapping windows in time order.

    Sample i sees values [i, i + window) and must forecast [i + window, i + window + horizon). Later
    windows reach back into the past, which is known by then; targets of two parts never meet,
    as horizon - 1 samples are left out at each cut.

    Args:
        values: the series, (N,), in time order.
        window: values in the input, at least 1.
        horizon: values to forecast, at least 1.
        name: name of the series' column.

    Returns:
        x (N - window - horizon + 1, window, 1), y (same, horizon).

    """
    if window < 1 or horizon < 1 or len(values) < window + horizon + 2:
        raise UserError(
            f"and data.horizon={horizon} do not fit a series of {len(values)} values",
            code=Code.OUT_OF_RANGE,
            key="data.window",
            value=window,
            hint="Both must be at least 1, and their sum well below the length of the series",
        )
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise UserError(
            f"Value {row} (from 0) of series '{name}' is missing or infinite",
            code=Code.DATA,
            hint="Gaps are not filled automatically: fill it, or cut the series there",
        )
    cuts = np.lib.stride_tricks.sliding_window_view(
        values.astype(np.float32), window + horizon
    ).copy()
    return Samples(
        x=torch.from_numpy(cuts[:, :window, None].copy()),
        y=torch.from_numpy(cuts[:, window:].copy()),
        task="regression",
        kind="sequence",
        class_names=[name if horizon == 1 else f"{name}+{step + 1}" for step in range(horizon)],
        ordered=True,
        purge=horizon - 1,
        data_summary=[
            f"{len(values)} values of '{name}' in time order: {len(cuts)} windows of {window} "
            f"values, each followed by {horizon} to forecast."
        ],
        reader={"kind": "sequence", "columns": [name], "window": window},
    )
