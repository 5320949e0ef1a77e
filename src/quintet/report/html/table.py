"""A table that can be sorted by any column and filtered by text."""

from collections.abc import Sequence
from dataclasses import dataclass

from quintet.report.html.blocks import Block

FILTERED = 10
"""Minimum number of rows for a filter."""


@dataclass(frozen=True)
class Link(Block):
    """A cell with a link: a path relative to the page."""

    text: str
    to: str


@dataclass(frozen=True)
class Copy(Block):
    """A cell with a button that copies text, such as a command."""

    text: str
    label: str = "Copy"


@dataclass(frozen=True)
class Number(Block):
    """A cell that shows a rounded number and is sorted by its exact value."""

    value: float
    text: str


Cell = str | int | float | Link | Copy | Number | None


@dataclass(frozen=True)
class Table(Block):
    """Rows of cells under titles.

    Args:
        caption: what the table is of, for screen readers.
        titles: of the columns, with their units.
        rows: cells; numbers are right-aligned, None is an empty cell and sorted last.
        tones: CSS classes of the rows: "best" is highlighted, "faded" is dimmed.
        shown: rows shown before "show all" is pressed; None for all.
        keys: of the rows, by which the axes of a chart find them; none if it has no such chart.

    """

    caption: str
    titles: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    tones: Sequence[str] = ()
    shown: int | None = None
    keys: Sequence[str] = ()

    @property
    def heads(self) -> list[tuple[str, bool]]:
        """Each title, and whether its column is numeric."""
        return [(title, self._numeric(i)) for i, title in enumerate(self.titles)]

    @property
    def lines(self) -> list[tuple[str, str, Sequence[Cell]]]:
        """Each row with its tone and its key."""
        none = [""] * len(self.rows)
        return [*zip(self.tones or none, self.keys or none, self.rows, strict=True)]

    @property
    def filtered(self) -> bool:
        """Whether the table has a filter."""
        return len(self.rows) >= FILTERED

    def _numeric(self, column: int) -> bool:
        return any(isinstance(row[column], int | float | Number) for row in self.rows)
