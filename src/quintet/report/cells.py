"""Cells that the tables of several pages share."""

from quintet.base.formatting import score
from quintet.report.html.table import Cell, Number


def scored(value: float | None) -> Cell:
    """Return P as a cell; an empty one where there is none."""
    return None if value is None else Number(value, score(value))
