"""The step of a time series: days, weekdays, months, any fixed step, or an irregular one."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

Kind = Literal["rows", "months", "weekdays", "fixed", "irregular"]
Times = NDArray[Any]
"""datetime64[us], or numbers such as years."""
DAY = 86_400_000_000
"""Microseconds."""
UNITS = ((7 * DAY, "week"), (DAY, "day"), (DAY // 24, "hour"), (60_000_000, "minute"),
         (1_000_000, "second"), (1_000, "millisecond"), (1, "microsecond"))  # fmt: skip
LOOSE = 0.05
"""Share of a step by which a row may deviate from the grid."""
MONDAY = np.datetime64("1970-01-05", "D")


@dataclass(frozen=True)
class Step:
    """The distance between two consecutive rows.

    Args:
        kind: calendar months; weekdays, Monday to Friday; a fixed step; an irregular one, whose
            median is `size`; or rows, if there are no times.
        size: months, microseconds, or units of a column of numbers.
        dates: whether times are dates.

    """

    kind: Kind
    size: float = 1
    dates: bool = True

    def jumps(self, times: Times) -> NDArray[np.int64]:
        """Return the number of steps between neighbours of sorted times, (N - 1,).

        1 is the next step, more a gap, 0 less than half a step.
        """
        if self.kind == "rows":
            return np.ones(len(times) - 1, dtype=np.int64)
        if self.kind == "months":
            return np.diff(_months(times)) // int(self.size)
        if self.kind == "weekdays":
            return np.asarray(np.diff(np.busday_count(MONDAY, times.astype("datetime64[D]"))))
        steps = np.rint(np.diff(_numbers(times)) / self.size).astype(np.int64)
        return np.maximum(steps, 1) if self.kind == "irregular" else steps

    def words(self) -> str:
        """Return the step in words."""
        if self.kind == "months":
            years, months = divmod(int(self.size), 12)
            return _plural(years, "year") if not months else _plural(int(self.size), "month")
        if self.kind == "weekdays":
            return "weekday"
        if self.kind == "rows" or not self.dates:
            return f"{self.size:g}"
        size, unit = next((s, u) for s, u in UNITS if self.size >= s)
        return _plural(self.size / size, unit)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Return the step of plain data."""
        return cls(**plain)


ROWS = Step("rows")


def infer(series: list[Times]) -> Step:
    """Infer the common step of several series, each sorted and without duplicates."""
    dates = series[0].dtype.kind == "M"
    gaps = np.concatenate([np.diff(_numbers(times)) for times in series])
    if not len(gaps):
        return ROWS
    every = np.concatenate(series)
    sizes, counts = np.unique(gaps, return_counts=True)
    usual = float(sizes[counts.argmax()])
    if dates and (months := _month_step(series, every, gaps)):
        return Step("months", months)
    if dates and usual == DAY and _only_weekdays(every):
        return Step("weekdays")
    steps = gaps / usual
    on_grid = (np.abs(steps - np.rint(steps)) <= LOOSE) & (np.rint(steps) >= 1)
    if on_grid.all():
        return Step("fixed", usual, dates)
    return Step("irregular", float(np.median(gaps)), dates)


def _numbers(times: Times) -> NDArray[np.float64] | NDArray[np.int64]:
    return times.astype(np.int64) if times.dtype.kind == "M" else times.astype(np.float64)


def _months(times: Times) -> NDArray[np.int64]:
    return times.astype("datetime64[M]").astype(np.int64)


def _month_step(series: list[Times], every: Times, gaps: NDArray[Any]) -> int:
    """Return the step in months of dates on the same, or the last, day of their months; else 0."""
    if gaps.min() < 27 * DAY:
        return 0
    days = every.astype("datetime64[D]")
    day = (days - days.astype("datetime64[M]")).astype(np.int64) + 1
    next_month = (days.astype("datetime64[M]") + 1).astype("datetime64[D]")
    last = (next_month - np.timedelta64(1, "D") - days).astype(np.int64) == 0
    if not ((day == day.max()) | last).all():
        return 0
    months = np.concatenate([np.diff(_months(times)) for times in series])
    sizes, counts = np.unique(months, return_counts=True)
    usual = int(sizes[counts.argmax()])
    return usual if usual and not (months % usual).any() else 0


def _only_weekdays(every: Times) -> bool:
    """Return whether dates skip weekends: none is on one, and they span more than a week."""
    days = np.unique(every.astype("datetime64[D]"))
    return bool(np.is_busday(days).all()) and len(days) > 5


def _plural(count: float, unit: str) -> str:
    return f"1 {unit}" if count == 1 else f"{count:g} {unit}s"
