"""A sweep's own settings."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from quintet.base.errors import Code, UserError
from quintet.sweep.settings import check, folder
from refusals import Refusal

GIVEN = {
    "n_trials": None,
    "slots": 1,
    "workers": 1,
    "give_up_after": 3,
    "ensemble": None,
    "seed": 0,
    "stack": 1,
    "stop": None,
    "timeout": None,
    "isolation": "fork",
    "look": False,
    "storage": None,
    "warm_start": None,
    "try": None,
}


def config(study=None, place="/logs/sweeps/now", typed=(), **settings):
    chosen = {"runtime": {"choices": {"hydra/launcher": "basic"}}}
    hydra = {"sweep": {"dir": place}, "overrides": {"hydra": list(typed)}, **chosen}
    return OmegaConf.create({"sweeper": GIVEN | settings, "study": study, "hydra": hydra})


@pytest.mark.parametrize("right", [{}, {"n_trials": 5}, {"timeout": 0.5}, {"isolation": "process"}])
def test_settings_that_work_pass(right):
    check(config(**right))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("n_trials", 0),
        ("n_trials", -1),
        ("n_trials", 2.5),
        ("n_trials", "abc"),
        ("slots", 0),
        ("slots", True),
        ("workers", 0),
        ("give_up_after", 0),
        ("seed", -1),
        ("stack", 0),
        ("stop", "soon"),
        ("stack", "many"),
        ("seed", "abc"),
        ("timeout", 0),
        ("timeout", "soon"),
        ("isolation", "thread"),
        ("workers", 3),
        ("look", "maybe"),
        ("storage", 5),
    ],
)
def test_settings_that_leave_nothing_to_run_are_refused(key, value):
    with pytest.raises(UserError) as caught:
        check(config(**{key: value}))
    assert (caught.value.key, caught.value.value) == (f"sweeper.{key}", value)


def test_trials_that_would_all_continue_in_one_run_folder_are_refused():
    with pytest.raises(UserError) as caught:
        check(OmegaConf.create({"sweeper": GIVEN, "resume": "some/run"}))
    assert (caught.value.code, caught.value.key) == (Code.CONFLICT, "resume")


@pytest.mark.parametrize("name", ["first", "größe_3", "lr-0.1+mean", "_x", 2024, "x" * 200])
def test_a_study_is_a_folder_beside_the_others(name):
    assert folder(config(study=name)) == Path("/logs/sweeps", str(name))


@pytest.mark.parametrize(
    "name",
    [
        *("../x", "a/b", "/x", ".", "..", "", " ", ".hidden", "-x", "a b", "a=b", "it's", "a\nb"),
        *("é" * 101, 1e3, True),
    ],
)
def test_a_study_that_is_not_a_folder_name_is_refused(name):
    with pytest.raises(UserError) as caught:
        folder(config(study=name))
    assert (caught.value.key, caught.value.value) == ("study", repr(str(name)))


def test_a_name_that_would_do_is_proposed():
    with Refusal(Code.OUT_OF_RANGE, "study", "'my run'"):
        folder(config(study="my run"))


@pytest.mark.parametrize(("study", "place"), [("first", "/other"), (None, "")])
def test_a_place_that_is_two_or_none_is_refused(study, place):
    with pytest.raises(UserError, match=r"hydra\.sweep\.dir"):
        folder(config(study=study, place=place, typed=[f"hydra.sweep.dir={place}"]))
