"""User settings for a file and its cells, which replace inference."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from quintet.base.errors import Code, UserError, check_known

Unreadable = Literal["few", "refuse", "missing"]
DASHES = ("-", "--", ".")
MISSING = ("", "na", "n/a", "n.a.", "nan", "-nan", "nat", "null", "(null)", "nil", "none", "?",
           "<na>", "\\n", *DASHES, "#n/a", "#na", "#num!", "#div/0!", "#value!", "#ref!",
           "#name?", "#null!")  # fmt: skip
"""Cells, in lower case, that mean "no value"; `DASHES` do so except among categories."""
FEW = 0.1
"""Largest share of unreadable cells; with more, the column is of another type."""
MARKS = (".", ",")
GROUPING = (",", ".", " ", "'")
BY_NAME = {"space": " ", "apostrophe": "'", "point": ".", "comma": ",", "tab": "\t",
           "semicolon": ";", "bar": "|"}  # fmt: skip


@dataclass(frozen=True)
class Rules:
    """How to read a table's cells; None to infer it.

    Args:
        decimal: the decimal mark, "." or ",", of all columns, or a mapping from columns to marks.
        thousands: the mark between groups of three digits, "" for none, likewise.
        date_format: as of `strptime`, "%d.%m.%Y", likewise.
        missing: the words that mean "no value", in place of the usual ones; empty cells always do.
        unreadable: cells that do not fit their column's format: refuse the file, take them as
            missing, or (few) as missing up to a tenth of a column and refuse more.
        categories: columns whose numbers are names, such as post codes.
        text: columns of free text.

    Raises:
        UserError: an unknown mark or rule.

    """

    decimal: str | Mapping[str, str] | None = None
    thousands: str | Mapping[str, str] | None = None
    date_format: str | Mapping[str, str] | None = None
    missing: str | list[str] | None = None
    unreadable: Unreadable = "few"
    categories: frozenset[str] = frozenset()
    text: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        check_known("data.unreadable", self.unreadable, get_args(Unreadable))
        self._check("decimal", MARKS)
        self._check("thousands", ("", *GROUPING))

    def of(self, key: str, column: str) -> str | None:
        """Return a column's setting of the key decimal, thousands or date_format."""
        given = getattr(self, key)
        if isinstance(given, Mapping):
            given = given.get(column)
        return None if given is None else BY_NAME.get(str(given), str(given))

    @property
    def missing_words(self) -> frozenset[str]:
        """The words, in lower case, that mean "no value"."""
        if self.missing is None:
            return frozenset(MISSING)
        given = [self.missing] if isinstance(self.missing, (str, int, float)) else self.missing
        return frozenset({"", *(str(word).strip().lower() for word in given)})

    @property
    def missing_categories(self) -> frozenset[str]:
        """The same for a column of categories, where a dash may be a category."""
        return self.missing_words - (frozenset(DASHES) if self.missing is None else frozenset())

    def _check(self, key: str, allowed: tuple[str, ...]) -> None:
        given: Any = getattr(self, key)
        for mark in given.values() if isinstance(given, Mapping) else [given]:
            if mark is not None and BY_NAME.get(str(mark), str(mark)) not in allowed:
                raise UserError(
                    "is not a valid mark",
                    code=Code.UNKNOWN_NAME,
                    key=f"data.{key}",
                    value=mark,
                    allowed=[f"'{each}'" for each in allowed],
                )
