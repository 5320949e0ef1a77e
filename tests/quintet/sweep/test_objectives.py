"""Sweeps with several objectives: `objectives={f1: max, parameters: min}`."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from parent import loop, plan, swept

from quintet.artifacts.record import Record
from quintet.base.errors import Code, UserError
from quintet.config import further_metrics
from quintet.config.run_nodes import SUPERVISED
from quintet.report.sweep.sweep_page import write
from quintet.study import leaderboard
from quintet.study.fronts import KEY
from quintet.study.study import Study
from quintet.sweep.samplers.genetic import Genetic
from quintet.sweep.trial_schedulers.halving import SuccessiveHalving
from quintet.sweep.trial_schedulers.pruners import Asha
from refusals import Refusal

TRADED = {"score": "max", "parameters": "min"}


def traded(folder, **changes):
    chosen = plan(folder, swept(x=[1, 5, 9], size=[10, 90, 50]), objectives=TRADED, **changes)
    return chosen


def run(chosen, **how):
    its = loop(chosen, **how)
    its.study.set_or_check_spec({"metric": {"name": "score", "mode": "max"}, KEY: TRADED})
    assert its.run()
    return Study.read(chosen.folder)


def test_every_trial_has_its_objectives_and_the_best_lead(tmp_path):
    study = run(traded(tmp_path))
    assert study.objectives == TRADED
    kept = {(t.params["x"], t.params["size"]): t.notes[KEY] for t in study.trials()}
    assert kept["5", "90"] == {"score": 5.0, "parameters": 90.0}
    front = [(t.params["x"], t.params["size"]) for t in leaderboard.front(study)]
    assert front == [("9", "10")], "it is better than all others in both"
    rows = leaderboard.rows(study)
    assert rows[0]["front"] == 0
    assert rows[0]["parameters"] == 10.0
    assert sorted(row["front"] for row in rows) == [row["front"] for row in rows]


def test_the_winner_is_of_the_front_and_has_the_best_metric(tmp_path):
    space = swept(both=["1,10", "9,90", "5,50", "4,60"])
    chosen = plan(tmp_path, space, objectives=TRADED)
    study = loop(chosen).study
    study.set_or_check_spec({"metric": {"name": "score", "mode": "max"}, KEY: TRADED})
    for params in ({"both": v} for v in ("1,10", "9,90", "5,50", "4,60")):
        number = study.create(params, space, {})
        x, size = map(float, params["both"].split(","))
        study.note(number, value=x, **{KEY: {"score": x, "parameters": size}})
        study.tell(number, "completed", x)
    assert leaderboard.winner(study).params == {"both": "9,90"}
    assert [t.number for t in leaderboard.front(study)] == [1, 2, 0]


def test_a_trial_without_one_of_them_fails_and_says_which(tmp_path):
    chosen = plan(tmp_path, swept(x=[1]), objectives={"score": "max", "fid": "min"})
    assert loop(chosen).run()
    (trial,) = Study.read(tmp_path).trials()
    assert trial.state == "failed"
    assert "fid" in trial.notes["reason"]


@pytest.mark.parametrize("scheduler", [Asha(1, 2), SuccessiveHalving(1, 2)])
def test_pruning_spares_what_is_worse_in_one_and_better_in_another(tmp_path, scheduler):
    """Of equal scores the larger model is dominated at each rung; the small, bad one is not."""
    space = swept(x=[9, 1, 9, 9], size=[10])
    chosen = plan(tmp_path, space, objectives=TRADED, scheduler=scheduler, max_epochs=4,
                  fixed=("epochs=4", "rise=1"))  # fmt: skip
    study = loop(chosen, limit=4).study
    study.set_or_check_spec({"metric": {"name": "score", "mode": "max"}, KEY: TRADED})
    params = [{"x": "9", "size": "90"}, {"x": "1", "size": "10"}, {"x": "9", "size": "95"},
              {"x": "8", "size": "99"}]  # fmt: skip
    chosen = plan(tmp_path, swept(x=[9, 1, 8], size=[90, 10, 95, 99]), objectives=TRADED,
                  scheduler=scheduler, max_epochs=4, fixed=("epochs=4", "rise=1"),
                  sampler=Listed(params))  # fmt: skip
    assert loop(chosen, limit=4).run()
    states = [t.state for t in Study.read(tmp_path).trials()]
    assert states[2:] == ["pruned", "pruned"]
    assert "completed" in states[:2]


class Listed:
    """Suggests params one after the other."""

    starts_with_defaults = False

    def __init__(self, params):
        self.params = params

    def total(self, space):
        return len(self.params)

    def suggest(self, trials, space, number, seed, mode):
        return self.params[number]


def test_samplers_see_positions_and_minimise_them(tmp_path):
    seen = []

    class Looks(Listed):
        def suggest(self, trials, space, number, seed, mode):
            seen.append(([t.value for t in trials], mode))
            return self.params[number]

    params = [{"x": "1", "size": "90"}, {"x": "9", "size": "10"}, {"x": "5", "size": "50"}]
    run(traded(tmp_path, sampler=Looks(params)))
    assert [mode for _, mode in seen] == ["min"] * 3
    values = seen[2][0]
    assert values[1] < 1 <= values[0], "trial 1 is better in both"


def test_the_same_command_continues_with_the_same_suggestions(tmp_path):
    whole = run(traded(tmp_path / "whole", sampler=Genetic(population=3)), limit=8)
    part = traded(tmp_path / "part", sampler=Genetic(population=3))
    ended = itertools.count()
    its = loop(part, limit=8, stopping=lambda: next(ended) > 6)
    its.study.set_or_check_spec({"metric": {"name": "score", "mode": "max"}, KEY: TRADED})
    its.run()
    again = run(part, limit=8)
    assert [t.params for t in again.trials()] == [t.params for t in whole.trials()]


WORDS = ["sweeper=random", "sweeper.n_trials=5", "model.width=8,16"]


@pytest.mark.parametrize(
    ("words", "code", "key"),
    [
        (["objectives=[parameters]"], Code.WRONG_TYPE, "objectives"),
        (["objectives={parameters:low}"], Code.UNKNOWN_NAME, "objectives.parameters"),
        (["objectives={parameters:max}"], Code.CONFLICT, "objectives.parameters"),
        (["objectives={f1:min}"], Code.CONFLICT, "objectives.f1"),
        (["objectives={paramters:min}"], Code.UNKNOWN_NAME, "objectives"),
        (["objectives={accuracy:max}"], Code.CONFLICT, "objectives"),
        (["objectives={parameters:min}", "sweeper.stop=auto"], Code.CONFLICT, "sweeper.stop"),
    ],
)
def test_what_cannot_be_traded_off_is_refused_before_the_first_trial(settled, words, code, key):
    with pytest.raises(UserError) as caught:
        settled(*WORDS, *words)
    assert (caught.value.code, caught.value.key) == (code, key)


def test_the_metric_comes_first_and_further_metrics_are_measured(settled):
    chosen = settled(*WORDS, "objectives={parameters:min,f1:max}")
    assert [*chosen.objectives] == ["accuracy", "parameters", "f1"]
    cfg = chosen.examples[0].config.copy()
    further_metrics.expand(cfg)
    assert cfg.metrics.f1.name == "f1"
    assert [*cfg.metrics] == ["f1"], "the metric itself is measured anyway"
    assert chosen.spec()[KEY] == chosen.objectives


def test_a_real_sweep_prunes_continues_and_tests_the_winner(tmp_path):
    """Halving resumes its trials, whose configs are read again as a stranger's would be."""
    folder = tmp_path / "sweep"
    words = ["data=digits", "report=false", "sweeper=successive_halving", "sweeper.n_trials=3",
             "sweeper.scheduler.eta=3", "optimizer.lr=interval(1e-3,1e-1)", "model.width=8,64",
             "trainer.max_epochs=3", "objectives={parameters: min, f1: max}"]  # fmt: skip
    script = str(Path(__file__).parents[3] / "src/train.py")
    done = subprocess.run(
        [sys.executable, script, "-m", f"hydra.sweep.dir={folder}", *words],
        capture_output=True, text=True, timeout=240, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    study = Study.read(folder)
    assert sorted(t.state for t in study.trials()) == ["completed", "pruned", "pruned"]
    won = leaderboard.winner(study)
    assert [*won.notes[KEY]] == ["accuracy", "parameters", "f1"]
    record = Record.read(folder / "best")
    assert record.parameters == won.notes[KEY]["parameters"]
    assert record.test.keys() >= {"accuracy", "f1"}
    assert "as good in all objectives" in " ".join(done.stdout.split())
    text = write(study).read_text()
    assert "parameters against accuracy" in text or "accuracy against parameters" in text


def test_a_run_by_itself_says_that_they_decide_nothing(capsys):
    from quintet.training.setup import warn_of_objectives

    own = {"metric": {"name": "accuracy", "mode": "max"}, "module": {"_target_": SUPERVISED}}
    warn_of_objectives(OmegaConf.create({**own, "objectives": None}))
    assert not capsys.readouterr().out
    warn_of_objectives(OmegaConf.create({**own, "objectives": {"f1": "max"}}))
    told = " ".join(capsys.readouterr().out.split())
    assert "this run is judged by accuracy" in told
    with Refusal(Code.UNKNOWN_NAME, "objectives", "nope"):  # as its sweep would
        warn_of_objectives(OmegaConf.create({**own, "objectives": {"nope": "min"}}))
