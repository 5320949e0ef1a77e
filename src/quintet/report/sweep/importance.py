"""Measured importance of hyperparameters, compared with the usual one."""

from collections.abc import Mapping

from markupsafe import Markup

from quintet.base.formatting import coarse
from quintet.report.html.blocks import Block, Note, Text
from quintet.report.html.figure import Figure, axis
from quintet.report.html.table import Cell, Number, Table
from quintet.report.sweep.sweep_data import SweepData
from quintet.study.leaderboard import SENSITIVITY

LEVELS = ("low", "medium", "high")


def importance(sweep: SweepData) -> list[Block]:
    """Return the ranking, compared with the usual sensitivity, and their disagreements."""
    shares = sweep.importance
    if not shares:
        return [
            Text(
                "There are too few trials, or too few varied parameters, to rank hyperparameters. "
                "Use sweeper.n_trials=20 or more for a first ranking."
            )
        ]
    return [
        _chart(shares),
        *(Note(text, "warn") for text in disagreements(shares)),
        _table(sweep, shares),
        Text(_method(sweep)),
    ]


def measured(shares: Mapping[str, float]) -> dict[str, str]:
    """Return levels: high is at least twice an even share, low less than half of one."""
    even = 1 / len(shares)
    return {
        key: "high" if share >= 2 * even else "low" if share < even / 2 else "medium"
        for key, share in shares.items()
    }


def disagreements(shares: Mapping[str, float]) -> list[str]:
    """Return a sentence for each parameter whose importance is unusual."""
    sentences = []
    for key, here in measured(shares).items():
        rule = SENSITIVITY.get(key)
        if rule is None or abs(LEVELS.index(rule) - LEVELS.index(here)) < 2:
            continue
        more = "more" if rule == "low" else "less"
        sentences.append(
            f"{key} mattered {more} here ({shares[key]:.0%}: {here}) than usual ({rule})."
            + (
                ""
                if more == "more"
                else " Its range may be too narrow to show an effect, or already good throughout."
            )
        )
    return sentences


def _chart(shares: Mapping[str, float]) -> Figure:
    keys, levels = list(shares)[::-1], measured(shares)
    colors = {"high": "$blue", "medium": "$sky", "low": "$faint"}
    bars = {
        **{"type": "bar", "orientation": "h", "y": keys},
        **{"x": [100 * shares[key] for key in keys], "cliponaxis": False},
        "text": [f"{shares[key]:.0%}{_usually(key)}" for key in keys],
        "textposition": "auto",
        "marker": {"color": [colors[levels[key]] for key in keys]},
        "hovertemplate": Markup("%{y}: %{x:.1f} %<extra></extra>"),
    }
    top = 100 * max(shares.values())
    layout = {
        "xaxis": axis("share of the importance (%)", range=[0, 1.2 * top]),
        "yaxis": {"automargin": True, "ticks": ""},
        "bargap": 0.35,
    }
    caption = "In brackets: how much it matters elsewhere. Strong blue: important here; grey: not."
    return Figure("Measured importance", [bars], layout, caption, 110 + 30 * len(keys))


def _usually(key: str) -> str:
    return f" (usually {SENSITIVITY[key]})" if key in SENSITIVITY else ""


def _table(sweep: SweepData, shares: Mapping[str, float]) -> Table:
    levels = measured(shares)
    rows: list[list[Cell]] = [
        [
            key,
            Number(share, f"{share:.1%}"),
            levels[key],
            SENSITIVITY.get(key, "–"),
            good_range(sweep, key),
        ]
        for key, share in shares.items()
    ]
    caption = "Importance of each parameter"
    return Table(caption, ["parameter", "share", "here", "usual", "best quarter of trials"], rows)


def good_range(sweep: SweepData, key: str) -> str:
    """Return the values of the best quarter of the trials that have the parameter.

    Of many, those of the middle four fifths: an outlier would span the whole range.
    """
    ranked = [t for t in sweep.ranked if t.value is not None and key in t.params]
    values = [t.params[key] for t in ranked[: max(3, len(ranked) // 4)]]
    if not values:
        return "–"
    try:
        numbers = sorted(map(float, values))
    except ValueError:
        counts = {value: values.count(value) for value in values}
        first = sorted(counts, key=lambda value: -counts[value])
        return ", ".join(f"{value} ×{counts[value]}" for value in first[:4])
    tenth = len(numbers) // 10
    return f"{coarse(numbers[tenth])} to {coarse(numbers[-1 - tenth])}"


def _method(sweep: SweepData) -> str:
    left = sorted({key for t in sweep.trials for key in t.params} - set(sweep.importance))
    text = (
        f"Measured over {len(sweep.valued)} trials by PED-ANOVA (Watanabe et al. 2023): how much a "
        "parameter distinguishes the best trials from the others. With few trials, the order of "
        "parameters with similar shares is random."
    )
    return text + (
        f" Not included, as not every trial has them: {', '.join(left)}." if left else ""
    )
