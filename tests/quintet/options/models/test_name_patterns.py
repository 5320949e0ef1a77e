"""Patterns of parameter names: what they match, and that none takes forever."""

import pytest

from quintet.base.errors import Code
from quintet.options.models import name_patterns
from quintet.options.models.name_patterns import LONGEST, matches
from refusals import Refusal

NAMES = ("hidden.0.weight", "hidden.0.bias", "head.weight", "a" * 60)


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("hidden", 2),
        ("hidden.0.bias", 1),
        ("*.weight", 2),
        (r"hidden\.\d\.(weight|bias)", 2),
        ("(hidden|head).*", 3),
        ("(", 0),
        ("(?ifLu)a", 0),
        ("(" * 400 + ")" * 400, 0),
    ],
)
def test_a_pattern_matches_by_name_glob_or_expression(pattern: str, count: int) -> None:
    assert len(matches(NAMES, [pattern], "model.freeze")[pattern]) == count


@pytest.mark.parametrize("pattern", [r"(?:a|aa)+\.b", "(a|a)" * 40 + r"\.b", "a" * (LONGEST + 1)])
def test_an_expression_that_takes_for_ever_is_refused(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_patterns, "SECONDS", 0.1)
    with Refusal(Code.OUT_OF_RANGE, "model.freeze"):
        matches(NAMES, [pattern], "model.freeze")
