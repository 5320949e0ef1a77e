"""How numbers are written: decimal marks, groups of three digits, and lookalikes."""

import re
from collections.abc import Collection, Sequence
from decimal import Decimal
from functools import cache

import numpy as np
from numpy.typing import NDArray

from quintet.data.parsing.rules import FEW

Style = tuple[str, str]
"""Decimal mark and thousands mark, "" for none."""
STYLES: tuple[Style, ...] = (
    (".", ""), (",", ""), (".", ","), (",", "."),
    (".", " "), (",", " "), (".", "'"), (",", "'"),
)  # fmt: skip
LIKE_A_SPACE = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'", "−": "-"})
"""Other characters for a thousands mark, and the typographic minus sign."""
EXACT = 2**53
"""Integers up to here are exact in float64."""
CODE = re.compile(r"0\d+|\+\d{7,}")
"""Post codes, telephone numbers: digits whose leading zeros or plus sign matter."""
PARTS = re.compile(r"[+-]?\d+([.:/-])\d+(\1\d+)+")
"""Versions, IP addresses, dates, telephone numbers: digits in three or more parts."""
AFFIXED = re.compile(
    r"(?P<sign>[+-]?)(?P<before>[^\w+.,-]*|[A-Z]{3} ?)(?P<number>[+-]?[\d.,' ]*\d[.,]?)"
    r"(?P<after>\D*)"
)
"""A number with its unit; letters before digits make a code."""
CURRENCIES = {"EUR", "USD", "GBP", "CHF", "JPY", "CNY", "INR", "SEK", "NOK", "DKK", "PLN", "CZK",
              "HUF", "RUB", "TRY", "BRL", "MXN", "CAD", "AUD", "NZD", "ZAR", "KRW"}  # fmt: skip
CHANGES = re.compile(r"[-\u2212\u2013~()\[\]{}<>≤≥±^*/]")
"""Signs next to a number that change its value, such as accountants' parentheses."""

NAMED_LABELS = (
    (("version", "release", "firmware"), re.compile(r"\d+\.\d+")),
    (("phone", "telephone", "mobile", "fax"), re.compile(r"\d{7,15}(\.0)?")),
    (("zip", "zipcode", "postcode", "plz"), re.compile(r"\d{4,6}(\.0)?")),
)
"""Words in a column's name, and cells that are then labels: 1.10 is not 1.1, and has no mean."""


@cache
def grammar(style: Style) -> re.Pattern[str]:
    """Return the pattern of a whole cell that is a number in a style."""
    point, grouping = style
    whole = r"\d+"
    if grouping:
        whole = rf"(?:[1-9]\d{{0,2}}(?:{re.escape(grouping)}\d{{3}})+|\d+)"
    point = re.escape(point)
    return re.compile(rf"[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?")


def fits(words: Sequence[str], style: Style) -> NDArray[np.bool_]:
    """Return which words are numbers in a style."""
    match = grammar(style).fullmatch
    return np.array([match(word.translate(LIKE_A_SPACE)) is not None for word in words], dtype=bool)


def parse(words: Sequence[str], style: Style) -> NDArray[np.float64]:
    """Return the words' numbers, correctly rounded to float64; NaN for other words."""
    match = grammar(style).fullmatch
    values = np.full(len(words), np.nan)
    for at, word in enumerate(words):
        if match(word.translate(LIKE_A_SPACE)):
            values[at] = float(plain(word, style))
    return values


def plain(word: str, style: Style) -> str:
    """Return a number in a style as Python writes it."""
    point, grouping = style
    word = word.translate(LIKE_A_SPACE)
    word = word.replace(grouping, "") if grouping else word
    return word.replace(point, ".") if point != "." else word


def unit_of(words: Sequence[str]) -> str:
    """Return the unit before or after the number in nearly all words, such as EUR or %.

    Signs that change a number, such as accountants' parentheses, are not units.
    """
    units = [unit for number, unit in map(_parts, words) if number]
    if len(units) < (1 - FEW) * len(words) or len(set(units)) > 1:
        return ""
    return units[0] if len(units[0]) <= 4 and not CHANGES.search(units[0]) else ""


def is_unit(words: Sequence[str]) -> bool:
    """Return whether a unit is beyond doubt: three letters before a number may make a code."""
    letters = {word.strip()[:3] for word in words if word.strip()[:3].isalpha()}
    return letters <= CURRENCIES


def without_unit(word: str, unit: str) -> str:
    """Return the number in a word that has the unit, else ""."""
    number, found = _parts(word)
    return number if found == unit else ""


def _parts(word: str) -> tuple[str, str]:
    """Return the number and the unit of a word, "" if it has no number."""
    match = AFFIXED.fullmatch(word.translate(LIKE_A_SPACE))
    number = match["sign"] + match["number"].strip() if match else ""
    if match is None or not any(grammar(style).fullmatch(number) for style in STYLES):
        return "", ""
    return number, match["before"].strip() + match["after"].strip()


def one_group(word: str, mark: str) -> bool:
    """Return whether a mark may be either a decimal or a thousands mark: 1,234."""
    return re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}{re.escape(mark)}\d{{3}}", word) is not None


def merged(numbers: Sequence[str]) -> bool:
    """Return whether some of several different integers are equal in float64.

    Args:
        numbers: as `plain` writes them.

    """
    large = {value for word in numbers if len(word) > 15 and _is_large(value := Decimal(word))}
    return len({float(value) for value in large}) < len(large)


def _is_large(value: Decimal) -> bool:
    return abs(value) > EXACT and value == value.to_integral_value()


def is_code(words: Sequence[str]) -> bool:
    """Return whether leading zeros or plus signs show that the words are codes, not numbers."""
    return any(CODE.fullmatch(word) for word in words)


def like_versions(words: Collection[str]) -> str:
    """Return the first of two words such as 1.1 and 1.10 in a column of such numbers only."""
    if not all(re.fullmatch(r"\d{1,3}\.\d{1,2}", word) for word in words):
        return ""
    there = {*words}
    return next((word[:-1] for word in words if re.search(r"\.[1-9]0$", word)
                 and word[:-1] in there), "")  # fmt: skip


def may_be_labels(name: str) -> bool:
    """Return whether a column's name suggests that its digits are labels: version, zip_code."""
    return any(_ends_with(name, words) for words, _ in NAMED_LABELS)


def are_labels(name: str, words: Sequence[str]) -> bool:
    """Return whether a column's name and all of its words indicate labels."""
    return any(
        _ends_with(name, names) and all(map(form.fullmatch, words)) for names, form in NAMED_LABELS
    )


def _ends_with(name: str, words: Sequence[str]) -> bool:
    said = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    while len(said) > 1 and said[-1] in ("code", "number", "no", "nr"):
        said.pop()
    return bool(said) and said[-1] in words


def same_build(words: Sequence[str], grouping: str) -> bool:
    """Return whether all words have as many groups, three or more, all of three digits.

    This is the form of addresses and telephone numbers (612 345 678); amounts vary in length.
    """
    groups = [word.lstrip("+-").split(grouping) for word in words]
    return len({len(each) for each in groups}) == 1 and all(
        len(each) > 2 and len(each[0]) == 3 for each in groups
    )
