"""A chart: plotly's own JSON, drawn by the plotly.js that the page carries along.

Plain dicts, so that no drawing library is imported to write a page. A string of a figure that opens
with `$` is a colour of the page's style sheet, such as `$ink` or `$orange`, and follows its light
and dark. Plotly reads tags in its texts: in a figure as on the page, a string is shown letter by
letter, and only what is `Markup` may hold tags, such as `Markup("%{y}<extra></extra>")`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape

from quintet.base.secrets import redact
from quintet.report.html.blocks import Block

COLORS = ("$blue", "$orange", "$green", "$pink", "$sky", "$vermilion", "$yellow")
"""Okabe and Ito 2008, "Color universal design": told apart by colour-blind people."""
SCALE = "Cividis"
"""For ordered values: lightness grows along with them (Nuñez et al. 2018)."""

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
        width: the least, in CSS pixels; a narrower screen scrolls the chart.

    """

    title: str
    traces: Sequence[Trace]
    layout: Mapping[str, Any] = field(default_factory=dict)
    caption: str = ""
    height: int = 380
    width: int = 0

    @property
    def given(self) -> dict[str, Any]:
        """What plotly.js is given, as plain JSON."""
        layout = {**self.layout, "height": self.height}
        return {"data": [_plain(t) for t in self.traces], "layout": _plain(layout)}


def axis(title: str, **more: Any) -> dict[str, Any]:
    """Return an axis with its name and unit."""
    return {"title": {"text": title}, "automargin": True, **more}


def _plain(part: Any) -> Any:
    """Return JSON with texts escaped, and null for NaN and infinities, which plotly leaves out."""
    if isinstance(part, str):  # Markup may hold tags, and stays as it is
        return str(part if isinstance(part, Markup) else escape(redact(part)))
    if isinstance(part, float):
        return part if math.isfinite(part) else None
    if isinstance(part, Mapping):
        return {key: _plain(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_plain(value) for value in part]
    return part
