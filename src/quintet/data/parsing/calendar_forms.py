"""How dates are written: the usual forms, with or without a time of day."""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quintet.data.parsing.rules import FEW

Moments = NDArray[np.datetime64]
PROBE = 100
"""Sample of numbers that decides whether all others are examined."""
ISO, CLOCK = "ISO8601", "%H:%M"
FORMS = (
    ISO, "%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%Y.%m.%d", "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d", "%y/%m/%d",
    "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%d. %b %Y", "%d. %B %Y", "%b %d, %Y",
    "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%d-%B-%Y", "%d %b %y", "%Y-%b-%d", "%Y %b %d",
    "%a, %d %b %Y", "%A, %d %B %Y", "%A, %B %d, %Y", "%a %b %d %Y", "%d/%b/%Y", "%b-%y", "%b-%Y",
    "%b %Y", "%B %Y", "%m/%Y", "%d.%b.%Y", "%d %b, %Y", "%a %b %d %H:%M:%S %Y",
    "%Y:%m:%d", "%Y_%m_%d", "%d/%b/%Y:%H:%M:%S %z",
    "%Y%m%dT%H%M%S", "%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S",
)  # fmt: skip
"""Formats of dates without the time, which may follow in any usual format."""
COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Formats that are integers, by number of digits."""
ORDINAL, SEPTEMBER = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b"), re.compile(r"\bSept\b")
"""English spellings of days and of a month: 1st, Sept."""
ISO_LIKE = re.compile(r"\d{4}-\d\d?(-\d\d?([T ]\d.*)?)?")
TIME = re.compile(
    r"^(?P<date>.*?)(?:(?:^|[ T,]+)(?P<hour>\d{1,2}):(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d(?:[.,]\d+)?))?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?(?:\s*(?:Z|UTC|GMT|\+00:?00))?)?$"
)


def parse(words: Sequence[str], form: str) -> Moments:
    """Return the words as times (UTC), NaT where a word is not in the format.

    Args:
        words: the cells.
        form: one of `FORMS`, which a time may follow, or any format of `strptime`.

    """
    if form == ISO:
        return _strptime([word if ISO_LIKE.fullmatch(word) else "" for word in words], form)
    if form in COMPACT.values():  # `strptime` takes one digit for two
        return _strptime([word if _shape(form).fullmatch(word) else "" for word in words], form)
    if form != CLOCK and re.search("%[HIpMScXT]", form):
        return _strptime(words, form)
    found = [TIME.match(_usual(word)) for word in words]
    dates = ["" if match is None else match["date"] for match in found]
    times = np.array([_time(match) for match in found], dtype="timedelta64[us]")
    if form == CLOCK:
        days = np.where(np.array([bool(date) for date in dates], dtype=bool), "NaT", "1970-01-01")
        bare = np.array([match is None or match["hour"] is None for match in found], dtype=bool)
        moments: Moments = np.where(bare, np.datetime64("NaT"), days.astype("datetime64[us]"))
    else:
        moments = _strptime(dates, form)
    timed: Moments = moments + times
    return timed


def best(words: Sequence[str], counts: NDArray[np.int64]) -> tuple[float, list[str]]:
    """Return the share of cells that the best format reads, and all formats that read as many.

    Formats that read the same times count once.
    """
    if not any(map(str.isdigit, "".join(words[:20]))):
        return 0.0, []
    probe = [words[at] for at in np.unique(np.linspace(0, len(words) - 1, 40).astype(int))]
    dates = [match["date"] for match in map(TIME.match, map(_usual, probe)) if match]
    likely = [
        form
        for form in (*FORMS, CLOCK)
        if sum(map(bool, map(_shape(form).fullmatch, dates))) >= len(probe) / 2
    ]  # a format that reads 90 % of all cells reads half of any 40
    read = {form: parse(words, form) for form in likely}
    shares = {form: float(counts[~np.isnat(read[form])].sum() / counts.sum()) for form in read}
    top = max(shares.values(), default=0.0)
    tied: list[str] = []
    for form in (form for form in read if shares[form] == top > 0):
        if not any(np.array_equal(read[form], read[other], equal_nan=True) for other in tied):
            tied.append(form)
    return top, tied


@cache
def _shape(form: str) -> re.Pattern[str]:
    """Return a pattern of dates in a format."""
    if form == ISO:
        return re.compile(r"\d{4}-\d\d?(-\d\d?([T ].*)?)?")
    if form == CLOCK:
        return re.compile("")
    parts = {"%Y": r"\d{4}", "%y": r"\d\d", "%d": r"\d\d?", "%m": r"\d\d?", "%b": "[A-Za-z]{3}"}
    parts |= dict.fromkeys(("%H", "%M", "%S"), r"\d\d") | {"%z": r"[+-]\d\d:?\d\d"}
    if form in COMPACT.values():
        parts |= {"%d": r"\d\d", "%m": r"\d\d"}
    return re.compile(re.sub("%.", lambda found: parts.get(found[0], "[A-Za-z]+"), re.escape(form)))


def compact(values: NDArray[Any]) -> str:
    """Return the format in which nearly all of several integers are dates, such as 20240131."""
    some = values[:: max(1, len(values) // PROBE)]
    some = some[~np.isnan(some)]
    for digits, form in COMPACT.items():
        low, high = 1900_01_01 * 10 ** (digits - 8), 2101_00_00 * 10 ** (digits - 8)
        if len(some) < 2 or ((some > low) & (some < high)).mean() < 1 - FEW:
            continue
        known = values[~np.isnan(values)]
        distinct, counts = np.unique(known, return_counts=True)
        dates = ~np.isnat(parse([str(Decimal(value.item())) for value in distinct], form))
        if counts[dates].sum() >= (1 - FEW) * len(known):
            return form
    return ""


def _usual(word: str) -> str:
    """Return a date without the endings of ordinals, and with Sep for Sept."""
    return SEPTEMBER.sub("Sep", ORDINAL.sub("", word))


def _time(match: "re.Match[str] | None") -> np.timedelta64:
    if match is None or match["hour"] is None:
        return np.timedelta64(0, "us")
    hour, minute = int(match["hour"]), int(match["minute"])
    second = float((match["second"] or "0").replace(",", "."))
    half = (match["half"] or "").lower()
    if minute > 59 or second >= 60 or hour > (12 if half else 23) or (half and hour == 0):
        return np.timedelta64("NaT", "us")
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return np.timedelta64(round((hour * 3600 + minute * 60 + second) * 1e6), "us")


def _strptime(words: Sequence[str], form: str) -> Moments:
    import pandas as pd

    column = pd.Series(list(words), dtype=object)
    read = pd.to_datetime(column, format=form, errors="coerce", utc=True).dt.tz_localize(None)
    return np.array(read, dtype="datetime64[us]")
