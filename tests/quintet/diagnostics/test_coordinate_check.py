"""The coordinate check tells a scaling that does not depend on the width from one that does."""

from functools import partial

import pytest
from subjects import subject

from quintet.diagnostics.coordinate_check import (
    PLAIN,
    SCALED,
    STEPS,
    Coordinate,
    coordinates,
    exponents,
    judged,
)


def grown(scaling, power):
    return [
        Coordinate(scaling, width, "head", STEPS, width**power) for width in (16, 32, 64, 128, 256)
    ]


def test_an_exponent_is_the_power_of_the_width():
    assert exponents(grown(SCALED, -0.5), SCALED) == {"head": pytest.approx(-0.5)}


@pytest.mark.parametrize(("power", "verdict"), [(0.0, "pass"), (0.5, "warn"), (-0.5, "warn")])
def test_growing_and_vanishing_changes_are_both_found(power, verdict):
    found = judged(grown(SCALED, power) + grown(PLAIN, 1.0))
    assert found.verdict == verdict
    assert bool(found.cure) == (verdict == "warn")


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_one_rate_for_all_grows_where_mup_does_not(optimizer, tmp_path):
    rate = {"adam": 0.003, "sgd": 0.1}[optimizer]
    words = (f"optimizer={optimizer}", f"optimizer.lr={rate}", "init=mup", "init.base_width=64")
    made = subject(tmp_path, *words)
    power = partial(exponents, [*coordinates(made, made.resized)])
    most = {way: max(abs(each) for each in power(way).values()) for way in (SCALED, PLAIN)}
    assert most[SCALED] < 0.25 < most[PLAIN]
