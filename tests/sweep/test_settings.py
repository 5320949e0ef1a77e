"""A sweep's own settings."""

import pytest
from omegaconf import OmegaConf

from quintet.errors import UserError
from quintet.sweep.settings import check

GIVEN = {
    "n_trials": None,
    "slots": 1,
    "workers": 1,
    "give_up_after": 3,
    "ensemble": None,
    "seed": 0,
    "timeout": None,
    "isolation": "fork",
}


@pytest.mark.parametrize("right", [{}, {"n_trials": 5}, {"timeout": 0.5}, {"isolation": "process"}])
def test_settings_that_work_pass(right):
    check(OmegaConf.create({"sweeper": {**GIVEN, **right}}))


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
        ("seed", "abc"),
        ("timeout", 0),
        ("timeout", "soon"),
        ("isolation", "thread"),
    ],
)
def test_settings_that_leave_nothing_to_run_are_refused(key, value):
    with pytest.raises(UserError, match=f"sweeper.{key}={value}"):
        check(OmegaConf.create({"sweeper": {**GIVEN, key: value}}))


def test_trials_that_would_all_go_on_in_one_run_folder_are_refused():
    with pytest.raises(UserError, match="resume=some/run goes on with one run"):
        check(OmegaConf.create({"sweeper": GIVEN, "resume": "some/run"}))
