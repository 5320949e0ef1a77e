"""Samplers: suggestions depend only on seed, number and history."""

from functools import partial
from importlib.util import find_spec

import pytest
from optuna.samplers import TPESampler
from optuna.trial import TrialState
from parent import loop, plan

from quintet.base.errors import Code
from quintet.study.space import Choice, Interval, Space
from quintet.study.trial import Trial
from quintet.sweep.samplers import QuasiRandom, Random
from quintet.sweep.samplers.coarse_to_fine import CoarseToFine
from quintet.sweep.samplers.genetic import Genetic, cross
from quintet.sweep.samplers.guided import Guided
from quintet.sweep.samplers.hyperopt import Hyperopt
from quintet.sweep.samplers.model_based import CmaEs, GaussianProcess, OptunaSampler, Tpe
from quintet.sweep.samplers.surrogate import MOST, _modelled, expected_improvement
from refusals import Refusal
from usual import every

SPACE = Space(
    (
        Interval("x", 0, 1),
        Interval("lr", 1e-4, 1, "log"),
        Choice("kind", ("a", "b")),
        Interval("own", 1, 9, integer=True, when={"kind": ("b",)}),
    )
)
LEARNERS = [
    Tpe(startup=5),
    GaussianProcess(startup=5),
    Genetic(),
    Genetic(children=1),
    CoarseToFine(),
    Guided(),
    OptunaSampler(partial(TPESampler, n_startup_trials=5)),
]
if find_spec("hyperopt") is not None:
    LEARNERS.append(Hyperopt(startup=5))
SAMPLERS = [Random(), QuasiRandom(), CmaEs(), *LEARNERS]  # CMA-ES draws options at random


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
    assert [t.params for t in stopped] == [t.params for t in whole]
    assert [t.params for t in serial(sampler, 8, seed=4)] != [t.params for t in whole]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
def test_points_are_in_the_space_and_own_exists_only_beside_b(sampler):
    for trial in serial(sampler, 12):
        assert ("own" in trial.params) == (trial.params["kind"] == "b")
        assert all(SPACE[key].contains(value) for key, value in trial.params.items())


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
def test_workers_that_ask_at_a_time_get_different_points(sampler):
    trials = serial(sampler, 6)
    first = sampler.suggest(trials, SPACE, 6, 3, "max")
    running = [*trials, Trial(6, "running", None, first)]
    assert sampler.suggest(running, SPACE, 7, 3, "max") != first


@pytest.mark.parametrize("mode", ["max", "min"])
@pytest.mark.parametrize("sampler", every(4, LEARNERS), ids=lambda s: type(s).__name__)
def test_a_model_finds_the_better_region_in_either_direction(sampler, mode):
    sign = 1 if mode == "max" else -1
    by_chance = [sign * t.value for t in serial(Random(), 100, mode=mode)]
    later = [sign * t.value for t in serial(sampler, 40, mode=mode)[20:]]
    assert sum(later) / len(later) > sum(by_chance) / len(by_chance) + 0.3


def test_failed_trials_teach_a_model_nothing_and_break_nothing():
    trials = [Trial(i, "failed", None, {"x": "0.5", "lr": "0.1", "kind": "a"}) for i in range(12)]
    assert Tpe().suggest(trials, SPACE, 12, 0, "max")


def test_hyperopt_says_how_to_install_it_where_it_is_missing(monkeypatch):
    monkeypatch.setattr("quintet.sweep.samplers.hyperopt.find_spec", lambda name: None)
    with Refusal(Code.UNAVAILABLE, "sweeper", "hyperopt"):
        Hyperopt()


def test_quasi_random_fills_more_evenly_than_chance():
    cells = {int(float(t.params["x"]) * 16) for t in serial(QuasiRandom(), 16)}
    assert len(cells) == 16


def made(number, point, value):
    return Trial(number, "completed", value, {"lr": "0.1", "kind": "a", **point})


def rng(seed=0):
    import numpy as np

    return np.random.default_rng(seed)


def test_parents_are_the_best_so_far():
    trials = [made(i, {"x": "0.5"}, value) for i, value in enumerate([3, 9, 1, 7])]
    assert [t.number for t in Genetic(population=2).select(trials, "max")] == [1, 3]
    assert [t.number for t in Genetic(population=2).select(trials, "min")] == [2, 0]


def test_a_tournament_is_won_by_its_best():
    trials = [made(i, {"x": "0.5"}, -i) for i in range(6)]
    generator = rng()
    genetic = Genetic(tournament=3)
    winners = [genetic.tournament_winner(trials, generator).number for _ in range(400)]
    assert winners.count(0) / 400 == pytest.approx(1 - (5 / 6) ** 3, abs=0.06)


def test_a_child_has_each_gene_from_either_parent():
    mother, father = dict.fromkeys("abcdefgh", 0.0), dict.fromkeys("abcdefgh", 1.0)
    child = cross(mother, father, rng())
    assert set(child.values()) == {0.0, 1.0}


def test_mutation_moves_numbers_a_little_and_one_gene_in_a_child():
    genetic, generator = Genetic(spread=0.1), rng()
    genes = {p.key: 0.5 for p in SPACE.parameters}
    moved = [genetic.mutate(genes, SPACE, generator) for _ in range(500)]
    changes = [sum(child[k] != genes[k] for k in genes) for child in moved]
    assert sum(changes) / len(changes) == pytest.approx(1, abs=0.15)
    assert max(abs(child["x"] - 0.5) for child in moved) < 0.5


