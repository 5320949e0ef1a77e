"""The charts of a sweep's hyperparameters."""

from pathlib import Path

import numpy as np
import pytest

from quintet.report.sweep.board import leaderboard
from quintet.report.sweep.compute import compute
from quintet.report.sweep.history import history
from quintet.report.sweep.hyperparameters import Objective, parallel, slice_of
from quintet.report.sweep.maps import contour
from quintet.report.sweep.scales import parameter, ticks
from quintet.report.sweep.sweep_data import SweepData
from quintet.report.sweep.trade_off import dominated_shares
from quintet.report.sweep.trial_curves import learning
from quintet.study.space import Choice, Interval, Space
from quintet.study.spec import space_fields
from quintet.study.study import Study

SPACE = Space((Interval("model.dropout", 0, 1), Interval("optimizer.momentum", 0, 1)))


def swept(folder: Path, pruned: int) -> SweepData:
    """Return a sweep of ten completed trials of 1.0 in a corner, and pruned ones of 0 beside."""
    made = Study(folder, "max")
    metric = {"name": "accuracy", "mode": "max"}
    made.set_or_check_spec({"metric": metric, "fixed": [], "space": space_fields(SPACE)})
    for number in range(10 + pruned):
        ended = number < 10
        at = (number % 10) / 50
        made.create({"model.dropout": str(at), "optimizer.momentum": str(at)}, SPACE, {})
        made.note(number, epochs=9 if ended else 1, seconds=1.0, value=float(ended))
        made.tell(number, "completed" if ended else "pruned", float(ended))
    return SweepData(made, folder)


def test_a_map_is_of_trials_of_one_length_and_blank_where_there_are_none(tmp_path: Path) -> None:
    found = contour(swept(tmp_path, pruned=10), SPACE.parameters)
    assert found is not None
    surface, dots = found.traces
    values = [each for row in surface["z"] for each in row]
    assert {each for each in values if each is not None} == {1.0}, "not those that were pruned"
    assert surface["z"][0][0] == 1.0
    assert surface["z"][-1][-1] is None
    assert len(dots["x"]) == 20
    assert dots["marker"]["symbol"].count("circle-open") == 10


def test_pruned_trials_alone_make_no_map(tmp_path: Path) -> None:
    sweep = swept(tmp_path, pruned=10)
    for trial in sweep.trials[3:10]:
        trial.state = "pruned"
    assert contour(sweep, SPACE.parameters) is None


def test_the_metric_is_the_last_of_the_parallel_axes(tmp_path: Path) -> None:
    found = parallel(swept(tmp_path, pruned=2), SPACE.parameters)
    assert found.layout["xaxis"]["ticktext"][-1] == "accuracy"
    assert max(x for trace in found.traces for x in trace["x"] if x is not None) == 2


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_diverged_trial_does_not_flatten_the_axis_of_the_metric(mode: str) -> None:
    sign = 1.0 if mode == "max" else -1.0
    values = [*(sign * n / 10 for n in range(20)), sign * -1e6]
    axis = Objective.of(values, mode)
    assert [axis.at(sign * 1.9), axis.at(sign * -1e6)] == [1.0, 0.0]
    assert 0.3 < axis.at(sign * 1.0) < 0.7
    assert axis.ticks["ticktext"][0][0] == ("≤" if mode == "max" else "≥")


def test_equal_values_have_an_axis() -> None:
    axis = Objective.of([0.5, 0.5], "max")
    assert axis.at(0.5) == 1.0


def test_the_first_screen_has_the_history_with_the_winner_marked(tmp_path: Path) -> None:
    sweep = swept(tmp_path, pruned=2)
    assert sweep.winner is not None
    (chart,) = history(sweep)
    (mark,) = [trace for trace in chart.traces if trace["name"] == "winner"]
    assert mark["y"] == [sweep.winner.value]
    ended = [trial.number for trial in sweep.valued]
    assert mark["x"] == [ended.index(sweep.winner.number) + 1]


