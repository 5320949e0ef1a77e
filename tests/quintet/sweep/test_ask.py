"""`sweeper=ask`: what a person or an agent proposes is checked, trained and answered as JSON."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quintet.base.errors import Code, UserError
from quintet.study.study import Study
from quintet.sweep import ask
from quintet.sweep.samplers.genetic import Genetic
from quintet.sweep.samplers.proposals import Proposals

WORDS = ["sweeper=ask", "optimizer=adam,sgd_momentum", "optimizer.lr=interval(1e-3,1)"]
SCRIPT = str(Path(__file__).parents[3] / "src/train.py")


def opened(settled, *words):
    plan = settled(*WORDS, *words)
    study = Study(plan.folder, plan.mode)
    study.set_or_check_spec(plan.spec())
    return ask.with_proposals(plan, study)


def test_points_by_hand_are_those_of_a_file(settled):
    plan = settled(*WORDS, "sweeper.try=[{optimizer:sgd_momentum,optimizer.lr:0.1},{}]")
    assert plan.points == (
        {"optimizer": "sgd_momentum", "optimizer.lr": "0.1"},
        {"optimizer": "adam", "optimizer.lr": "0.001"},
    )


def test_a_number_is_found_among_values_written_otherwise(settled):
    plan = settled("sweeper=random", "sweeper.n_trials=3", "optimizer.lr=1e-4,1e-2",
                   "sweeper.try=[{optimizer.lr:'1e-4'}]")  # fmt: skip
    assert plan.points == ({"optimizer.lr": "0.0001"},)


@pytest.mark.parametrize(
    ("tried", "code"),
    [
        ("[{optimizer.rate:0.1}]", Code.UNKNOWN_NAME),
        ("[{optimizer.lr:7}]", Code.OUT_OF_RANGE),
        ("[{optimizer:lion}]", Code.OUT_OF_RANGE),
    ],
)
def test_what_is_not_of_the_space_is_refused(settled, tried, code):
    with pytest.raises(UserError) as caught:
        settled(*WORDS, f"sweeper.try={tried}")
    assert (caught.value.code, caught.value.key) == (code, "sweeper.try")


def test_proposals_add_up_until_the_budget_is_used_and_are_added_once(settled):
    one, two = "{optimizer.lr:0.1}", "{optimizer.lr:0.2}"
    budget = "sweeper.n_trials=2"
    plan = opened(settled, budget, f"sweeper.try=[{one}]")
    assert plan.sampler.total(plan.space) == 1
    assert not plan.test, "the test set waits for the end"
    assert opened(settled, budget, f"sweeper.try=[{one}]").sampler.points == plan.sampler.points
    plan = opened(settled, budget, f"sweeper.try=[{two},{two}]")
    assert [p["optimizer.lr"] for p in plan.sampler.points] == ["0.1", "0.2"]
    assert plan.test
    assert plan.sampler.suggest([], plan.space, 1, 0, "max")["optimizer.lr"] == "0.2"
    with pytest.raises(UserError, match="0 of 2 trials are left") as caught:
        opened(settled, budget, "sweeper.try=[{optimizer.lr:0.3}]")
    assert caught.value.code == Code.OUT_OF_RANGE


def test_a_model_suggests_as_if_its_earlier_suggestions_ran(settled):
    plan = settled(*WORDS)
    sampler = Proposals(Genetic())
    found = sampler.suggestions([], plan.space, 3, 0, "max")
    assert len({p["optimizer.lr"] for p in found}) == 3
    assert all(plan.space.accepts(params) for params in found)


def call(folder, *words, **how):
    given = ["data=digits", "report=false", "trainer.max_epochs=2", "model.width=4,8,16",
             "sweeper.n_trials=3", f"hydra.sweep.dir={folder}", "sweeper=ask"]  # fmt: skip
    return subprocess.Popen(
        [sys.executable, SCRIPT, "-m", *given, *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder.parent, **how,
    )  # fmt: skip


def answer(folder, *words):
    process = call(folder, *words)
    out, err = process.communicate(timeout=240)
    return process.returncode, json.loads(out), err


def test_a_dialogue_with_refusals_a_kill_and_a_test_at_the_end(tmp_path):
    folder = tmp_path / "sweep"
    code, first, _ = answer(folder, "sweeper.suggest=2")
    assert (code, first["left"], first["trials"]) == (0, 3, [])
    assert [*first["space"]] == ["model.width"]
    assert len(first["suggested"]) == 2

    code, no, err = answer(folder, "sweeper.try=[{model.width:5}]")
    assert (code, no["refused"]["code"]) == (1, "out-of-range")
    assert no["refused"]["allowed"] == ["4,8,16"]
    assert "model.width=5" in err, "people read it on standard error"

    killed = call(folder, "sweeper.try=[{model.width:8}]", start_new_session=True)
    while not (folder / "trials/0000").exists():
        time.sleep(0.1)
        assert killed.poll() is None
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    code, one, _ = answer(folder, "sweeper.try=[{model.width:8}]")
    assert (code, one["left"], one["best"]) == (0, 2, 0)
    (trial,) = one["trials"]
    assert (trial["state"], trial["model.width"]) == ("completed", "8")
    assert not json.loads((folder / "best/result.json").read_text())["test"]

    code, end, _ = answer(folder, "sweeper.try=[{model.width:4},{model.width:16}]")
    assert (code, end["left"]) == (0, 0)
    assert sorted(t["model.width"] for t in end["trials"]) == ["16", "4", "8"]
    assert json.loads((folder / "best/result.json").read_text())["test"]
    (kept,) = (folder / ask.REFUSED).read_text().splitlines()
    assert json.loads(kept)["proposed"] == [{"model.width": 5}]


def test_a_sweep_without_a_name_could_not_be_found_again(tmp_path):
    process = subprocess.run(
        [sys.executable, SCRIPT, "-m", "sweeper=ask", "model.width=4,8", f"paths.logs={tmp_path}"],
        capture_output=True, text=True, timeout=120, cwd=tmp_path,
    )  # fmt: skip
    assert process.returncode == 1
    assert json.loads(process.stdout)["refused"]["key"] == "study"
    assert not any(tmp_path.iterdir())
