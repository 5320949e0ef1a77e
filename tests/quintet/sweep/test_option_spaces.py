"""A search space takes what it varies from the options' own YAMLs, and names none of them."""

import re

import pytest

from options import CONFIGS, names
from quintet.base.errors import Code
from quintet.sweep import option_spaces
from quintet.sweep.option_spaces import expanded
from refusals import Refusal

MODELS = {
    "big": {
        "fits": ["table", "image"],
        "width": 8,
        "depth": 1,
        "search_space": {
            "width": "interval(8,64)",
            "depth": "range(1,5)",
            "grid": {"width": "8,64", "data.kind": ["table", "image"]},
        },
    },
    "small": {"fits": ["table"], "width": 2, "search_space": {"width": "2,4,8"}},
    "slim": {"fits": ["table"], "width": 2, "search_space": {"width": "2,4,8"}},
    "none": {"fits": ["image"], "search_space": {"grid": {"data.kind": ["image"]}}},
}


@pytest.fixture(autouse=True)
def models(monkeypatch):
    monkeypatch.setattr(option_spaces, "_options", lambda group: MODELS)


def test_each_option_has_the_range_that_it_gives():
    assert expanded({"model.width": "own"})["model.width"] == [
        {"values": "interval(8,64)", "when": {"model": ["big"]}},
        {"values": "2,4,8", "when": {"model": ["small", "slim"]}},
    ]


def test_all_that_the_options_give_can_be_asked_for_at_once():
    assert list(expanded({"model.*": "own"})) == ["model.width", "model.depth"]


def test_a_space_of_a_name_comes_before_the_plain_one():
    first, *rest = expanded({"model.width": ["own.grid", "own"]})["model.width"]
    assert first == {"values": "8,64", "when": {"model": ["big"]}}
    assert rest == expanded({"model.width": "own"})["model.width"]
    assert expanded({"model.width": "own.grid"})["model.width"] == [first]


def test_a_range_of_the_presets_own_is_of_the_options_that_have_the_parameter():
    assert expanded({"model.depth": "1,2"})["model.depth"] == [
        {"values": "1,2", "when": {"model": ["big"]}}
    ]
    stated = {"values": "1,2", "when": {"model": "small"}}
    assert expanded({"model.depth": stated})["model.depth"] == [stated]


def test_families_are_those_that_say_so_on_their_kinds_of_data():
    assert expanded({"model": "own.grid"})["model"] == [
        {"values": "choice(big,none)", "when": {"model": ["big", "none"], "data.kind": "image"}},
        {
            "values": "choice(big)",
            "when": {"model": ["big", "small", "slim"], "data.kind": "table"},
        },
    ]


def test_a_space_that_no_option_has_is_refused():
    with Refusal(Code.UNKNOWN_NAME, "search_space", "gird", allowed=("grid",)):
        expanded({"model.width": "own.gird"})


def test_null_still_switches_a_parameter_off():
    assert expanded({"model.width": None})["model.width"] == [None]


@pytest.mark.parametrize("space", names("search_space"))
def test_no_search_space_names_a_model(space):
    text = (CONFIGS / "search_space" / f"{space}.yaml").read_text()
    families = "|".join([*names("model"), *({*names("module")} - {"mixup"})])  # an augmentation
    assert not re.findall(rf"^[^#]*\b({families})\b", text, re.MULTILINE)


def test_a_teams_model_takes_part_by_existing(settled, monkeypatch):
    monkeypatch.undo()
    plan = settled("sweeper=random", "search_space=architecture", "model=maxout")
    assert [p.key for p in plan.space.parameters] == [
        f"model.{key}" for key in ("width", "depth", "dropout", "pieces")
    ]


def test_a_run_does_not_carry_ranges(tmp_path, train_here):
    train_here(tmp_path, "trainer.max_epochs=1", "trainer.limit_train_batches=1")
    assert "interval(16" not in (tmp_path / "config.yaml").read_text()
