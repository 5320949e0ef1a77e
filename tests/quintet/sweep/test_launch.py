"""How a trial starts or continues."""

import json

import pytest

from quintet.base.errors import Code, UserError
from quintet.study.overrides import read
from quintet.study.trial import Trial
from quintet.sweep import launch
from quintet.sweep.pipeline import locked

BEGAN = ["model.width=8", "seed=1", "test=false"]
HYDRA = {"hydra": {"overrides": {"task": BEGAN}, "runtime": {"choices": {}}}}


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "a b=c" / "0001"
    for name, text in {
        ".hydra/config.yaml": json.dumps({"paths": {}}),
        ".hydra/hydra.yaml": json.dumps(HYDRA),
        ".hydra/overrides.yaml": json.dumps(BEGAN),
        "checkpoints/last.ckpt": "",
    }.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return place


def test_a_trial_continues_in_its_folder_whatever_that_is_called(settled, folder):
    words = launch.overrides(settled("seed=1,2"), Trial(1, "running", None, {"seed": "1"}), folder)
    assert {o.key_or_group: o.value() for o in read(words)}["resume"] == str(folder)


def test_what_another_trial_left_there_is_not_gone_on_with(settled, folder):
    words = launch.overrides(settled("seed=1,2"), Trial(1, "running", None, {"seed": "2"}), folder)
    assert "seed=2" in words
    assert not any(word.startswith("resume=") for word in words)
    assert not (folder / "checkpoints").exists()


@pytest.mark.parametrize(
    "point",
    [
        {"seed": "1", "model._target_": "os.system"},
        {"seed": "1,model._target_=os.system"},
        {"seed": "3"},
        {"optimizer.lr": "0.1"},
    ],
)
def test_parameters_that_somebody_wrote_into_the_study_are_refused(settled, folder, point):
    with pytest.raises(UserError) as caught:
        launch.overrides(settled("seed=1,2"), Trial(1, "running", None, point), folder)
    assert caught.value.code == Code.NOT_TRUSTED


def test_a_trial_is_resumed_with_what_the_sweep_itself_names(settled, folder):
    own = ("model._target_=json.JSONDecoder", "data=csv", "data.path='${oc.env:D}/x'")
    plan = settled("seed=1,2", *own)
    assert plan.trust == ("env:D", "json.JSONDecoder")
    trial = Trial(1, "running", None, {"seed": "1"})
    words = launch.overrides(plan, trial, folder)
    assert words[-1] == "trust=[env:D,json.JSONDecoder,logger]"
    evil = {"paths": {}, "logger": {"mlflow": {"tracking_uri": "http://evil"}}}
    (folder / ".hydra/config.yaml").write_text(json.dumps(evil))
    assert launch.overrides(plan, trial, folder)[-1] == "trust=[env:D,json.JSONDecoder]"


def test_a_link_made_later_leads_nobody_to_empty_a_folder_elsewhere(settled, folder, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/work.txt").write_text("a year of it")
    (folder / "data").symlink_to(tmp_path / "mine")
    launch.overrides(settled("seed=1,2"), Trial(1, "running", None, {"seed": "2"}), folder)
    assert not any(folder.iterdir())
    for place in (folder, folder.parent):
        place.rename(tmp_path / f"moved-{place.name}")
        place.symlink_to(tmp_path / "mine")
        with pytest.raises(UserError, match="is a link") as caught:
            launch.overrides(settled("seed=1,2"), Trial(1, "running", None, {"seed": "2"}), folder)
        assert caught.value.code is Code.DAMAGED
        place.unlink()
        (tmp_path / f"moved-{place.name}").rename(place)
    assert (tmp_path / "mine/work.txt").read_text() == "a year of it"


@pytest.mark.parametrize("name", ["best", "ensemble"])
def test_what_a_sweep_keeps_is_not_written_into_a_trial(settled, name):
    plan = settled("seed=1,2")
    (plan.folder / "trials/0000").mkdir(parents=True)
    (plan.folder / name).symlink_to("trials/0000")
    with pytest.raises(UserError, match="is a link, and this sweep writes there"), locked(plan):
        pass
