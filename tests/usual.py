"""Which cases of a test run each time; the others are slow."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet


def usual(cases: Iterable[Any], *names: Any) -> list[ParameterSet]:
    """Return cases to parametrize a test by, of which all but those named are slow.

    Args:
        cases: names, each of which is the argument of a test; or arguments by name.
        names: of the cases that run each time.

    """
    if missing := [*{*names} - {*cases}]:
        raise ValueError(f"There is no case {missing}.")
    named = cases.items() if isinstance(cases, Mapping) else ((case, case) for case in cases)
    return [
        pytest.param(value, id=str(name), marks=() if name in names else pytest.mark.slow)
        for name, value in named
    ]


def every(step: int, cases: Iterable[Any]) -> list[ParameterSet]:
    """Return cases to parametrize a test by, of which one in `step` runs each time.

    Args:
        step: of 3, the first, fourth, seventh ... case runs each time.
        cases: the arguments of a test; a tuple of them if there are several.

    """
    params = [case if isinstance(case, ParameterSet) else _param(case) for case in cases]
    return [
        each if i % step == 0 else each._replace(marks=[*each.marks, pytest.mark.slow])
        for i, each in enumerate(params)
    ]


def _param(case: Any) -> ParameterSet:
    return pytest.param(*case) if isinstance(case, tuple) else pytest.param(case)
