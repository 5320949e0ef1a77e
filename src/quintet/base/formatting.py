"""Numbers, keys and times as text, for the console and pages."""

import math
from datetime import datetime

LARGE, SMALL = 1e15, 1e-4
"""Absolute values between which a number is written without an exponent."""
FINE, MEDIUM, COARSE = 0.001, 10, 1000
"""Absolute values from which four decimals, two decimals and five digits are shown."""


def number(value: float, digits: int = 4) -> str:
    """Return a number with some significant digits, but all digits before the decimal point.

    Examples:
        >>> [number(value) for value in (392143.2, 0.25, 1.23456, 0.0, 0.0000125, 1e30)]
        ['392,143', '0.25', '1.235', '0', '1.25e-5', '1e30']

    """
    if not math.isfinite(value) or abs(value) >= LARGE:
        return f"{value:.{digits}g}".replace("e+", "e")
    if (size := abs(value)) == 0:
        return "0"
    if size < SMALL:
        mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
        return f"{_trimmed(mantissa)}e{int(power)}"
    return _trimmed(f"{value:,.{max(0, digits - 1 - math.floor(math.log10(size)))}f}")


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def score(value: float | None) -> str:
    """Return a metric's value: 0.9876, 49.18; five digits of large values, three of tiny ones."""
    if value is None:
        return "–"
    if FINE <= abs(value) < COARSE:
        return f"{value:.{4 if abs(value) < MEDIUM else 2}f}"
    return number(value, 5 if abs(value) >= COARSE else 3)


def change(after: float, before: float) -> str:
    """Return a difference with its sign, as `difference` does.

    Examples:
        >>> change(0.99891, 0.99805), change(31.4, 33), change(2, 2)
        ('+0.0009', '−1.60', '0')

    """
    text = difference(after, before)
    signed = text[0].isdigit() and after != before
    return ("+" if after > before else "−") + text if signed else text


def difference(one: float, other: float) -> str:
    """Return the distance of two values of a metric, as precisely as the less precise is shown.

    Examples:
        >>> difference(0.99891, 0.99805), difference(0.98000004, 0.98)
        ('0.0009', 'less than 0.0001')

    """
    size = abs(one - other)
    texts = score(one), score(other)
    if size == 0 or not math.isfinite(size) or any("e" in text for text in texts):
        return number(size, 2)
    shown = min(len(text.partition(".")[2]) for text in texts)
    least = 10.0**-shown
    return f"{size:,.{shown}f}" if size >= least / 2 else f"less than {least:,.{shown}f}"


def margin(size: float | None, value: float | None) -> str:
    """Return a standard deviation or error, as exactly as the value that it belongs to is shown.

    Examples:
        >>> margin(3.7075, 56.34), margin(0.01, 0.97), margin(0.001, 56.34)
        ('3.71', '0.0100', 'less than 0.01')

    """
    return score(size) if size is None or value is None else difference(value + size, value)


def between(low: float, high: float) -> str:
    """Return an interval, to three significant digits of its width.

    Examples:
        >>> between(0.16622, 0.18319), between(38.988, 58.774), between(0.9, 1)
        ('0.1662 to 0.1832', '39.0 to 58.8', '0.900 to 1.000')

    """
    width = high - low
    if not (math.isfinite(width) and FINE <= width < COARSE):
        return f"{score(low)} to {score(high)}"
    decimals = max(0, min(4, 2 - math.floor(math.log10(width))))
    return f"{low:,.{decimals}f} to {high:,.{decimals}f}"


def plural(count: int, what: str) -> str:
    """Return a count with its noun: 1 trial, 2 trials."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def short(key: str) -> str:
    """Return the last part of a key: lr for optimizer.lr."""
    return key.rpartition(".")[2]


def rounded(value: str | float | None) -> str:
    """Return a value of a hyperparameter to four digits, in a form that can be typed."""
    if value is None:
        return ""
    try:
        return number(float(value)).replace(",", "")
    except ValueError:
        return str(value)


def coarse(value: float) -> str:
    """Return a number to two digits, for the bounds of a range.

    Examples:
        >>> [coarse(value) for value in (0.05184, 1.001e-5, 256, 1234)]
        ['0.052', '1e-5', '256', '1,234']

    """
    return number(value, 2)


def duration(seconds: float) -> str:
    """Return a time span in a suitable unit."""
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
