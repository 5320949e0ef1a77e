"""Calibration: whether the model's probabilities match observed frequencies."""

from markupsafe import Markup

from quintet.analysis.calibration import BINS, Calibration, calibration
from quintet.artifacts.predictions_file import Predictions
from quintet.report.html.blocks import Block, Note
from quintet.report.html.figure import Figure, Trace, axis
from quintet.report.run.run_data import SPLITS

REMEDY = "Label smoothing, weight decay, averaged weights (callbacks=ema) or an ensemble can help."


def calibration_blocks(answers: Predictions, split: str) -> list[Block]:
    """Return the reliability diagram and the expected calibration error; [] for regression."""
    if (found := calibration(answers)) is None:
        return []
    return [_diagram(found, split, answers.problem.claim), _note(found)]


def _note(found: Calibration) -> Note:
    size = f"Expected calibration error {found.ece:.3f} ({BINS} bins, Guo et al. 2017)"
    chance = (
        f"a perfectly calibrated model reaches up to {found.by_chance:.3f} on this many samples"
    )
    if found.ece <= found.by_chance:
        return Note(f"{size}; {chance}. The probabilities are well calibrated.", "good")
    gap = float((found.confidence - found.share) @ found.count)
    way = "overconfident" if gap > 0 else "underconfident"
    return Note(f"{size}; {chance}. The model is {way}. {REMEDY}", "warn")


def _diagram(found: Calibration, split: str, claim: str) -> Figure:
    size = (8 + 26 * (found.count / found.count.max()) ** 0.5).round(1).tolist()
    ideal: Trace = {"type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, 1]}
    ideal |= {"name": "perfect calibration", "hoverinfo": "skip"}
    ideal |= {"line": {"color": "$soft", "width": 1.2, "dash": "dash"}}
    points: Trace = {
        **{"type": "scatter", "mode": "markers", "name": SPLITS[split]},
        **{"x": found.confidence.round(4).tolist(), "y": found.share.round(4).tolist()},
        "marker": {"size": size, "color": "$blue", "opacity": 0.85},
        "customdata": found.count.tolist(),
        "cliponaxis": False,
        "hovertemplate": Markup(
            "confidence %{x:.1%}, accuracy %{y:.1%} of %{customdata} samples<extra></extra>"
        ),
    }
    layout = {
        "xaxis": axis(claim, range=[-0.03, 1.05], tickformat=".0%"),
        "yaxis": axis("share that is correct", range=[-0.05, 1.08], tickformat=".0%"),
        "legend": {"orientation": "h", "y": -0.22, "x": 0},
    }
    caption = "Below the line: overconfident. Larger points represent more samples."
    return Figure(f"Calibration on {SPLITS[split]} data", [ideal, points], layout, caption, 400)