def test_a_child_is_something_new():
    space = Space((Choice("kind", ("a", "b", "c", "d")),))
    tried = [Trial(i, "completed", i, {"kind": k}) for i, k in enumerate("abc")]
    points = [Genetic(population=2).suggest(tried, space, 3, s, "max")["kind"] for s in range(30)]
    assert points.count("d") >= 29


def test_coarse_to_fine_narrows_to_where_the_best_was():
    sampler = CoarseToFine(each=10, rounds=3, shrink=0.4)
    trials = serial(sampler, 30)
    places = [[float(t.params["x"]) for t in trials[i : i + 10]] for i in (0, 10, 20)]
    widths = [max(xs) - min(xs) for xs in places]
    assert widths[1] <= 0.4
    assert widths[2] <= 0.16
    best = max(trials[:10], key=lambda t: t.value)
    assert all(abs(x - float(best.params["x"])) <= 0.4 for x in places[1])
    assert all(t.params["kind"] == "b" for t in trials[20:])


def test_one_slot_and_three_try_the_same_random_points(tmp_path):
    space = Space((Interval("x", 0, 1), Interval("y", 1, 100, "log")))
    tried = []
    for slots in (1, 3):
        chosen = plan(tmp_path / str(slots), space, sampler=Random(), fixed=("sleep=0.02",))
        its = loop(chosen, slots=slots, limit=6)
        assert its.run()
        tried.append([t.params for t in its.study.trials()])
    assert tried[0] == tried[1]


def quadratic(number, x, state="completed"):
    value = (x - 0.7) ** 2 if state == "completed" else None
    return Trial(number, state, value, {"x": f"{x}"})


LINE = Space((Interval("x", 0, 1),))


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_model_expects_most_between_the_best_and_nothing_at_the_worst(mode):
    trials = [quadratic(i, x) for i, x in enumerate((0, 0.2, 0.4, 0.6, 0.8, 1))]
    if mode == "max":
        trials = [Trial(t.number, t.state, -t.value, t.params) for t in trials]
    candidates = [{"x": "0.05"}, {"x": "0.7"}, {"x": "0.95"}]
    assert expected_improvement(candidates, trials, LINE, mode).argmax() == 1


def test_the_model_does_not_care_for_the_scale_of_the_metric():
    trials = [quadratic(i, x) for i, x in enumerate((0, 0.2, 0.4, 0.6, 0.8, 1))]
    outlier = [Trial(t.number, t.state, 1e9 * t.value**3, t.params) for t in trials]
    candidates = [{"x": str(x / 20)} for x in range(20)]
    one, other = (expected_improvement(candidates, t, LINE, "min") for t in (trials, outlier))
    assert one == pytest.approx(other)


def test_the_model_expects_nothing_where_a_trial_is_running():
    trials = [quadratic(i, x) for i, x in enumerate((0, 0.4, 0.8, 1))]
    running = [*trials, quadratic(4, 0.6, "running")]
    candidates = [{"x": "0.6"}]
    free = expected_improvement(candidates, trials, LINE, "min")
    assert expected_improvement(candidates, running, LINE, "min") < free / 2


def test_equal_values_leave_the_model_without_a_preference_and_without_an_error():
    trials = [Trial(i, "completed", 1.0, {"x": str(i / 4)}) for i in range(5)]
    assert expected_improvement([{"x": "0.1"}, {"x": "0.6"}], trials, LINE, "min").shape == (2,)


def test_of_many_trials_the_best_and_the_latest_are_modelled():
    trials = [quadratic(i, i / 1000) for i in range(1000)]
    numbers = {t.number for t in _modelled(trials, "min")}
    assert len(numbers) <= MOST
    assert {700, 999} <= numbers


def test_a_model_saves_a_genetic_search_trials():
    def best(children, seed):
        trials = serial(Genetic(children=children), 30, seed=seed, mode="min")
        return min(t.value for t in trials)

    with_model, without = (sum(best(n, s) for s in range(8)) for n in (32, 1))
    assert with_model < without


def test_cma_es_converges_on_a_valley_of_two_numbers():
    space = Space((Interval("a", 0, 1), Interval("b", 1e-3, 1, "log")))
    trials = []
    for number in range(120):
        point = CmaEs().suggest(trials, space, number, 0, "min")
        a, b = (space[key].unit(point[key]) for key in ("a", "b"))
        value = (a - 0.3) ** 2 + 10 * (b - a) ** 2
        trials.append(Trial(number, "completed", value, point))
    assert min(t.value for t in trials[100:]) < 1e-3
    assert sum(t.value for t in trials[100:]) < sum(t.value for t in trials[:20]) / 20


def test_a_sampler_by_its_path_is_given_the_trials_and_a_seed():
    seen = []

    class Own(TPESampler):
        def infer_relative_search_space(self, study, trial):
            seen.append(len(study.get_trials(states=(TrialState.COMPLETE,))))
            return super().infer_relative_search_space(study, trial)

    serial(OptunaSampler(Own), 3)
    assert seen == [0, 1, 2]
