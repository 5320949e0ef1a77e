"""Infers the format of each column from its cells; what is ambiguous is asked, not guessed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quintet.base.errors import Code, UserError
from quintet.data.parsing import calendar_forms, numerals
from quintet.data.parsing.column_cells import Cells
from quintet.data.parsing.column_format import PAIRS, ColumnFormat
from quintet.data.parsing.rules import FEW, MARKS, Rules

PROBE = 2_000
"""Distinct cells on which a style of numbers is tried before all others."""


MIXED = {"true", "false", "yes", "no", "1", "0", "1.0", "0.0"}
"""Words for yes and no that may occur together in a file merged from several."""


@dataclass(frozen=True)
class Numeral:
    """How a column of numbers is written, as far as its own cells show."""

    style: numerals.Style
    mark: str = ""
    """The mark that may be either a decimal or a thousands mark; "" if there is none."""
    everywhere: bool = True
    """Every number has that mark."""
    whole: bool = False
    """No number has a mark, so the other columns of the file decide which one it would have."""
    unit: str = ""
    """Unit before or after each number."""


def infer_all(
    columns: Sequence[Cells], rules: Rules, separator: str | None = None
) -> list[ColumnFormat]:
    """Return the format of each column.

    Args:
        columns: of one file; a decimal mark that is clear in one decides for the others.
        rules: the user's settings.
        separator: between two cells of the file, None if columns are typed.

    Raises:
        UserError: a column can be read in two ways; names a cell and the key that decides.

    """
    found = [_column(cells, rules) for cells in columns]
    commas = any(_decimal_comma(cells, each) for cells, each in zip(columns, found, strict=True))
    formats = []
    for cells, each in zip(columns, found, strict=True):
        if isinstance(each, Numeral):
            style = each.style
            if each.mark:
                style = _settle(cells, each, rules, separator, commas)
            elif each.whole and commas and not style[1]:
                style = (",", "")
            number = ColumnFormat("number", *style, each.unit, missing=rules.missing_words)
            formats.append(number)
        elif each.type == "number" and cells.values is not None and cells.values.dtype.kind in "iu":
            formats.append(replace(each, decimal="," if commas else "."))
        else:
            formats.append(each)
    return formats


def doubt(cells: Cells, form: ColumnFormat, separator: str | None) -> str:
    """Return a sentence on numbers that may have another meaning than the one inferred.

    Either only convention decides that 1,234 is not a thousand, or 1.1 and 1.10 may be versions.
    """
    if form.type != "number" or form.thousands or cells.codes is None:
        return ""
    words = form.numbers(_known(cells, form.missing)[0])
    if one := numerals.like_versions(words):
        return (
            f"'{cells.name}': '{one}' and '{one}0' are read as one number; if they are labels: "
            f"data.categories=[{cells.name}]."
        )
    if separator in (None, ","):
        return ""
    marked = [word for word in words if form.decimal in word]
    if not marked or not all(numerals.one_group(word, form.decimal) for word in marked):
        return ""
    return (
        f"'{cells.name}': '{marked[0]}' is read as {marked[0].replace(form.decimal, '.')}; "
        f"if it is {marked[0].replace(form.decimal, '')}: data.thousands='{form.decimal}'."
    )


def _decimal_comma(cells: Cells, found: "ColumnFormat | Numeral") -> bool:
    """Return whether a column has decimal commas beyond doubt."""
    if isinstance(found, Numeral):
        return not found.mark and found.style[0] == ","
    typed = cells.values is not None and cells.values.dtype.kind == "f"
    return typed and found.type == "number" and found.decimal == ","


def infer(cells: Cells, rules: Rules | None = None, separator: str | None = None) -> ColumnFormat:
    """Return the format of one column by itself; see `infer_all`."""
    return infer_all([cells], rules or Rules(), separator)[0]


def _column(cells: Cells, rules: Rules) -> ColumnFormat | Numeral:
    missing = rules.missing_words
    if cells.name in rules.text:
        return ColumnFormat("text", missing=rules.missing_categories)
    if cells.name in rules.categories:
        return ColumnFormat("category", missing=rules.missing_categories)
    form = rules.of("date_format", cells.name)
    if form is not None and isinstance(rules.date_format, dict):
        return ColumnFormat("date", form=form, missing=missing)
    category = ColumnFormat("category", missing=rules.missing_categories)
    if cells.codes is None:
        return category if _are_labels(cells, rules) else _typed(cells, missing, form)
    words, counts = _known(cells, missing)
    if not words:
        return ColumnFormat("category", missing=missing)
    if _boolean(words):
        return ColumnFormat("boolean", missing=missing)
    if date := _date(cells.name, words, counts, form, missing):
        return date
    if _are_labels(cells, rules):
        return category
    return (
        _numeral(cells, words, counts, rules) or _amounts(cells, words, counts, rules) or category
    )


def _are_labels(cells: Cells, rules: Rules) -> bool:
    """Return whether a column's digits are labels, unless `data.decimal` makes them numbers."""
    if not numerals.may_be_labels(cells.name) or rules.of("decimal", cells.name) is not None:
        return False
    if cells.values is not None and cells.values.dtype.kind not in "iu":  # typed 1.1 may be 1.10
        return False
    return numerals.are_labels(cells.name, _known(cells.as_words(), rules.missing_words)[0])


