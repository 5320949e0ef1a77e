"""Population-based training: who inherits whose run, what is perturbed, and the replay."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

import runs
from quintet.artifacts import checkpoints, steering_files
from quintet.base.errors import Code, UserError
from quintet.study.space import Choice, Interval, Parameter, Space
from quintet.study.study import Study
from quintet.study.trial import SOURCES, Trial, folder_of
from quintet.sweep import inheritance
from quintet.sweep.trial_process import LOCK
from quintet.sweep.trial_schedulers import ContinueTrial, Finished, StartTrial, Wait, population
from quintet.sweep.trial_schedulers.population import PopulationBased
from runs import TrainHere

ROOT = Path(__file__).parents[3]
RATE = Interval("optimizer.lr", 1e-4, 1e-1, "log")
MOMENTUM = Interval("optimizer.momentum", 0.8, 0.999, "reverse_log")
DECAY = Choice("optimizer.weight_decay", ("0.0", "0.01", "0.1"), ordered=True)
SPACE = Space((RATE, MOMENTUM, DECAY, Choice("model.width", ("16", "32"))))


def at_selection(*values: float, at: int = 2) -> list[Trial]:
    notes = {"budget": at, "paused_at": at}
    return [Trial(i, "running", v, {}, {at: v}, dict(notes)) for i, v in enumerate(values)]


def test_the_worst_take_over_before_anybody_continues() -> None:
    trials, scheduler = at_selection(0.9, 0.1, 0.5, 0.4), PopulationBased(4, interval=2)
    moves = []
    for _ in trials:
        move = scheduler.move(trials, 4, 6, "max")
        assert isinstance(move, ContinueTrial)
        moves.append((move.number, move.budget, move.source))
        trials[move.number].notes["budget"] = move.budget
    assert moves == [(1, 4, 0), (0, 4, None), (2, 4, None), (3, 4, None)]
    assert isinstance(scheduler.move(trials, 4, 6, "max"), Wait)


def test_the_smallest_loss_replaces_the_greatest() -> None:
    assert PopulationBased(4).replacements(at_selection(0.9, 0.1, 0.5, 0.4), 2, "min") == {0: 1}


def test_members_wait_for_each_other_and_for_nobody_who_has_ended() -> None:
    trials, scheduler = at_selection(0.9, 0.1, 0.5, 0.4), PopulationBased(4, interval=2)
    del trials[3].notes["paused_at"]
    assert isinstance(scheduler.move(trials, 4, 6, "max"), Wait)
    trials[3].state = "failed"
    assert scheduler.move(trials, 4, 6, "max") == ContinueTrial(1, 4, 0)


def test_nobody_inherits_a_run_that_has_ended() -> None:
    trials = at_selection(0.9, 0.1, 0.5, 0.4)
    trials[0].state = "completed"  # by early stopping; its checkpoint would stop the other as well
    assert PopulationBased(4, interval=2).move(trials, 4, 6, "max") == ContinueTrial(1, 4, 2)


def test_a_metric_that_is_not_finite_is_the_worst_and_equals_are_left_alone() -> None:
    scheduler = PopulationBased(4)
    assert scheduler.replacements(at_selection(0.9, float("nan"), 0.5, 0.4), 2, "max") == {1: 0}
    assert scheduler.replacements(at_selection(0.5, 0.5, 0.5, 0.5), 2, "max") == {}


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.floats(0.05, 0.5))
def test_nobody_is_replaced_by_one_who_is_replaced(values: list[float], fraction: float) -> None:
    found = PopulationBased(len(values), fraction=fraction).replacements(
        at_selection(*values), 2, "max"
    )
    assert not {*found} & {*found.values()}
    assert all(values[source] > values[number] for number, source in found.items())


def test_more_trials_are_a_population_of_their_own() -> None:
    scheduler, trials = PopulationBased(2, interval=1), at_selection(0.9, 0.1)
    assert (scheduler.total(9), scheduler.epochs(30), scheduler.epochs(3)) == (2, 1, 1)
    for trial in trials:
        trial.state = "completed"
    assert scheduler.move(trials, 4, 9, "max") == StartTrial({"budget": 1})
    assert isinstance(scheduler.move(trials, 2, 9, "max"), Finished)


@pytest.mark.parametrize(
    "changes",
    [{"population": 1}, {"interval": 0}, {"fraction": 0.0}, {"fraction": 0.6}],
)
def test_settings_out_of_range_are_refused(changes: dict[str, int | float]) -> None:
    with pytest.raises(UserError) as refused:
        PopulationBased(**changes)  # type: ignore[arg-type]
    assert refused.value.code == Code.OUT_OF_RANGE
    assert refused.value.key == f"sweeper.scheduler.{min(changes)}"


@given(st.randoms(use_true_random=False), st.floats(0, 1), st.floats(0, 1))
def test_perturbed_values_stay_in_the_space(rng: object, first: float, second: float) -> None:
    params = SPACE.at(
        {p.key: u for p, u in zip(SPACE.parameters, (first, second, first, 0), strict=True)}
    )
    found = inheritance.perturbed(params, SPACE, rng)  # type: ignore[arg-type]
    assert [*found] == ["optimizer.lr", "optimizer.momentum", "optimizer.weight_decay"]
    assert not SPACE.invalid_keys(found)


def test_a_rate_is_changed_by_a_factor_and_the_rest_by_value() -> None:
    before = {"optimizer.lr": "0.01", "optimizer.momentum": "0.9", "optimizer.weight_decay": "0.0"}
    after = before | {"optimizer.lr": "0.008", "optimizer.momentum": "0.92"}
    asked = [(r.key, round(float(r.value), 9), r.by) for r in inheritance.requests(before, after)]
    assert asked == [("optimizer.lr_factor", 0.8, "pbt"), ("optimizer.momentum", 0.92, "pbt")]


def sweep_of_two(folder: Path) -> tuple[Study, Trial, Trial]:
    folder.mkdir()
    study = Study(folder, "max")
    for number, rate in enumerate(("0.01", "0.05")):
        study.create({"optimizer.lr": rate}, Space((RATE,)), {"budget": 2})
        study.note(number, paused_at=2, value=float(number))
        run = folder_of(folder, number)
        (run / "checkpoints").mkdir(parents=True)
        (run / "checkpoints/last.ckpt").write_text(f"weights of {number}")
        (run / LOCK).touch()
        (run / f"only_{number}.txt").touch()
    heir, source = study.trials()
    return study, source, heir


def contents(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): p.read_text()
        for p in folder.rglob("*")
        if p.is_file() and p.name != steering_files.REQUESTS
    }


@pytest.mark.parametrize("boundary", range(1, 14, 2))
def test_killed_at_a_write_it_is_taken_over_again(tmp_path: Path, boundary: int) -> None:
    study, source, heir = sweep_of_two(tmp_path / "study")
    if (process := os.fork()) == 0:
        os.environ["QUINTET_FAULT"] = f"kill:{boundary}"
        inheritance.inherit(study, source, heir, Space((RATE,)), 1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
    heir, source = Study(study.folder).trials()
    assert heir.paused
    inheritance.inherit(study, source, heir, Space((RATE,)), 1)
    heir = study.trials()[0]
    assert (heir.params, heir.value) == ({"optimizer.lr": "0.05"}, 1.0)
    assert heir.notes[SOURCES] == [1]
    folder = folder_of(study.folder, 0)
    assert contents(folder) == contents(folder_of(study.folder, 1))
    assert len(steering_files.asked(folder)[0]) == 1


def test_each_trial_continues_in_the_tracked_run_of_its_own(tmp_path: Path) -> None:
    study, source, heir = sweep_of_two(tmp_path / "study")
    for trial in (source, heir):
        own = folder_of(study.folder, trial.number)
        (own / "wandb/run-1").mkdir(parents=True)
        (own / "wandb/run-1" / f"run-{trial.number}.wandb").touch()
        (own / "mlflow_run_id").write_text(f"id of {trial.number}")
    secret = tmp_path / "secret"
    secret.write_text("of another folder")
    (folder_of(study.folder, source.number) / "wandb/run-1/log").symlink_to(secret)
    inheritance.inherit(study, source, heir, Space((RATE,)), 1)
    left = contents(folder_of(study.folder, heir.number))
    assert left["checkpoints/last.ckpt"] == f"weights of {source.number}"
    assert left["mlflow_run_id"] == f"id of {heir.number}"
    assert [name for name in left if name.startswith("wandb")] == ["wandb/run-1/run-0.wandb"]


@pytest.mark.parametrize(
    ("space", "changes", "key"),
    [
        (Space((Choice("model.width", ("16", "32")),)), {}, "sweeper.scheduler"),
        (SPACE, {"cv": {"folds": 3, "seeds": 1}}, "cv"),
        (SPACE, {"callbacks": {"steering": None}}, "callbacks.steering"),
        (SPACE, {"scheduler": {"cycle_momentum": True}}, "scheduler.cycle_momentum"),
    ],
)
def test_a_sweep_in_which_nothing_could_change_is_refused(
    space: Space, changes: dict[str, object], key: str
) -> None:
    usual = {
        "cv": {"folds": None, "seeds": 1},
        "callbacks": {"steering": {"folder": "x"}},
        "data": {},
    }
    config = OmegaConf.create(usual | changes)
    with pytest.raises(UserError) as refused:
        population.check(PopulationBased(), space, config)
    assert (refused.value.code, refused.value.key) == (Code.CONFLICT, key)


@pytest.mark.parametrize(
    "rate", [Interval("optimizer.lr", 0, 0.1), Choice("optimizer.lr", ("0.0", "0.1"))]
)
def test_a_rate_of_0_which_no_factor_changes_is_refused(rate: Parameter) -> None:
    config = OmegaConf.create(
        {"cv": {"folds": None, "seeds": 1}, "callbacks": {"steering": {"folder": "x"}}, "data": {}}
    )
    with pytest.raises(UserError) as refused:
        population.check(PopulationBased(), Space((rate,)), config)
    assert (refused.value.code, refused.value.key) == (Code.OUT_OF_RANGE, "optimizer.lr")


@pytest.mark.slow
def test_the_schedule_that_was_found_is_replayed_to_the_same_weights(
    tmp_path: Path, train_here: TrainHere
) -> None:
    folder = tmp_path / "study"
    words = ["optimizer=sgd_momentum", "trainer.max_epochs=3", "test=false"]
    command = [sys.executable, str(ROOT / "src/train.py"), "-m", f"hydra.sweep.dir={folder}"]
    strategy = ["sweeper=pbt", "sweeper.scheduler.population=3", *runs.SMALL]
    rates = "optimizer.lr=tag(log,interval(1e-4,1e-1))"
    swept = subprocess.run([*command, *words, *strategy, rates], capture_output=True, text=True)
    assert swept.returncode == 0, swept.stdout + swept.stderr
    heirs = [t for t in Study(folder).trials() if t.notes.get(SOURCES)]
    assert heirs
    own, again = folder_of(folder, heirs[-1].number), tmp_path / "again"
    rate = f"optimizer.lr={heirs[-1].params['optimizer.lr']}"
    train_here(again, *words, rate, "callbacks=[default,replay]", f"callbacks.replay.run={own}")
    weights, again_weights = (
        checkpoints.load(run / "checkpoints/last.ckpt")["state_dict"] for run in (own, again)
    )
    assert all(torch.equal(weights[name], again_weights[name]) for name in weights)
    made, repeated = (
        [(c["step"], c["key"], c["after"]) for c in runs.record(run)["steering"]]
        for run in (own, again)
    )
    assert made == repeated != []
