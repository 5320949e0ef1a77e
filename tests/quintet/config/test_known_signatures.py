"""What is known of the shipped options' constructors is what their live signatures say."""

import json
import re
import sys

import pytest

from options import template_only
from quintet.base.errors import Code, UserError
from quintet.base.paths import CHECKOUT
from quintet.config import known_signatures as known
from quintet.config.signature import check_arguments, locate

TARGETS = sorted(known.targets())
VALUES = [3, 0.5, "x", True, [1], [0.5, 0.5], ["a", "b"]]


@pytest.fixture(scope="module")
def tool():
    sys.path.insert(0, str(CHECKOUT / "tools"))
    import signatures

    yield signatures
    sys.path.remove(str(CHECKOUT / "tools"))


def test_the_file_is_of_the_installed_libraries():
    assert TARGETS, "made with other versions than these: run `make signatures`"


def canonical(part):
    """Return a description in which the members of a union have one order.

    `typing` caches by equality: which of Union[int, float] and Union[float, int] a process made
    first decides how both are written.
    """
    if isinstance(part, list):
        return sorted(map(canonical, part), key=json.dumps)
    if not isinstance(part, dict):
        return part
    found = {key: canonical(value) for key, value in part.items()}
    if isinstance(text := found.get("type"), str):
        found["type"] = sorted(re.split(r"[^\w.]+", text))
    return found


@pytest.mark.parametrize("target", TARGETS)
def test_a_shipped_signature_is_the_live_one(target, tool):
    live, kept = tool.signature(target), known.targets()[target]
    bounds = ("least", "above", "most", "below")
    parameters = {
        name: {k: v for k, v in each.items() if k not in bounds}
        for name, each in kept["parameters"].items()
    }
    assert canonical(kept | {"parameters": parameters}) == canonical(live), "run `make signatures`"


@template_only
def test_every_shipped_option_is_known_with_its_ranges(tool):
    fresh, kept = json.loads(tool.text(tool.described())), json.loads(known.FILE.read_text("utf-8"))
    assert canonical(fresh) == canonical(kept), "run `make signatures`"


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_known_refuses_what_the_live_signature_refuses(target):
    live = locate(target, "here")
    for name, each in known.parameters(target).items():
        types = {k: v for k, v in each.items() if k in ("type", "accepts")}
        lists = any("list" in kind for kind in each.get("accepts", []) if isinstance(kind, dict))
        for value in VALUES:
            if lists and isinstance(value, str | list):
                continue  # typeguard does not look into an Iterable
            arguments = {name: value}
            both = [
                refused(known.check_values, arguments, {name: types}, "here"),
                refused(check_arguments, live, arguments, "here"),
            ]
            assert both[0] == both[1], f"{target}: {arguments}"


def refused(check, *arguments):
    try:
        check(*arguments)
    except UserError:
        return True
    return False


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"lr": "fast"}, Code.WRONG_TYPE),
        ({"lr": -1}, Code.OUT_OF_RANGE),
        ({"betas": [0.9, 1.0]}, Code.OUT_OF_RANGE),
        ({"betas": [0.9]}, Code.WRONG_TYPE),
    ],
)
def test_an_error_names_key_and_value(values, code):
    ((key, value),) = values.items()
    with pytest.raises(UserError) as caught:
        known.check_values(values, known.parameters("torch.optim.Adam"), "optimizer")
    assert (caught.value.code, caught.value.key) == (code, f"optimizer.{key}")
    assert str(value) in str(caught.value)


def test_a_fact_that_is_not_known_yet_and_a_node_are_let_through():
    takes = known.parameters("torch.nn.HuberLoss")
    known.check_values({"delta": None}, takes, "loss")
    known.check_values({"delta": {"_target_": "math.sqrt"}}, takes, "loss")


def test_nothing_is_known_of_another_version(monkeypatch):
    known.targets.cache_clear()
    monkeypatch.setattr(known, "installed", lambda package: "0.1")
    assert not known.targets()
    monkeypatch.undo()
    known.targets.cache_clear()
