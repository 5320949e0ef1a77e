"""Numbers, keys and times as text, for the console and pages."""

from datetime import datetime


def score(value: float | None) -> str:
    """Return a metric's value: four decimals, or five digits of a large number."""
    if value is None:
        return "–"
    return f"{value:.4f}" if abs(value) < 100 else f"{value:.5g}"


def change(value: float) -> str:
    """Return a difference with its sign."""
    return ("+" if value >= 0 else "−") + score(abs(value))


def plural(count: int, what: str) -> str:
    """Return a count with its noun: 1 trial, 2 trials."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def short(key: str) -> str:
    """Return the last part of a key: lr of optimizer.lr."""
    return key.rpartition(".")[2]


def rounded(value: str | None) -> str:
    """Return a value of a hyperparameter to four digits."""
    try:
        return f"{float(value or ''):.4g}"
    except ValueError:
        return value or ""


def duration(seconds: float) -> str:
    """Return a time span in the unit that suits it."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def moment(time: datetime | None) -> str:
    """Return a date and time to the minute."""
    return "–" if time is None else f"{time:%Y-%m-%d %H:%M}"


def listed(names: list[str]) -> str:
    """Return names joined for a sentence: a, b and c."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
