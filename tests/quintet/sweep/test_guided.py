"""`sweeper=guided`: the belief, draws from it, and when it is given up."""

import numpy as np
import pytest

from quintet.base.errors import Code, UserError
from quintet.study import grammar, spec
from quintet.study.space import Choice, Interval, Space
from quintet.study.trial import Trial
from quintet.sweep.option_spaces import expanded
from quintet.sweep.samplers.guided import Guided
from refusals import Refusal

SPACE = Space(
    (Interval("lr", 1e-4, 1, "log"), Choice("kind", ("a", "b", "c")), Interval("x", 0, 1))
)
DEFAULTS = {"lr": "0.01", "kind": "b", "x": "0.9"}


def ended(number, value, **params):
    return Trial(number, "completed", value, {**DEFAULTS, **params})


def drawn(sampler, trials=(), count=300):
    return [sampler.suggest(trials, SPACE, 50, seed, "max") for seed in range(count)]


def test_the_belief_is_the_configs_own_unless_another_is_given():
    told = Guided({"lr": 0.1, "x": {"value": 0.2, "width": 0.05}}).believing(SPACE, DEFAULTS)
    assert told.belief == {
        "lr": (pytest.approx(0.75), 0.2), "kind": (0.5, 0.2), "x": (pytest.approx(0.2), 0.05),
    }  # fmt: skip


def test_a_range_carries_its_own_belief():
    space = Space((Interval("lr", 1e-4, 1, "log", prior="0.1"), Choice("kind", ("a", "b"))))
    told = Guided().believing(space, {"lr": "0.01", "kind": "b"})
    assert told.belief == {"lr": (pytest.approx(0.75), 0.2), "kind": (0.75, 0.2)}
    assert Guided({"lr": 0.01}).believing(space, None).belief["lr"][0] == pytest.approx(0.5)
    kept = {"space": spec.space_fields(space)}
    assert spec.space_from_spec(kept) == space
    assert "prior" not in kept["space"]["kind"]


@pytest.mark.parametrize(("prior", "code"), [(0.003, None), (7, Code.OUT_OF_RANGE)])
def test_a_space_of_ones_own_gives_it(loader, prior, code):
    entry = {"values": "tag(log, interval(1e-4, 1e-1))", "prior": prior}
    if code is not None:
        with Refusal(code, key="search_space: optimizer.lr: prior"):
            grammar.preset(loader, expanded({"optimizer.lr": entry}))
        return
    (found,) = grammar.preset(loader, expanded({"optimizer.lr": entry}))
    assert found.prior == "0.003"


def test_a_belief_that_is_a_boolean_is_read_as_typed():
    space = Space((Choice("nesterov", ("false", "true")),))
    told = Guided({"nesterov": True}).believing(space, {})
    assert space.at({"nesterov": told.belief["nesterov"][0]}) == {"nesterov": "true"}


def test_most_draws_are_near_the_belief_and_some_from_everywhere():
    points = drawn(Guided(width=0.1, uniform=0.3).believing(SPACE, DEFAULTS))
    rates = np.log10([float(p["lr"]) for p in points])
    assert 0.6 < np.mean(np.abs(rates + 2) < 0.8) < 0.9
    assert rates.min() < -3.5 < -0.5 < rates.max()
    kinds = [p["kind"] for p in points]
    assert 0.55 < kinds.count("b") / len(kinds) < 0.85
    assert {*kinds} == {"a", "b", "c"}


def test_without_a_belief_draws_are_uniform_until_there_is_a_best_trial():
    points = drawn(Guided(startup=9))
    assert abs(np.mean([float(p["x"]) for p in points]) - 0.5) < 0.06


def test_a_belief_that_the_best_trials_contradict_is_given_up():
    sampler = Guided(startup=3).believing(SPACE, DEFAULTS)
    wrong = [ended(n, 1.0 - 0.01 * n, lr="0.0002", kind="a", x="0.1") for n in range(3)]
    right = [ended(n, 1.0 - 0.01 * n) for n in range(3)]
    assert sampler.trust(wrong, SPACE) < 0.01
    assert sampler.trust(right, SPACE) == pytest.approx(0.5)
    points = drawn(sampler, wrong)
    assert np.mean([float(p["x"]) < 0.4 for p in points]) > 0.6


def test_what_completed_leads_what_was_pruned():
    trials = [Trial(0, "pruned", 0.9, DEFAULTS), ended(1, 0.5), ended(2, 0.7)]
    sampler = Guided(startup=1, best=1)
    assert sampler.around(trials[2], SPACE)["x"] == (pytest.approx(0.9), 0.1)


@pytest.mark.parametrize(
    ("prior", "code", "key"),
    [
        ({"rate": 0.1}, Code.UNKNOWN_NAME, "sweeper.sampler.prior"),
        ({"lr": 7}, Code.OUT_OF_RANGE, "sweeper.sampler.prior.lr"),
        ({"lr": {"width": 0.1}}, Code.OUT_OF_RANGE, "sweeper.sampler.prior.lr"),
        ({"x": {"value": 0.5, "width": 2}}, Code.OUT_OF_RANGE, "sweeper.sampler.prior.x.width"),
    ],
)
def test_a_belief_outside_the_space_is_refused(prior, code, key):
    with pytest.raises(UserError) as caught:
        Guided(prior).believing(SPACE, DEFAULTS)
    assert (caught.value.code, caught.value.key) == (code, key)


@pytest.mark.parametrize("name", ["width", "uniform", "spread"])
def test_a_share_is_above_0_and_at_most_1(name):
    with Refusal(Code.OUT_OF_RANGE, key=f"sweeper.sampler.{name}"):
        Guided(**{name: 0})


def test_a_sweep_believes_in_its_own_config(settled):
    plan = settled("sweeper=guided", "optimizer.lr=tag(log,interval(1e-4,1e-2))",
                   "model.width=8,128", "sweeper.sampler.prior={model.width:8}")  # fmt: skip
    assert plan.sampler.belief["optimizer.lr"][0] == pytest.approx(0.5)
    assert plan.sampler.belief["model.width"][0] == plan.space["model.width"].unit("8")
