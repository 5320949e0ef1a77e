"""Spaces: exact products, honest scales, conditions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.base.errors import Code, UserError
from quintet.study.space import Choice, Interval, Space
from quintet.sweep.samplers import Grid, Random
from refusals import Refusal

RATE = Interval("lr", 1e-5, 1e-1, "log")
MOMENTUM = Interval("momentum", 0.9, 0.999, "reverse_log")
OPTIMIZER = Choice("optimizer", ("adam", "sgd"))
OWNED = Choice("momentum", ("0.5", "0.9"), {"optimizer": ("sgd",)})


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_a_grid_is_the_exact_product_without_repeats(lengths):
    space = Space(tuple(Choice(f"k{i}", tuple(map(str, range(n)))) for i, n in enumerate(lengths)))
    points = [tuple(p.items()) for p in space.product()]
    assert len(points) == len(set(points)) == math.prod(lengths) == Grid().total(space)


def test_the_last_parameter_turns_fastest():
    space = Space((Choice("a", ("1", "2")), Choice("b", ("x", "y"))))
    assert [(p["a"], p["b"]) for p in space.product()] == [
        ("1", "x"), ("1", "y"), ("2", "x"), ("2", "y"),
    ]  # fmt: skip


def test_a_parameter_exists_only_beside_its_owner():
    points = list(Space((OPTIMIZER, OWNED)).product())
    assert points == [
        {"optimizer": "adam"},
        {"optimizer": "sgd", "momentum": "0.5"},
        {"optimizer": "sgd", "momentum": "0.9"},
    ]


def test_an_owner_that_does_not_vary_counts_as_well():
    assert list(Space((OWNED,), {"optimizer": "adam"}).product()) == [{}]
    assert len(list(Space((OWNED,), {"optimizer": "sgd"}).product())) == 2


def test_a_grid_refuses_an_interval():
    with Refusal(Code.CONFLICT, "lr"):
        list(Space((RATE,)).product())


def draws(parameter, count=4000):
    space, random = Space((parameter,)), Random()
    points = (random.suggest([], space, i, 7, "max") for i in range(count))
    return [float(p[parameter.key]) for p in points]


def test_log_fills_each_decade_evenly():
    values = draws(RATE)
    for decade in range(-5, -1):
        share = sum(10.0**decade <= v < 10.0 ** (decade + 1) for v in values) / len(values)
        assert share == pytest.approx(0.25, abs=0.02)


def test_reverse_log_puts_half_above_099():
    values = draws(MOMENTUM)
    assert sum(v > 0.99 for v in values) / len(values) == pytest.approx(0.5, abs=0.02)
    assert min(values) >= 0.9
    assert max(values) <= 0.999


def test_integers_have_equal_shares_ends_included():
    values = draws(Interval("width", 1, 4, integer=True))
    for number in (1, 2, 3, 4):
        assert values.count(number) / len(values) == pytest.approx(0.25, abs=0.03)


PARAMETERS = [
    RATE,
    MOMENTUM,
    Interval("a", -1.5, 2.5),
    Interval("b", 1, 9, integer=True),
    Interval("c", 8, 512, "log", integer=True),
    OPTIMIZER,
    Choice("d", ("1", "2", "4"), ordered=True),
]


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda p: p.key)
@given(unit=st.floats(0, 1))
def test_every_place_has_a_value_that_optuna_takes_and_gives_back(parameter, unit):
    value = parameter.at(unit)
    assert parameter.contains(value)
    kept = parameter.to_optuna(value)
    assert parameter.distribution()._contains(parameter.distribution().to_internal_repr(kept))
    again = parameter.from_optuna(kept)
    assert again == value or float(again) == pytest.approx(float(value), rel=1e-6)
    share = 1 if isinstance(parameter, Choice) or parameter.integer else 1e-3
    assert abs(parameter.unit(value) - unit) <= share


@pytest.mark.parametrize(
    ("low", "high", "scale"), [(1, 1, "linear"), (0, 1, "log"), (0.5, 1, "reverse_log")]
)
def test_a_range_that_is_none_is_refused(low, high, scale):
    with pytest.raises(UserError) as caught:
        Interval("x", low, high, scale)
    assert caught.value.code is Code.OUT_OF_RANGE
