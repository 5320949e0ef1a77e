"""A serial sweep ends with the same result wherever kill -9 has ended it: see kills.py."""

import json
import subprocess
import sys

import pytest
from kills import STRATEGIES
from parent import HERE

from usual import usual

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a dying parent is told on Linux")


def kill_at_every(stride, name, folder, *storage):
    """Kill at every so many moments; return what was found, which has nothing wrong in it."""
    command = [sys.executable, str(HERE / "kills.py"), name, str(stride), str(folder), *storage]
    out = subprocess.run(command, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    found = json.loads(out.stdout)
    assert found["kills"] >= sum(found["moments"]) // stride - 1
    assert found["wrong"] == []
    print(name, found)


USUAL = ("asha", "genetic")
"""Strategies of the suite; the others, and more moments of each, are slow tests."""
EVERY = [
    pytest.param(name, stride, marks=[] if (name in USUAL and stride > 59) else pytest.mark.slow)
    for name in STRATEGIES
    for stride in (59, 229)
]


@pytest.mark.parametrize(("name", "stride"), EVERY)
def test_killed_at_any_write_a_sweep_continues_as_it_would_have(tmp_path, name, stride):
    kill_at_every(stride, name, tmp_path)


@pytest.mark.slow
def test_whatever_keeps_the_study(tmp_path):
    kill_at_every(59, "asha", tmp_path, f"sqlite:///{tmp_path}/study.db")


@pytest.mark.parametrize("name", usual(["random", "quasi_random"], "random"))
def test_of_two_sweeps_on_a_study_one_is_killed_and_the_other_continues(tmp_path, name):
    command = [sys.executable, str(HERE / "kills.py"), f"two:{name}", "13", str(tmp_path)]
    out = subprocess.run(command, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    found = json.loads(out.stdout)
    assert found["kills"] >= 3
    assert found["wrong"] == []


@pytest.mark.soak
@pytest.mark.parametrize("name", STRATEGIES)
def test_killed_at_each_write_a_sweep_continues_as_it_would_have(tmp_path, name):
    kill_at_every(1, name, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("name", ["asha", "hyperband", "median"])
def test_killed_at_each_write_to_a_database(tmp_path, name):
    kill_at_every(3, name, tmp_path, f"sqlite:///{tmp_path}/study.db")
