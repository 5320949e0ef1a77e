"""The order of trials with several objectives, compared with Optuna's own sorting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quintet.study.fronts import KEY, crowding, front_of, fronts, note, positions, scalarised
from quintet.study.trial import Trial

OBJECTIVES = {"f1": "max", "parameters": "min"}
POINTS = hnp.arrays(float, st.tuples(st.integers(1, 30), st.integers(1, 3)),
                    elements=st.integers(0, 6).map(float))  # fmt: skip


@given(POINTS)
def test_fronts_are_those_of_pairwise_comparison(points):
    no_worse = (points[:, None] <= points[None]).all(2)
    dominates = no_worse & ~no_worse.T
    found = fronts(points)
    for i, front in enumerate(found):
        above = found[dominates[:, i]]
        assert front == (above.max() + 1 if len(above) else 0)


@given(POINTS)
def test_positions_keep_fronts_apart_and_no_two_points_share_one(points):
    found = positions(points)
    assert np.floor(found).tolist() == fronts(points).tolist()
    assert len({*found.tolist()}) == len(points)


def test_the_ends_of_a_front_come_first_and_the_crowded_last():
    points = np.array([[0.0, 10.0], [1.0, 9.0], [1.5, 8.5], [5.0, 5.0], [10.0, 0.0]])
    assert np.isinf(crowding(points)[[0, 4]]).all()
    assert positions(points).argsort().tolist()[:3] == [0, 4, 3]


def test_a_value_that_is_not_known_is_the_worst():
    assert fronts(np.array([[1.0, np.nan], [1.0, 5.0]])).tolist() == [1, 0]


def trial(number, f1, parameters, state="completed", reports=None):
    values = {"f1": f1, "parameters": parameters}
    notes = {KEY: values} if state != "running" else {}
    for epochs, value in (reports or {}).items():
        notes |= note(epochs, {"f1": value, "parameters": parameters})
    return Trial(number, state, f1, {}, reports or {}, notes)


def test_trials_are_compared_at_their_ends_and_after_as_many_epochs():
    trials = [
        trial(0, 0.9, 100, reports={1: 0.2, 3: 0.9}),
        trial(1, 0.8, 200, reports={1: 0.5, 3: 0.8}),
        trial(2, None, 50, "running", reports={1: 0.1}),
    ]
    seen = scalarised(trials, OBJECTIVES)
    assert seen[0].value < seen[1].value, "better in both"
    assert seen[2].value is None
    assert int(seen[0].reports[3]) == 0
    assert int(seen[1].reports[3]) == 1
    assert {int(t.reports[1]) for t in seen} == {0}, "after one epoch nobody dominates"
    assert trials[0].reports == {1: 0.2, 3: 0.9}, "the trials themselves are left"


def test_pruned_trials_are_compared_with_pruned_ones():
    trials = [trial(0, 0.9, 100), trial(1, 0.95, 50, "pruned"), trial(2, 0.8, 300)]
    assert front_of(trials, OBJECTIVES) == {0: 0, 1: 0, 2: 1}


@pytest.mark.parametrize("count", [0, 1])
def test_few_trials_have_an_order_too(count):
    assert len(scalarised([trial(0, 0.5, 1)][:count], OBJECTIVES)) == count
