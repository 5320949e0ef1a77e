"""Axes and texts of charts."""

import math

import pytest

from quintet.report.html.figure import Figure, log_axis, scale


@pytest.mark.parametrize(
    ("values", "marked"),
    [
        ([0.19, 2.1], ["0.2", "0.5", "1", "2"]),
        ([1e-5, 1e-1], ["1e-5", "0.0001", "0.001", "0.01", "0.1"]),
        ([500, 60_000], ["1,000", "10,000"]),
    ],
)
def test_a_logarithmic_axis_is_marked_with_integers(values, marked):
    made = log_axis("any", values)
    low, high = (10**end for end in made["range"])
    assert low < min(values)
    assert max(values) < high
    shown = dict(zip(made["tickvals"], made["ticktext"], strict=True))
    assert set(marked) <= {text for value, text in shown.items() if low <= value <= high}


def test_a_long_logarithmic_axis_has_few_marks():
    assert len(log_axis("any", [1e-30, 1])["tickvals"]) <= 8


def test_values_close_together_have_a_linear_axis():
    assert "type" not in log_axis("any", [1.2, 1.9])
    assert log_axis("any", [0.01, 0.01])["range"] == pytest.approx([0.009, 0.011])


def test_a_constant_fills_its_axis_and_others_are_left_to_plotly():
    assert scale([0.0003, 0.0003, math.nan])["range"] == pytest.approx([0.00027, 0.00033])
    assert scale([0.0])["range"] == [-1, 1]
    assert scale([1.0, 2.0]) == scale([]) == {}


def test_a_chart_is_described_in_words_too():
    line = {"mode": "lines", "name": "training", "x": [1, 2, 3], "y": [2.3, math.nan, 0.12]}
    dots = {"mode": "markers", "name": "trials", "x": [1], "y": [0.5]}
    told = Figure(
        "Loss", [line, dots, {"type": "heatmap"}], caption="Dotted: training."
    ).alternative
    assert told == (
        "Loss. training: 2 points between 0.12 and 2.3, from 2.3 to 0.12. trials: 0.5. "
        "Dotted: training."
    )
