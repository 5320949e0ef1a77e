"""The page of the coordinate check: the change of each layer's outputs over the width."""

from collections.abc import Sequence

from markupsafe import Markup

from quintet.diagnostics.coordinate_check import (
    PLAIN,
    SCALED,
    STEPS,
    Coordinate,
    at_end,
    exponents,
    judged,
)
from quintet.report.html.blocks import Headline, Text
from quintet.report.html.figure import COLORS, Figure, Trace, log_axis
from quintet.report.html.frame import Page

TITLES = {SCALED: "With init=mup", PLAIN: "With one rate for all layers"}


def page(found: Sequence[Coordinate], title: str) -> Page:
    """Return the page.

    Args:
        found: of the coordinate check.
        title: model and data.

    """
    intro = (
        f"Models of several widths are trained for {STEPS} steps on the same samples. Where the "
        "change of a layer's outputs does not depend on the width, the best learning rate of a "
        "narrow model is that of a wide one."
    )
    seen = judged(found).seen
    figures = [_figure(found, scaling) for scaling in TITLES]
    return Page(
        "Coordinate check", title, [Headline(seen[0].upper() + seen[1:]), Text(intro), *figures]
    )


def _figure(found: Sequence[Coordinate], scaling: str) -> Figure:
    last = at_end(found)
    powers = exponents(found, scaling)
    own = [each for each in last if each.scaling == scaling]
    lines = [
        _line([each for each in own if each.layer == layer], power, COLORS[place % len(COLORS)])
        for place, (layer, power) in enumerate(powers.items())
    ]
    widths = sorted({each.width for each in last})
    marks = {"tickvals": widths, "ticktext": [str(width) for width in widths]}
    layout = {
        "xaxis": log_axis("width", widths) | marks,
        "yaxis": log_axis("change of outputs (RMS)", [each.change for each in last]),
        "showlegend": True,
    }
    caption = "The legend gives the power of the width by which the change grows; 0 is flat."
    return Figure(f"{TITLES[scaling]}, after {STEPS} steps", lines, layout, caption)


def _line(points: Sequence[Coordinate], power: float, color: str) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": f"{points[0].layer}: {power:+.2f}",
        "x": [each.width for each in points],
        "y": [each.change for each in points],
        "line": {"color": color},
        "hovertemplate": Markup("width %{x}: %{y:.3g}<extra></extra>"),
    }
