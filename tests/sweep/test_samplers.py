"""Samplers: what they suggest depends on seed, number and history alone."""

import pytest

from quintet.sweep.samplers import QuasiRandom, Random
from quintet.sweep.samplers.model_based import GaussianProcess, Tpe
from quintet.sweep.space import Choice, Interval, Space
from quintet.sweep.study import Trial

SPACE = Space(
    (
        Interval("x", 0, 1),
        Interval("lr", 1e-4, 1, "log"),
        Choice("kind", ("a", "b")),
        Interval("own", 1, 9, integer=True, when={"kind": ("b",)}),
    )
)
SAMPLERS = [Random(), QuasiRandom(), Tpe(startup=5), GaussianProcess(startup=5)]


def p(point):
    """Be best at x = 0.7 and kind b."""
    return -abs(float(point["x"]) - 0.7) - (point["kind"] == "a")


def serial(sampler, count, seed=3, mode="max", trials=()):
    trials = list(trials)
    for number in range(len(trials), count):
        point = sampler.suggest(trials, SPACE, number, seed, mode)
        value = p(point) if mode == "max" else -p(point)
        trials.append(Trial(number, "completed", value, point))
    return trials


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
def test_a_seed_reproduces_a_serial_sweep_wherever_it_was_stopped(sampler):
    whole = serial(sampler, 8)
    stopped = serial(sampler, 8, trials=serial(sampler, 6))
    assert [t.point for t in stopped] == [t.point for t in whole]
    assert [t.point for t in serial(sampler, 8, seed=4)] != [t.point for t in whole]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
def test_points_lie_in_the_space_and_own_exists_only_beside_b(sampler):
    for trial in serial(sampler, 12):
        assert ("own" in trial.point) == (trial.point["kind"] == "b")
        assert all(SPACE[key].holds(value) for key, value in trial.point.items())


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
def test_workers_that_ask_at_a_time_get_different_points(sampler):
    trials = serial(sampler, 6)
    first = sampler.suggest(trials, SPACE, 6, 3, "max")
    running = [*trials, Trial(6, "running", None, first)]
    assert sampler.suggest(running, SPACE, 7, 3, "max") != first


@pytest.mark.parametrize("mode", ["max", "min"])
@pytest.mark.parametrize("sampler", SAMPLERS[2:], ids=lambda s: type(s).__name__)
def test_a_model_finds_the_better_region_in_either_direction(sampler, mode):
    sign = 1 if mode == "max" else -1
    by_chance = [sign * t.value for t in serial(Random(), 100, mode=mode)]
    later = [sign * t.value for t in serial(sampler, 40, mode=mode)[20:]]
    assert sum(later) / len(later) > sum(by_chance) / len(by_chance) + 0.3


def test_failed_trials_teach_a_model_nothing_and_break_nothing():
    trials = [Trial(i, "failed", None, {"x": "0.5", "lr": "0.1", "kind": "a"}) for i in range(12)]
    assert Tpe().suggest(trials, SPACE, 12, 0, "max")


def test_quasi_random_fills_more_evenly_than_chance():
    cells = {int(float(t.point["x"]) * 16) for t in serial(QuasiRandom(), 16)}
    assert len(cells) == 16
