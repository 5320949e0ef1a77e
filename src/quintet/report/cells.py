"""Table cells shared by several pages."""

from quintet.base.formatting import score
from quintet.report.html.table import Cell, Number


def scored(value: float | None) -> Cell:
    """Return a score as a cell; an empty cell for None."""
    return None if value is None else Number(value, score(value))
