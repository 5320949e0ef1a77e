"""Time series cut into windows: the past as input, the next values as target."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.data.parsing.column_cells import Cells
from quintet.data.parsing.rules import Rules, Unreadable
from quintet.data.parsing.table_file import RawTable, read_table
from quintet.data.samples import Samples
from quintet.data.sources.columns import Spec, blurred, format_of, settle_unreadable
from quintet.data.sources.frames import existing
from quintet.data.sources.series_columns import columns_of, group_names
from quintet.data.sources.time_steps import Step, Times
from quintet.data.sources.tracks import Track, Tracks, arranged, shown_time


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
    time: str | None = None,
    group: str | None = None,
    window: int = 12,
    horizon: int = 1,
    sort: bool = True,
    gaps: str = "split",
    separator: str | None = None,
    encoding: str | None = None,
    skip_rows: int | None = None,
    comment: str | None = None,
    decimal: str | dict[str, str] | None = None,
    thousands: str | dict[str, str] | None = None,
    date_format: str | dict[str, str] | None = None,
    missing: str | list[str] | None = None,
    unreadable: Unreadable = "few",
) -> Samples:
    """Read one column of a csv or parquet file as a time series, or as several series.

    Rows are sorted by their dates, whose step is inferred; no window spans a gap or two series.

    Args:
        path: the file.
        target: the column of values.
        time: the column of dates, or of numbers such as years; None for the column of dates, if
            there is one, else the order of the rows; "none" for the order of the rows.
        group: the column that identifies the series, if there are several.
        window: steps of the input.
        horizon: steps of the forecast.
        sort: False to reject rows that are not in time order.
        gaps: split to leave out windows that span gaps; fill to carry the last value forward in
            inputs; or refuse.
        separator: as in `quintet.data.sources.tables.csv`, like all following ones.
        encoding: of the text.
        skip_rows: lines before the header.
        comment: start of a comment.
        decimal: decimal mark.
        thousands: mark between groups of three digits.
        date_format: format of dates.
        missing: words that mean "no value".
        unreadable: what to do with values that are not numbers.

    Raises:
        UserError: anything wrong with the file, the options or the values.

    """
    rules = Rules(decimal, thousands, date_format, missing, unreadable)
    layout = {"separator": separator, "encoding": encoding, "skip_rows": skip_rows,
              "comment": comment}  # fmt: skip
    words = None if missing is None else sorted(rules.missing_words)
    text = [] if group is None else [group]
    table = read_table(existing(path), text=text, layout=layout, missing=words)
    if target is None or target not in table.columns:
        raise UserError(
            f"is not a column of {path}",
            code=Code.MISSING_VALUE if target is None else Code.UNKNOWN_NAME,
            key="data.target",
            value=target or "null",
            allowed=list(table.columns),
            hint=table.header_hint,
        )
    columns = columns_of(table, target, time, group, rules)
    tracks = arranged(columns.values, columns.times, columns.groups, sort=sort, gaps=gaps)
    cut = _windows(tracks, window, horizon)
    offset = float(columns.values[np.isfinite(columns.values)][0]) if cut.blurred else 0.0
    y = torch.from_numpy(cut.y)
    return Samples(
        x=torch.from_numpy((cut.x - offset).astype(np.float32))[..., None],
        y=y if cut.blurred else y.float(),
        task="regression",
        kind="sequence",
        class_names=_target_names(target, horizon),
        ordered=True,
        purge=horizon * tracks.series - 1,
        data_summary=[
            f"{path}: {len(table)} rows.",
            *table.remarks,
            *columns.remarks,
            *tracks.remarks,
            *_without_windows(tracks, window + horizon),
            f"{len(y)} windows of {window} values of '{target}', each followed by {horizon} to "
            "forecast.",
        ],
        columns=columns.summaries,
        reader={
            "kind": "sequence",
            "columns": [columns.specs[0] | {"offset": offset}, *columns.specs[1:]],
            "time": columns.time,
            "group": group,
            "window": window,
            "gaps": gaps,
            "step": tracks.step.to_dict(),
            "layout": {key: value for key, value in layout.items() if value is not None},
            "unreadable": unreadable,
        },
    )


@dataclass
class SeriesWindows:
    """Windows (N, window) and the following values (N, horizon), in time order."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]

    @property
    def blurred(self) -> bool:
        """Whether 32-bit floats would blur the differences of values."""
        return blurred(self.y.reshape(-1))


def _windows(tracks: Tracks, window: int, horizon: int) -> SeriesWindows:
    """Cut all tracks into windows, in the order of the first value to forecast."""
    _check_sizes(window, horizon, tracks.longest)
    past, future, when = [], [], []
    for track in tracks.tracks:
        if len(track.values) < window + horizon:
            continue
        both = np.lib.stride_tricks.sliding_window_view(track.values, window + horizon)
        told = np.lib.stride_tricks.sliding_window_view(track.known, window + horizon)
        whole = told[:, window:].all(axis=1)
        past.append(both[whole, :window])
        future.append(both[whole, window:])
        when.append(_moments(track, tracks)[window : len(track.values) - horizon + 1][whole])
    order = np.argsort(np.concatenate(when), kind="stable")
    if len(order) < 4:
        _too_short(window, horizon, tracks.longest)
    return SeriesWindows(np.concatenate(past)[order], np.concatenate(future)[order])


