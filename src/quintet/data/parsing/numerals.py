"""How numbers are written: decimal marks, groups of three digits, and what only looks like one."""

import re
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

Style = tuple[str, str]
"""Decimal mark and thousands mark, "" for none."""
STYLES: tuple[Style, ...] = (
    (".", ""), (",", ""), (".", ","), (",", "."),
    (".", " "), (",", " "), (".", "'"), (",", "'"),
)  # fmt: skip
LIKE_A_SPACE = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'", "−": "-"})
"""Other characters for a thousands mark, and the minus sign of typography."""
EXACT = 2**53
"""Whole numbers up to here are what they are in float64."""
CODE = re.compile(r"0\d+|\+\d{7,}")
"""Post codes, telephone numbers: digits whose zeros or plus sign mean something."""
PARTS = re.compile(r"[+-]?\d+([.:/-])\d+(\1\d+)+")
"""Versions, IP addresses, dates, telephone numbers: digits in three or more parts."""

NAMED_LABELS = (
    (("version", "release", "firmware"), re.compile(r"\d+\.\d+")),
    (("phone", "telephone", "mobile", "fax"), re.compile(r"\d{7,15}(\.0)?")),
    (("zip", "zipcode", "postcode", "plz"), re.compile(r"\d{4,6}(\.0)?")),
)
"""Words in a column's name, and cells that then are labels: 1.10 is not 1.1, and has no mean."""


@cache
def grammar(style: Style) -> re.Pattern[str]:
    """Return what a whole cell must match to be a number in a style."""
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
    """Return the words' numbers, exactly rounded to float64; NaN where a word is none."""
    point, grouping = style
    match = grammar(style).fullmatch
    values = np.full(len(words), np.nan)
    for at, written in enumerate(words):
        word = written.translate(LIKE_A_SPACE)
        if match(word):
            plain = word.replace(grouping, "") if grouping else word
            values[at] = float(plain.replace(point, ".") if point != "." else plain)
    return values


def one_group(word: str, mark: str) -> bool:
    """Return whether a mark may as well be a decimal mark as one for thousands: 1,234."""
    return re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}{re.escape(mark)}\d{{3}}", word) is not None


def merged(numbers: Iterable[int]) -> bool:
    """Return whether float64 cannot tell some of several different whole numbers apart."""
    large = {int(number) for number in numbers if not -EXACT <= int(number) <= EXACT}
    return len({float(number) for number in large}) < len(large)


def is_code(words: Sequence[str]) -> bool:
    """Return whether leading zeros or plus signs say that the words are codes, not numbers."""
    return any(CODE.fullmatch(word) for word in words)


def may_be_labels(name: str) -> bool:
    """Return whether a column's name says that its digits may be labels: version, zip_code."""
    return any(_ends_with(name, words) for words, _ in NAMED_LABELS)


def are_labels(name: str, words: Sequence[str]) -> bool:
    """Return whether a column's name and all of its words say that they are labels."""
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

    So look addresses and telephone numbers (612 345 678); amounts differ in their length.
    """
    groups = [word.lstrip("+-").split(grouping) for word in words]
    return len({len(each) for each in groups}) == 1 and all(
        len(each) > 2 and len(each[0]) == 3 for each in groups
    )
