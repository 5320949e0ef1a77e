"""A table that can be sorted by any column and filtered by any word."""

from collections.abc import Sequence
from dataclasses import dataclass

from quintet.page.blocks import copy_button
from quintet.page.text import escape

FILTERED = 10
"""Rows from which on a table has a filter of its own."""


@dataclass(frozen=True)
class Link:
    """A cell that leads somewhere: a path relative to the page."""

    text: str
    to: str


@dataclass(frozen=True)
class Copy:
    """A cell with a button that copies a text, such as a command."""

    text: str
    label: str = "Copy"


@dataclass(frozen=True)
class Number:
    """A cell that shows a rounded number and is sorted by the whole one."""

    value: float
    text: str


Cell = str | int | float | Link | Copy | Number | None


@dataclass(frozen=True)
class Table:
    """Rows of cells under titles.

    Args:
        titles: of the columns, with their units.
        rows: cells; numbers are set flush right, None is an empty cell and sorted last.
        tones: CSS classes of the rows: "best" stands out, "faded" steps back.
        shown: how many rows are there before "show all" is pressed; None for all.

    """

    titles: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    tones: Sequence[str] = ()
    shown: int | None = None

    def html(self) -> str:
        """Return the block as HTML."""
        head = "".join(
            f'<th scope="col"{_class(self._numeric(i))} aria-sort="none">'
            f'<button type="button" class="sort">{escape(title)}</button></th>'
            for i, title in enumerate(self.titles)
        )
        body = "".join(
            f'<tr class="{escape(self._tone(i))}">{"".join(map(_cell, row))}</tr>'
            for i, row in enumerate(self.rows)
        )
        return (
            f'<div class="table" data-shown="{self.shown or ""}">{self._tools()}'
            f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div></div>"
        )

    def _numeric(self, column: int) -> bool:
        return any(isinstance(row[column], int | float | Number) for row in self.rows)

    def _tone(self, row: int) -> str:
        return self.tones[row] if self.tones else ""

    def _tools(self) -> str:
        if len(self.rows) < FILTERED:
            return ""
        return (
            '<div class="tools"><input type="search" placeholder="Filter: words, or -word to '
            'leave out" aria-label="Filter the table"><span class="count" role="status"></span>'
            "</div>"
        )


def _class(numeric: bool) -> str:
    return ' class="number"' if numeric else ""


def _cell(cell: Cell) -> str:
    if cell is None:
        return "<td></td>"
    if isinstance(cell, Link):
        return f'<td><a href="{escape(cell.to)}">{escape(cell.text)}</a></td>'
    if isinstance(cell, Copy):
        return f"<td>{copy_button(cell.text, cell.label)}</td>"
    if isinstance(cell, Number):
        return f'<td class="number" data-sort="{cell.value!r}">{escape(cell.text)}</td>'
    if isinstance(cell, int | float):
        return f'<td class="number" data-sort="{cell!r}">{escape(str(cell))}</td>'
    return f"<td>{escape(cell)}</td>"
