"""A chart: plotly's own JSON, drawn by the plotly.js that the page carries along.

Plain dicts, so that no drawing library is imported to write a page. A string of a figure that opens
with `$` is a colour of the page's style sheet, such as `$ink` or `$orange`, and follows its light
and dark. Names that a user gave go through `label`, as plotly reads tags in its texts.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quintet.page.text import escape
from quintet.secrets import redacted

COLORS = ("$blue", "$orange", "$green", "$pink", "$sky", "$vermilion", "$yellow")
"""Okabe and Ito 2008, "Color universal design": told apart by colour-blind people."""
SCALE = "Cividis"
"""For ordered values: lightness grows along with them (Nuñez et al. 2018)."""

Trace = dict[str, Any]


@dataclass(frozen=True)
class Figure:
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

    def html(self) -> str:
        """Return the block as HTML."""
        given = {"data": list(self.traces), "layout": {**self.layout, "height": self.height}}
        text = json.dumps(redacted(_finite(given)), separators=(",", ":")).replace("<", "\\u003c")
        caption = f"<figcaption>{escape(self.caption)}</figcaption>" if self.caption else ""
        return (
            f'<figure class="chart"><h3>{escape(self.title)}</h3>'
            f'<div class="scroll"><div class="plot" role="img" aria-label="{escape(self.title)}" '
            f'style="min-height:{self.height}px;min-width:{self.width}px"></div></div>'
            f'<script type="application/json">{text}</script>{caption}</figure>'
        )


def axis(title: str, **more: Any) -> dict[str, Any]:
    """Return an axis with its name and unit."""
    return {"title": {"text": label(title)}, "automargin": True, **more}


def label(text: object) -> str:
    """Return a text as plotly shows it letter by letter."""
    return escape(str(text), quote=False)


def _finite(part: Any) -> Any:
    """Return JSON without NaN and infinities, which a chart leaves out."""
    if isinstance(part, float):
        return part if math.isfinite(part) else None
    if isinstance(part, Mapping):
        return {key: _finite(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_finite(value) for value in part]
    return part
