"""Orders the rows of one or several time series: sorted, without duplicates, cut at gaps."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quintet.base.errors import Code, UserError, check_known
from quintet.data.sources.time_steps import ROWS, Step, Times, infer

Gaps = Literal["split", "fill", "refuse"]
MANY = 0.5
"""Share of repeated times above which a file is assumed to hold several series."""
DENSE = 100
"""Maximum number of steps per row if gaps are filled."""


@dataclass
class Track:
    """One series: values at regular steps, NaN if missing."""

    name: str
    values: NDArray[np.float64]
    times: Times
    """Time of each step."""
    known: NDArray[np.bool_]
    """Whether a value is from the file, not filled in."""


@dataclass
class Tracks:
    """All series of a file. A gap ends a track and starts another one."""

    tracks: list[Track]
    step: Step
    series: int
    remarks: list[str] = field(default_factory=list)

    @property
    def longest(self) -> int:
        """Length of the longest track."""
        return max((len(track.values) for track in self.tracks), default=0)


def arranged(
    values: NDArray[np.float64],
    times: Times | None,
    groups: NDArray[Any] | None,
    *,
    sort: bool = True,
    gaps: str = "split",
    step: Step | None = None,
) -> Tracks:
    """Put the rows of a file in order.

    Args:
        values: of each row, NaN where missing.
        times: of each row; None for the order of the rows.
        groups: name of the series of each row; None for a single one.
        sort: False to reject rows that are not in time order.
        gaps: split to end a series at each gap; fill to carry the last value forward; or refuse.
        step: step of the training data; None to infer it.

    Raises:
        UserError: rows out of order or gaps, if these are rejected; several series without a group;
            a different step than in training.

    """
    check_known("data.gaps", gaps, ("split", "fill", "refuse"))
    names = np.zeros(len(values), dtype=np.int64) if groups is None else groups
    remarks: list[str] = []
    members = [(str(name), np.flatnonzero(names == name)) for name in _in_order(names)]
    if groups is not None:
        remarks.append(f"{len(members)} series: {_shown([name for name, _ in members])}.")
    if times is None:
        singles = [(name, values[rows], np.arange(len(rows))) for name, rows in members]
        step = ROWS
    else:
        singles = _sorted(values, times, members, groups is not None, sort, remarks)
        found = infer([moments for _, _, moments in singles])
        if step is not None:
            _check_step(step, found, singles)
        step = step or found
        remarks.append(_step_remark(step))
    tracks = _cut(singles, step, gaps, remarks)
    return Tracks(tracks, step, len(members), remarks)


def _in_order(names: NDArray[Any]) -> list[Any]:
    """Return the distinct names, in order of first occurrence."""
    found, first = np.unique(names, return_index=True)
    return [found[i] for i in np.argsort(first)]


Single = tuple[str, NDArray[np.float64], Times]


def _sorted(
    values: NDArray[np.float64],
    times: Times,
    members: list[tuple[str, NDArray[np.intp]]],
    grouped: bool,
    sort: bool,
    remarks: list[str],
) -> list[Single]:
    """Sort each series by time and merge values at the same time."""
    unknown = np.isnat(times) if times.dtype.kind == "M" else np.isnan(times)
    if unknown.any():
        row = int(np.flatnonzero(unknown)[0])
        raise UserError(
            f"has no date in row {row + 1} ({int(unknown.sum())} such rows)",
            code=Code.DATA,
            key="data.time",
            hint="Fill it in, or leave these rows out of the file",
        )
    found, moved, twice, unequal = [], 0, 0, 0
    example = ""
    for name, rows in members:
        moments = times[rows]
        back = np.flatnonzero(moments[1:] < moments[:-1])
        moved += len(back)
        if len(back) and not sort:
            raise UserError(
                f"Row {int(rows[back[0] + 1]) + 1} is earlier than the one before",
                code=Code.DATA,
                key="data.sort",
                value=False,
                hint="Sort the file, or give data.sort=true",
            )
        order = rows[np.argsort(moments, kind="stable")]
        distinct, which, counts = np.unique(times[order], return_inverse=True, return_counts=True)
        if len(distinct) < len(order):
            _refuse_several(counts, grouped)
            again = counts > 1
            twice += int((counts[again] - 1).sum())
            each, differing = _means(values[order], which, len(distinct))
            unequal += int(differing.sum())
            example = example or str(distinct[np.flatnonzero(again)[0]])
        else:
            each = values[order]
        found.append((name, each, distinct))
    if moved:
        remarks.append("Rows were not in time order: sorted (data.sort=false refuses them).")
    if twice:
        mean = f", the mean for {unequal} with different values" if unequal else ""
        remarks.append(f"{twice} row(s) repeat a time, such as {example}: one value is kept{mean}.")
    return found


def _means(
    values: NDArray[np.float64], which: NDArray[np.intp], count: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the mean of the known values at each time, and where they differ."""
    known = ~np.isnan(values)
    number = np.bincount(which[known], minlength=count)
    shift = float(values[known][0]) if known.any() else 0.0  # for the precision of large values
    total = np.bincount(which[known], weights=values[known] - shift, minlength=count)
    with np.errstate(invalid="ignore"):
        mean = total / number + shift
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, which[known], values[known])
    np.maximum.at(high, which[known], values[known])
    same = low == high
    mean[same] = low[same]
    return mean, high > low