def _known(cells: Cells, missing: frozenset[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the words that are not missing values, and how often each occurs."""
    kept = np.array([word.lower() not in missing for word in cells.words], dtype=bool)
    kept &= cells.counts > 0
    return [cells.words[at] for at in np.flatnonzero(kept)], cells.counts[kept]


def _typed(cells: Cells, missing: frozenset[str], form: str | None) -> ColumnFormat | Numeral:
    values = cells.values
    assert values is not None
    if values.dtype.kind == "M":
        return ColumnFormat("date", form=calendar_forms.ISO, missing=missing)
    if (found := calendar_forms.compact(values)) and form in (None, found):
        return ColumnFormat("date", form=found, missing=missing)
    if values.dtype.kind != "f" and _large(values) and _merged(values):
        return ColumnFormat("category", missing=missing)
    return ColumnFormat("number", decimal=cells.decimal, missing=missing)


def _merged(values: NDArray[Any]) -> bool:
    return numerals.merged([str(value) for value in np.unique(values)])


def _large(values: NDArray[Any]) -> bool:
    return len(values) > 0 and max(int(values.max()), -int(values.min())) > numerals.EXACT


def _boolean(words: list[str]) -> bool:
    lower = {word.lower() for word in words} if len(words) < 20 else set()
    pairs = [set(pair) for pair in PAIRS if pair[0] not in ("1", "1.0")]
    if len(lower) < 3:
        return lower in pairs
    return lower <= MIXED and any(pair <= lower for pair in pairs)


def _date(
    name: str,
    words: list[str],
    counts: NDArray[np.int64],
    form: str | None,
    missing: frozenset[str],
) -> ColumnFormat | None:
    """Describe a date column, if one form reads nearly all cells."""
    share, tied = 0.0, [form or ""]
    if form is not None:
        read = ~np.isnat(calendar_forms.parse(words, form))
        share = float(counts[read].sum() / counts.sum())
    if share < 1 - FEW:
        share, tied = calendar_forms.best(words, counts)
    if share < 1 - FEW:
        return None
    if len(tied) > 1:
        raise UserError(
            f"is needed: the dates of '{name}' can be read in {len(tied)} ways ('{words[0]}')",
            code=Code.DATA,
            key="data.date_format",
            allowed=tied,
            hint=f"Give the intended one, such as data.date_format='{tied[0]}'",
        )
    return ColumnFormat("date", form=tied[0], missing=missing)


def _numeral(
    cells: Cells, words: list[str], counts: NDArray[np.int64], rules: Rules
) -> Numeral | None:
    """Find the style of a column of numbers, if one reads nearly all cells."""
    if numerals.is_code(words):
        return None
    styles = _allowed(rules, cells.name)
    probe = np.unique(np.linspace(0, len(words) - 1, min(len(words), PROBE)).astype(int))
    some = [words[at] for at in probe]
    likely = [style for style in styles if numerals.fits(some, style).mean() > 0.2]
    fits = {style: numerals.fits(words, style) for style in likely}
    shares = {style: counts[fit].sum() / counts.sum() for style, fit in fits.items()}
    top = max(shares.values(), default=0.0)
    if top < 1 - FEW and not _two_marks(cells, words, rules):
        return None
    style = next(style for style in likely if shares[style] == top)
    if _only_looks_like_numbers(words, fits[style], style[1]):
        return None
    numbers = [words[at] for at in np.flatnonzero(fits[style])]
    if numerals.merged([numerals.plain(word, style) for word in numbers if len(word) > 15]):
        return None
    whole = not any("." in word or "," in word for word in numbers)
    mark = _ambiguous(numbers, style, styles)
    return Numeral(style, mark, all(mark in word for word in numbers), whole)


def _amounts(
    cells: Cells, words: list[str], counts: NDArray[np.int64], rules: Rules
) -> Numeral | None:
    """Find the style of numbers that all have the same unit, such as % or EUR."""
    some = words[:: max(1, len(words) // PROBE)]
    unit = numerals.unit_of(some)
    if not unit or not numerals.is_unit(some):
        return None
    bare = replace(cells, words=tuple(numerals.without_unit(word, unit) for word in cells.words))
    found = _numeral(bare, [numerals.without_unit(word, unit) for word in words], counts, rules)
    return None if found is None else replace(found, unit=unit)


def _allowed(rules: Rules, name: str) -> list[numerals.Style]:
    """Return the styles that the user's rules allow, the usual ones first."""
    point, grouping = rules.of("decimal", name), rules.of("thousands", name)
    styles = [
        (p, g)
        for p, g in numerals.STYLES
        if point in (None, p) and (grouping is None or grouping == g)
    ]
    if grouping is not None and not styles:
        raise UserError(
            f"is also the decimal mark that data.decimal sets for '{name}'",
            code=Code.CONFLICT,
            key="data.thousands",
            value=grouping,
        )
    return styles


def _only_looks_like_numbers(words: list[str], fit: NDArray[np.bool_], grouping: str) -> bool:
    """Return whether the rest are addresses or versions, or groups of telephone numbers."""
    if any(numerals.PARTS.fullmatch(words[at]) for at in np.flatnonzero(~fit)):
        return True
    return bool(grouping) and numerals.same_build(
        [words[at] for at in np.flatnonzero(fit)], grouping
    )


def _ambiguous(numbers: list[str], style: numerals.Style, styles: list[numerals.Style]) -> str:
    """Return the mark that every number with one has before its last three digits, if any."""
    mark = style[0]
    if style[1] or not any((other, mark) in styles for other in ".," if other != mark):
        return ""
    marked = [word for word in numbers if mark in word]
    return mark if marked and all(numerals.one_group(word, mark) for word in marked) else ""


def _settle(
    cells: Cells, found: Numeral, rules: Rules, separator: str | None, commas: bool
) -> numerals.Style:
    """Decide from the rest of the file whether 1.234 is more than a thousand.

    Decimal commas in other cells of the column decide it. A file separated by commas has no decimal
    commas; one separated by semicolons has them, as spreadsheets write where the comma is the
    decimal mark. If some numbers have no mark at all, those with one may be the thousands of a
    column of integers.
    """
    mark, other = found.mark, {",": ".", ".": ","}[found.mark]
    decimal, thousands = (mark, ""), (other, mark)
    if rules.of("decimal", cells.name) == mark or rules.of("thousands", cells.name) == "":
        return decimal
    if commas:
        return decimal if mark == "," else thousands
    if mark == separator == ",":
        return thousands
    if found.everywhere and separator is not None and (separator == ";") == (mark == ","):
        return decimal
    words = [word for word in cells.words if mark in word]
    raise UserError(
        f"is needed: '{words[0]}' of column '{cells.name}' may be {words[0].replace(mark, '.')} or "
        f"{words[0].replace(mark, '')}, as every number has three digits after its mark",
        code=Code.DATA,
        key="data.decimal",
        allowed=[f"'{mark}'" for mark in MARKS],
        hint=f"Give data.decimal='{mark}' or data.thousands='{mark}'",
    )


def _two_marks(cells: Cells, words: list[str], rules: Rules) -> bool:
    """Return whether the user has set which of two decimal marks in one column is meant.

    Raises:
        UserError: some numbers have a decimal point and others a comma, and neither is set; names
            a row of each.

    """
    point, comma = numerals.fits(words, (".", "")), numerals.fits(words, (",", ""))
    point, comma, either = point & ~comma, comma & ~point, point | comma
    if either.mean() < 1 - FEW or not point.any() or not comma.any():
        return False
    if rules.of("decimal", cells.name) is not None:
        return True
    first = [_first_row(cells, {words[at] for at in np.flatnonzero(only)})
             for only in (point, comma)]  # fmt: skip
    raise UserError(
        f"is needed: column '{cells.name}' has numbers with a decimal point ({first[0]}) and with "
        f"a decimal comma ({first[1]})",
        code=Code.DATA,
        key="data.decimal",
        allowed=[f"'{mark}'" for mark in MARKS],
        hint=f"Write them alike; or give the intended one and data.unreadable=missing, which "
        f"drops the other values; or leave the column out, data.drop={cells.name}",
    )


def _first_row(cells: Cells, words: set[str]) -> str:
    """Return the first cell that is one of several words, and its row."""
    wanted = np.array([word in words for word in cells.words], dtype=bool)
    row = int(np.flatnonzero(cells.spread(wanted, empty=False))[0])
    return f"'{cells.at(row)}' in row {row + 1}"