def test_the_first_screen_shows_the_better_of_the_pruned_trials_as_well(tmp_path: Path) -> None:
    (chart,) = history(swept(tmp_path, pruned=2))
    assert chart.layout["yaxis"]["range"] == [0.9, 1.1], "ten completed ones of 1.0"
    assert "2 worse trials are below the range shown" in chart.caption


def test_every_line_names_its_row_of_the_leaderboard(tmp_path: Path) -> None:
    found = parallel(swept(tmp_path, pruned=2), SPACE.parameters)
    assert [*found.brushes] == ["model.dropout", "optimizer.momentum", "accuracy"]
    for trace in found.traces:
        assert len(trace["meta"]) == len(trace["text"]) == len(trace["x"]) / 4
        named = [text.partition(",")[0] for text in trace["text"]]
        assert named == [f"trial {key}" for key in trace["meta"]]


def test_the_timeline_has_a_bar_for_each_trial_that_ended(tmp_path: Path) -> None:
    _, chart = compute(swept(tmp_path, pruned=2))
    bars = {trace["name"]: trace["y"] for trace in chart.traces}
    assert [*bars] == ["completed", "pruned"]
    assert len(bars["completed"]) == 30
    assert min(x for trace in chart.traces for x in trace["x"] if x is not None) == 0


def test_what_was_taken_over_is_told_where_it_would_mislead(tmp_path: Path) -> None:
    sweep = swept(tmp_path, pruned=0)
    told = "optimizer.momentum 0.06 → 0.07 in epoch 2"
    sweep.trials[3].notes |= {"sources": [1, 2], "steered": told, "paused_at": 4}
    table, note = leaderboard(sweep)
    shown = table.html()
    assert "completed, took over trial 2" in shown
    assert "steered" not in shown
    assert "those that each run began with" in note.html()
    assert "including the time for which it was paused" in compute(sweep)[1].html()
    sweep.curves[0] = {1: 0.5, 2: 1.0}
    assert "A curve jumps where a trial took over" in learning(sweep)[0].html()


@pytest.mark.parametrize(
    ("names", "angle"), [(("sgd", "adam"), None), (("one_cycle", "cosine", "exponential"), -25)]
)
def test_long_labels_slant_towards_the_chart(
    tmp_path: Path, names: tuple[str, ...], angle: int | None
) -> None:
    chart = slice_of(swept(tmp_path, pruned=0), Choice("scheduler", names))
    assert chart.layout["xaxis"].get("tickangle") == angle


def test_the_dominated_volume_rises_only_with_the_front() -> None:
    points = np.array([[0.5, 0.5], [0.6, 0.6], [0.0, 0.9], [0.25, 0.25]])
    assert dominated_shares(points) == [0.25, 0.25, 0.3, 0.5875]


def test_numbers_stand_on_an_axis_by_size_and_names_as_they_were_typed() -> None:
    rates, names = ("0.01", "1e-4", "1e30"), ("relu", "gelu")
    space = Space((Choice("optimizer.lr", rates), Choice("model.activation", names)))
    found = parameter(space, "optimizer.lr"), parameter(space, "model.activation")
    assert [p.values for p in found if isinstance(p, Choice)] == [("1e-4", "0.01", "1e30"), names]


@pytest.mark.parametrize(
    ("p", "named"),
    [
        (Interval("lr", 0.001, 0.05, "log"), ["0.001", "0.003", "0.01", "0.03"]),
        (Interval("lr", 0.002, 0.008, "log"), ["0.002", "0.004", "0.006", "0.008"]),
        (Interval("width", 16, 128, "log", integer=True), ["16", "32", "64", "128"]),
    ],
)
def test_a_logarithmic_axis_names_the_numbers_that_people_would(
    p: Interval, named: list[str]
) -> None:
    assert ticks(p)["ticktext"] == named