def _without_windows(tracks: Tracks, length: int) -> list[str]:
    """Return a sentence on the series that are too short for a window and its horizon."""
    names = list(dict.fromkeys(track.name for track in tracks.tracks))
    used = {track.name for track in tracks.tracks if len(track.values) >= length}
    short = [name for name in names if name not in used]
    if not short:
        return []
    more = f" and {len(short) - 3} more" if short[3:] else ""
    return [
        f"{len(short)} series have no {length} consecutive values and are left out: "
        f"{', '.join(short[:3])}{more}."
    ]


def _moments(track: Track, tracks: Tracks) -> Times:
    """Return the order of values: by time; without times, by distance to the end."""
    if tracks.step.kind != "rows":
        return track.times
    last = max(int(other.times[-1]) for other in tracks.tracks if other.name == track.name)
    return track.times - last


def _check_sizes(window: int, horizon: int, longest: int) -> None:
    if window < 1 or horizon < 1 or longest < window + horizon:
        _too_short(window, horizon, longest)


def _too_short(window: int, horizon: int, longest: int) -> None:
    raise UserError(
        f"and data.horizon={horizon} do not fit a series of {longest} values without a gap",
        code=Code.OUT_OF_RANGE,
        key="data.window",
        value=window,
        hint="Both must be at least 1, and their sum well below the length of the series; "
        "data.gaps=fill bridges gaps",
    )


def _target_names(name: str, horizon: int) -> list[str]:
    return [name if horizon == 1 else f"{name}+{step + 1}" for step in range(horizon)]


def new_windows(
    table: RawTable, specs: Sequence[Spec], reader: dict[str, Any], rule: Unreadable
) -> tuple[Tensor, list[str], list[str]]:
    """Return all windows of a new file, including those that nothing follows yet.

    Args:
        table: the file.
        specs: descriptions of the target, then of time and group if training had them.
        reader: of the training data.
        rule: what to do with values that are not numbers.

    Returns:
        The windows (N, window, 1), their names, and remarks.

    Raises:
        UserError: values that cannot be read, or too few consecutive values for a window.

    """
    by_name = {str(spec["name"]): spec for spec in specs}
    target = specs[0]
    cells, form = table[str(target["name"])], format_of(target)
    parsed = form.parse(cells)
    settled = settle_unreadable(cells, parsed.bad, form, rule)
    time, group = reader.get("time"), reader.get("group")
    times = _times(table[time], by_name[time]) if time else None
    step = Step.from_dict(reader["step"]) if time else None
    tracks = arranged(
        parsed.values,
        times,
        group_names(table[group]) if group else None,
        gaps=reader.get("gaps", "split"),
        step=step,
    )
    window = int(reader["window"])
    long = [track for track in tracks.tracks if len(track.values) >= window]
    if not long:
        raise UserError(
            f"{tracks.longest} consecutive values are too few: the model takes windows of {window}",
            code=Code.DATA,
        )
    view = np.lib.stride_tricks.sliding_window_view
    cuts = np.concatenate([view(track.values, window) for track in long])
    names = [
        _name(track, at, time, group)
        for track in long
        for at in range(window - 1, len(track.values))
    ]
    x = (cuts - float(target.get("offset", 0.0))).astype(np.float32)
    return torch.from_numpy(x)[..., None], names, [*([settled] if settled else []), *tracks.remarks]


def _times(cells: Cells, spec: Spec) -> NDArray[Any]:
    """Return the times of new rows, all of which must be readable.

    Raises:
        UserError: cells that do not fit the format of training.

    """
    form = format_of(spec)
    parsed = form.parse(cells)
    settle_unreadable(cells, parsed.bad, form, "refuse")
    return parsed.values


def _name(track: Track, at: int, time: str | None, group: str | None) -> str:
    moment = shown_time(track.times[at]) if time else f"row {int(track.times[at]) + 1}"
    return f"{track.name}, after {moment}" if group else f"after {moment}"


def windows(values: NDArray[np.floating], window: int, horizon: int, name: str) -> Samples:
    """Cut a series into overlapping windows in time order.

    Sample i has the values [i, i + window) as input and [i + window, i + window + horizon) as
    target. Later windows reach back into earlier parts, which are known by then; targets of two
    parts never overlap, as horizon - 1 samples are left out at each cut.

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
        class_names=_target_names(name, horizon),
        ordered=True,
        purge=horizon - 1,
        data_summary=[
            f"{len(values)} values of '{name}' in time order: {len(cuts)} windows of {window} "
            f"values, each followed by {horizon} to forecast."
        ],
        reader={"kind": "sequence", "columns": [name], "window": window},
    )
