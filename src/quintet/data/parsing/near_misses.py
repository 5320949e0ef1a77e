"""Columns of words that look like numbers or dates: why they are not read so, and a remedy."""

import calendar
import re
import unicodedata
import warnings
from collections.abc import Iterable

import numpy as np

from quintet.data.parsing import calendar_forms, numerals
from quintet.data.parsing.column_cells import Cells
from quintet.data.parsing.column_format import FALSE, TRUE

HALF = 0.5
"""Share of a column's cells above which the others are exceptions."""
PROBE = 400
"""Maximum number of distinct words examined."""
DATED = re.compile(r"(?=.*(?<!\d)(?:19|20)\d\d(?!\d))(?=.*(?<!\d)[0-3]?\d(?!\d))\w.*")
"""A year, and a number that may be a day."""
ODD = {
    re.compile(r"-?\d{1,2}(,\d\d)*,\d{3}(\.\d+)?"): (
        "its cells look like amounts in groups of two digits ('{}'): delete the marks, and they "
        "are read as numbers"
    ),
    re.compile(r"\d+(:\d\d){1,2}([.,]\d+)?"): (
        "its cells look like durations ('{}'): write them in one unit, such as seconds, and they "
        "are read as numbers"
    ),
}
"""Formats of numbers that are not read, and what to do."""
LETTERS, MONTHS_AND_DAYS = re.compile(r"[^\W\d_]+"), 19
ENGLISH = {*calendar.month_abbr, *calendar.day_abbr}
DATE_LIKE = re.compile(r".*((?<!\d)(19|20)\d\d(?!\d)|[^\W\d]{3}).*")


def near_miss(cells: Cells, missing: frozenset[str]) -> str:
    """Return what a column of categories may have been intended as, or "" if nothing.

    Args:
        cells: of the column, as words.
        missing: words that mean "no value".

    """
    words = cells.as_words()
    counts = words.counts
    kept = [at for at, w in enumerate(words.words) if counts[at] and w.lower() not in missing]
    if len(kept) < 2:
        return ""
    kept = [kept[at] for at in np.unique(np.linspace(0, len(kept) - 1, PROBE).astype(int))]
    some, weights = [words.words[at] for at in kept], counts[kept]
    if all(map(_is_long, some)):
        return (
            "integers of this many digits are read as labels, as floating point cannot distinguish "
            "them. For amounts, subtract a constant from them"
        )
    if numerals.are_labels(cells.name, some):
        return (
            f"labels by its name, such as '{some[0]}' (as numbers: "
            f"'data.decimal={{{cells.name}: .}}')"
        )
    if unit := numerals.unit_of(some):
        return f"its cells are numbers with '{unit}': delete it, and they are read as numbers"
    for what, read in (("numbers", _numbers(some)), ("dates", _dates(some))):
        share = float(weights[read].sum() / weights.sum())
        if HALF <= share < 1 and not read.all():
            odd = some[int(np.flatnonzero(~read)[weights[~read].argmax()])]
            cure = (
                "write all alike" if re.search(r"\d", odd) else f"no value? data.missing=['{odd}']"
            )
            return f"{share:.0%} of its cells are {what}, but not '{odd}' ({cure})"
    for written, said in ODD.items():
        if all(map(written.fullmatch, some)):
            return said.format(some[0])
    if (said := _yes_and_no(some, weights)) or (said := look_alikes(some)):
        return said
    if _dates_of_another_form(some):
        return (
            f"its cells look like dates ('{some[0]}'), which are written in no usual form, or in "
            f"several: data.date_format={{{cells.name}: ...}}"
        )
    if word := _foreign_word(some):
        return (
            f"its cells look like dates ('{some[0]}') with words that are not read, such as "
            f"'{word}': write them as 2024-12-31"
        )
    return ""


def look_alikes(words: Iterable[str]) -> str:
    """Return a sentence on two words that differ only in case, white space or encoding."""
    seen: dict[str, str] = {}
    for word in words:
        key = " ".join(unicodedata.normalize("NFKC", word).casefold().split())
        if (first := seen.setdefault(key, word)) != word:
            shown = (
                f"{first!a} and {word!a}"
                if first.lower() != word.lower()
                else f"'{first}' and '{word}'"
            )
            return f"{shown} are two values; write them alike if they are one"
    return ""


def _yes_and_no(words: list[str], weights: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> str:
    """Return a sentence on words for yes and no mixed with others, or in several spellings."""
    known = np.array([word.lower() in TRUE | FALSE for word in words], dtype=bool)
    share = float(weights[known].sum() / weights.sum())
    if share < HALF or not any(len(word) > 1 and not word[0].isdigit() for word in words):
        return ""
    if not known.all():
        odd = words[int(np.flatnonzero(~known)[0])]
        return f"{share:.0%} of its cells are yes or no, but not '{odd}'"
    return (
        f"its cells say yes and no in several ways ('{words[0]}', '{words[1]}'): write them alike"
    )


def _is_long(word: str) -> bool:
    number = re.fullmatch(r"[+-]?(\d{16,})(\.0*)?", word)
    return number is not None and int(number[1]) > numerals.EXACT


def _numbers(words: list[str]) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    fits = [numerals.fits(words, style) for style in numerals.STYLES]
    return max(fits, key=lambda fit: int(fit.sum()))


def _dates(words: list[str]) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    _, forms = calendar_forms.best(words, np.ones(len(words), dtype=np.int64))
    if not forms:
        return np.zeros(len(words), dtype=bool)
    return ~np.isnat(calendar_forms.parse(words, forms[0]))


def _foreign_word(words: list[str]) -> str:
    """Return an unknown word in cells with a day, a year and few distinct words: März, CET."""
    if not all(map(DATED.fullmatch, words)):
        return ""
    found = [part for word in words for part in LETTERS.findall(word) if part not in ("T", "Z")]
    if not 0 < len({*found}) <= MONTHS_AND_DAYS:
        return ""
    foreign: list[str] = [part for part in found if part[:3].title() not in ENGLISH]
    return foreign[0] if foreign else str(found[0])


def _dates_of_another_form(words: list[str]) -> bool:
    """Return whether pandas, which guesses cell by cell here, reads several words as dates."""
    import pandas as pd

    some = words[:: max(1, len(words) // 20)]
    if not all(DATE_LIKE.fullmatch(word) and any(map(str.isdigit, word)) for word in some):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        guessed = pd.to_datetime(pd.Series(some), format="mixed", errors="coerce", utc=True)
    return bool(guessed.notna().all())
