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

    """

    title: str
    traces: Sequence[Trace]
    layout: Mapping[str, Any] = field(default_factory=dict)
    caption: str = ""
    height: int = 380
    width: int = 0

    @property
    def given(self) -> dict[str, Any]:
        """The input of plotly.js, as plain JSON."""
        layout = {**self.layout, "height": self.height}
        return {"data": [_plain(t) for t in self.traces], "layout": _plain(layout)}


def axis(title: str, **more: Any) -> dict[str, Any]:
    """Return an axis with its name and unit."""
    return {"title": {"text": title}, "automargin": True, **PLAIN_TICKS, **more}


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
