"""A chart: plotly JSON, drawn by the plotly.js embedded in the page.

Plain dicts, so that writing a page imports no plotting library. Strings in a figure that start
with `$` are colours of the page's style sheet, such as `$ink` or `$orange`, and follow its light
and dark mode. Plotly interprets tags in texts: plain strings are escaped, and only `Markup` may
contain tags, such as `Markup("%{y}<extra></extra>")`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape

from quintet.base.formatting import number
from quintet.base.secrets import redact
from quintet.report.html.blocks import Block

COLORS = ("$blue", "$orange", "$green", "$pink", "$sky", "$vermilion", "$yellow")
"""Okabe and Ito 2008, "Color universal design": distinguishable by colour-blind readers."""
SCALE = "Cividis"
"""For ordered values: lightness increases with them (Nuñez et al. 2018)."""

PLAIN_TICKS = {"exponentformat": "none", "separatethousands": True}
"""Ticks as people write them: 400,000 instead of 0.4M or 4e+5."""
DIGITS = ",.6~r"
"""How a hover text shows a number, as in `%{y:,.6~r}`: six digits, no exponent, 392,100."""

CLOSE = 5
"""Ratio of the largest to the smallest value below which an axis is linear."""
FEW_DECADES, MOST_MARKS = 2, 6
"""Decades of a logarithmic axis up to which 2 and 5 are marked too; most powers of ten marked."""

Trace = dict[str, Any]


@dataclass(frozen=True)
class Figure(Block):
    """A chart with a title and a caption.

    Args:
        title: what is shown.
        traces: plotly.js traces.
        layout: plotly.js layout; the page adds fonts, colours and margins.
        caption: how to read it.
        height: CSS pixels.
        width: minimum, in CSS pixels; the chart scrolls on narrower screens.
        brushes: vertical axes at x = 0, 1, ... by name, whose ends can be moved to leave lines out,
            each with its lowest position; the highest is 1. Every trace is then of lines through
            all axes, with `meta`, the keys of their rows in tables, and one text a line.

    """

    title: str
    traces: Sequence[Trace]
    layout: Mapping[str, Any] = field(default_factory=dict)
    caption: str = ""
    height: int = 380
    width: int = 0
    brushes: Mapping[str, float] = field(default_factory=dict)

    @property
    def alternative(self) -> str:
        """The chart as text: its title, and the start, end and range of each named trace."""
        told = filter(None, map(_told, self.traces))
        return redact(". ".join([self.title, *told, self.caption]).rstrip(". ") + ".")

    @property
    def given(self) -> dict[str, Any]:
        """The input of plotly.js, as plain JSON."""
        layout = {**self.layout, "height": self.height}
        return {"data": [_plain(t) for t in self.traces], "layout": _plain(layout)}


def axis(title: str, **more: Any) -> dict[str, Any]:
    """Return an axis with its name and unit."""
    return {"title": {"text": title}, "automargin": True, **PLAIN_TICKS, **more}


def counting(most: float) -> dict[str, Any]:
    """Return a tick at every integer up to `most`, as far as there is room."""
    return {"dtick": 1} if most <= 10 else {}


def log_axis(title: str, values: Sequence[float], **more: Any) -> dict[str, Any]:
    """Return a logarithmic axis for positive values, marked at 1, 2 and 5 or at powers of ten.

    A linear one of values close together: between two marks a logarithm is hard to read. Values
    without a logarithm are left out.
    """
    known = [v for v in values if 0 < v < math.inf]
    if not known or max(known) < CLOSE * min(known):
        return axis(title, **scale(known), **more)
    low, high = math.log10(min(known)), math.log10(max(known))
    room = 0.06 * (high - low)
    low, high = low - room, high + room
    decades = range(math.floor(low), math.ceil(high) + 1)
    steps = (1, 2, 5) if high - low < FEW_DECADES else (1,)
    every = max(1, math.ceil((high - low) / MOST_MARKS))
    marks = [step * 10.0**power for power in decades[::every] for step in steps]
    marked = {"tickvals": marks, "ticktext": [number(mark) for mark in marks]}
    return axis(title, type="log", range=[low, high], **marked, **more)


def scale(values: Sequence[float]) -> dict[str, Any]:
    """Return a range around values that are all equal, for which plotly takes one unit; else {}."""
    known = {v for v in values if math.isfinite(v)}
    if len(known) != 1:
        return {}
    (value,) = known
    room = abs(value) / 10 or 1.0
    return {"range": [value - room, value + room]}


def _told(trace: Trace) -> str:
    """Describe a named trace of numbers; "" for others."""
    name, at = trace.get("name"), "x" if trace.get("orientation") == "h" else "y"
    values = [v for v in trace.get(at) or () if isinstance(v, int | float) and math.isfinite(v)]
    if not name or not values:
        return ""
    if len(values) == 1:
        return f"{name}: {number(values[0])}"
    low, high = number(min(values)), number(max(values))
    course = f", from {number(values[0])} to {number(values[-1])}" if _drawn(trace) else ""
    return f"{name}: {len(values):,} points between {low} and {high}{course}"


def _drawn(trace: Trace) -> bool:
    """Return whether a trace is one line, so that it has a beginning and an end."""
    return "lines" in trace.get("mode", "") and None not in trace["y"]


def _plain(part: Any) -> Any:
    """Return JSON with escaped texts and null for NaN and infinities, which plotly skips."""
    if isinstance(part, str):  # Markup may contain tags and is not escaped
        return str(part if isinstance(part, Markup) else escape(redact(part)))
    if isinstance(part, float):
        return part if math.isfinite(part) else None
    if isinstance(part, Mapping):
        return {key: _plain(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_plain(value) for value in part]
    return part
