"""The type of a column and the format of its cells, applied to every file alike."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quintet.data.parsing import calendar_forms, numerals
from quintet.data.parsing.column_cells import Cells
from quintet.data.parsing.rules import MISSING

Type = Literal["number", "boolean", "date", "category", "text"]
PAIRS = (("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"), ("on", "off"), ("1", "0"),
         ("1.0", "0.0"), ("ja", "nein"), ("j", "n"), ("wahr", "falsch"), ("oui", "non"),
         ("vrai", "faux"), ("sí", "no"), ("si", "no"), ("verdadero", "falso"), ("sim", "não"),
         ("да", "нет"), ("ja", "nee"), ("ja", "nej"), ("tak", "nie"), ("vero", "falso"),
         ("verdadeiro", "falso"), ("ano", "ne"), ("igen", "nem"), ("evet", "hayır"),
         ("ναι", "όχι"), ("так", "ні"), ("はい", "いいえ"), ("是", "否"))  # fmt: skip
"""Words for yes and no; a yes-no column may mix them, as none of them is ambiguous."""
TRUE, FALSE = ({pair[side] for pair in PAIRS} for side in (0, 1))
GROUPED = {",": "commas", ".": "points", " ": "spaces", "'": "apostrophes"}


@dataclass(frozen=True)
class Parsed:
    """A column's values.

    Args:
        values: (N,) by type: float64 numbers; 1, 0 of a yes-no column; datetime64[us] in UTC;
            float64 numbers of the words of `Cells` for categories and texts. NaN or NaT for
            missing ones.
        bad: rows, from 0, whose cells are not empty but do not fit; their values are missing too.

    """

    values: NDArray[Any]
    bad: NDArray[np.intp]


@dataclass(frozen=True)
class ColumnFormat:
    """The format of a column, plain data that is stored with a run.

    Args:
        type: of the column.
        decimal: mark of numbers.
        thousands: mark between groups of three digits, "" for none.
        unit: unit before or after each number, such as % or EUR.
        form: format of dates as in `strptime`, or ISO8601; any time of day may follow a date.
        missing: words, in lower case, that mean "no value".

    """

    type: Type
    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    form: str = ""
    missing: frozenset[str] = frozenset(MISSING)

    @property
    def style(self) -> numerals.Style:
        """Decimal and thousands mark."""
        return self.decimal, self.thousands

    def parse(self, cells: Cells) -> Parsed:
        """Return the values of a column's cells, and which of them do not fit."""
        if self.type in ("category", "text"):
            return self._category(cells)
        if cells.codes is None:
            return self._typed(cells)
        words = cells.words
        values = self._words(words)
        absent = np.array([word.lower() in self.missing for word in words], dtype=bool)
        absent |= self._mean_nothing(values)
        unread = np.isnat(values) if values.dtype.kind == "M" else np.isnan(values)
        values[absent] = "NaT" if values.dtype.kind == "M" else np.nan
        bad = cells.spread(unread & ~absent, empty=False)
        empty = "NaT" if values.dtype.kind == "M" else np.nan
        return Parsed(cells.spread(values, empty), np.flatnonzero(bad))

    def describe(self) -> str:
        """Describe briefly how cells of the column are written."""
        if self.type == "date":
            return self.form
        if self.type != "number":
            return ""
        point = "decimal comma" if self.decimal == "," else "decimal point"
        unit = f", with '{self.unit}'" if self.unit else ""
        thousands = f", {GROUPED[self.thousands]} for thousands" if self.thousands else ""
        return point + thousands + unit

    def numbers(self, words: Sequence[str]) -> list[str]:
        """Return the numbers in words without their unit, "" where a word lacks it."""
        return [numerals.without_unit(word, self.unit) for word in words] if self.unit else [*words]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return plain | {"missing": sorted(self.missing)}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "ColumnFormat":
        """Return the format described by plain data; other keys are ignored."""
        own = {field.name: plain[field.name] for field in fields(cls) if field.name in plain}
        return cls(**own | {"missing": frozenset(own.get("missing", MISSING))})

    def _typed(self, cells: Cells) -> Parsed:
        """Parse typed values; those of another type are converted to text first."""
        values = cells.values
        assert values is not None
        if self.type == "date" and values.dtype.kind == "M":
            return Parsed(values, np.array([], dtype=np.intp))
        if self.type == "number" and values.dtype.kind in "iuf" and not self.unit:
            known = values.astype(np.float64)
            known[self._mean_nothing(known)] = np.nan
            return Parsed(known, np.array([], dtype=np.intp))
        return self.parse(cells.as_words())

    def _mean_nothing(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which numbers mean "no value", however they are written: -999 and -999.0."""
        numbers = numerals.parse([*self.missing], (".", ""))
        numbers = numbers[~np.isnan(numbers)]
        if self.type != "number" or not len(numbers):
            return np.zeros(len(values), dtype=bool)
        return np.isin(values, numbers)

    def _words(self, words: tuple[str, ...]) -> NDArray[Any]:
        if self.type == "number":
            return numerals.parse(self.numbers(words), self.style)
        if self.type == "date":
            return calendar_forms.parse(words, self.form)
        lower = [word.lower() for word in words]
        known = [1.0 if word in TRUE else 0.0 if word in FALSE else np.nan for word in lower]
        return np.array(known, dtype=np.float64)

    def _category(self, cells: Cells) -> Parsed:
        cells = cells.as_words()
        absent = [word.lower() in self.missing for word in cells.words]
        numbers = np.where(absent, np.nan, np.arange(len(absent), dtype=np.float64))
        return Parsed(cells.spread(numbers, np.nan), np.array([], dtype=np.intp))
