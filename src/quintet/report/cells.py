"""Table cells and texts shared by several pages."""

import math

from quintet.analysis.bootstrap import ConfidenceInterval
from quintet.base.formatting import between, score
from quintet.report.html.table import Cell, Number
from quintet.report.run.run_data import RunData


def scored(value: float | None) -> Cell:
    """Return a score as a cell; an empty cell for None."""
    return None if value is None else Number(value, score(value))


def bounds(found: ConfidenceInterval) -> str:
    """Return an interval as text; a dash if there is none."""
    return "–" if math.isnan(found.low) else between(found.low, found.high)


def reach(run: RunData, split: str) -> str:
    """Return the interval of a run's metric on a split as text, or the number of samples."""
    found, samples = run.interval(split), run.facts.get(f"{split}_size")
    if found is None or math.isnan(found.low):
        return f"{samples:,} samples" if samples else ""
    return f"95 % interval {bounds(found)}"
