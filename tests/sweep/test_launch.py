"""How a trial begins, or goes on."""

import json

import pytest

from quintet.sweep import launch
from quintet.sweep.study import Trial
from quintet.sweep.words import read


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "a b=c" / "0001"
    for name, text in {
        ".hydra/config.yaml": "",
        ".hydra/overrides.yaml": json.dumps(["model.width=8", "seed=1", "test=false"]),
        "checkpoints/last.ckpt": "",
    }.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return place


def test_a_trial_goes_on_in_its_folder_whatever_that_is_called(settled, folder):
    words = launch.overrides(settled("seed=1,2"), Trial(1, "running", None, {"seed": "1"}), folder)
    assert {o.key_or_group: o.value() for o in read(words)}["resume"] == str(folder)


def test_what_another_trial_left_there_is_not_gone_on_with(settled, folder):
    words = launch.overrides(settled("seed=1,2"), Trial(1, "running", None, {"seed": "2"}), folder)
    assert "seed=2" in words
    assert not any(word.startswith("resume=") for word in words)
    assert not (folder / "checkpoints").exists()