def _refuse_several(counts: NDArray[np.int64], grouped: bool) -> None:
    if not grouped and float((counts > 1).mean()) >= MANY:
        raise UserError(
            f"Most dates occur several times, up to {int(counts.max())}: the file holds several "
            "series",
            code=Code.DATA,
            key="data.group",
            value="null",
            hint="Name the column that identifies the series: data.group=<column>",
        )


def _check_step(step: Step, found: Step, singles: list[Single]) -> None:
    """Reject rows with another step than those of training."""
    jumps = np.concatenate([step.jumps(moments) for _, _, moments in singles])
    if len(jumps) and float((jumps == 1).mean()) < 0.5:
        raise UserError(
            f"The rows are {found.words()} apart, but those of training were {step.words()} apart",
            code=Code.INCOMPATIBLE,
            hint="Give a series with the same step",
        )


def _step_remark(step: Step) -> str:
    if step.kind == "irregular":
        return (
            f"The dates have no regular step (half are at most {step.words()} apart): rows are "
            "neighbours if at most one and a half such steps lie between them."
        )
    return f"Step of the series: {step.words()}."


def _cut(singles: list[Single], step: Step, gaps: str, remarks: list[str]) -> list[Track]:
    """Cut each series at its gaps, or fill them."""
    tracks: list[Track] = []
    missing, holes, example = 0, 0, ""
    for name, values, times in singles:
        empty = np.isnan(values)
        missing += int(empty.sum())
        values, times = values[~empty], times[~empty]
        if not len(values):
            continue
        jumps = step.jumps(times)
        if empty.any() and step.kind == "rows":
            jumps = np.diff(np.flatnonzero(~empty))
        at = np.flatnonzero(jumps != 1)
        holes += len(at)
        if len(at) and not example:
            example = _gap_words(name, times, jumps, int(at[0]), len(singles) > 1, step)
        if gaps == "fill":
            tracks.append(_filled(name, values, times, jumps))
            continue
        edges = [0, *(at + 1).tolist(), len(values)]
        for begin, end in pairwise(edges):
            piece = values[begin:end]
            tracks.append(Track(name, piece, times[begin:end], np.ones(len(piece), dtype=bool)))
    if missing:
        remarks.append(f"{missing} row(s) have no value: each is a gap.")
    if holes and gaps == "refuse":
        raise UserError(
            f"{holes} gap(s), the first {example}",
            code=Code.DATA,
            key="data.gaps",
            value="refuse",
            hint="Fill them, or give data.gaps=split or fill",
        )
    if holes:
        done = (
            "the last value is carried forward, and never a value to forecast (data.gaps=split "
            "leaves such windows out)"
            if gaps == "fill"
            else "no window spans them (data.gaps=fill carries the last value forward)"
        )
        days_off = (
            " If they are holidays, data.time=none treats each row as the next step."
            if step.kind == "weekdays"
            else ""
        )
        remarks.append(f"{holes} gap(s), the first {example}: {done}.{days_off}")
    return tracks


def _gap_words(
    name: str, times: Times, jumps: NDArray[np.int64], at: int, several: bool, step: Step
) -> str:
    where = f" of '{name}'" if several else ""
    if step.kind == "rows":
        return f"after row {int(times[at]) + 1}{where}"
    steps = int(jumps[at]) - 1
    return f"after {shown_time(times[at])}{where}, {steps} step(s) long"


def _filled(
    name: str, values: NDArray[np.float64], times: Times, jumps: NDArray[np.int64]
) -> Track:
    """Carry the last value forward over gaps."""
    jumps = np.maximum(jumps, 1)
    at = np.concatenate([[0], np.cumsum(jumps)])
    if at[-1] + 1 > DENSE * len(values):
        raise UserError(
            f"would fill {int(at[-1]) + 1 - len(values)} steps between {len(values)} values",
            code=Code.INCOMPATIBLE,
            key="data.gaps",
            value="fill",
            hint="Give data.gaps=split",
        )
    known = np.zeros(int(at[-1]) + 1, dtype=bool)
    known[at] = True
    source = np.cumsum(known) - 1
    return Track(name, values[source], times[source], known)


def shown_time(moment: Any) -> str:
    """Format a time without its zero parts."""
    text = str(moment)
    if isinstance(moment, np.datetime64):
        return text.split("T00:00:00")[0].removesuffix(".000000")
    return text.removesuffix(".0")


def _shown(names: list[str]) -> str:
    more = f", ... ({len(names)})" if names[8:] else ""
    return ", ".join(names[:8]) + more
