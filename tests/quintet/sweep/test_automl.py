"""AutoML: from an unknown file to an ensemble, with a single command."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

import runs
from quintet.artifacts.record import Record
from quintet.study import Study
from quintet.sweep import warm_start
from quintet.sweep.console_report import families, print_outlook
from quintet.sweep.data_inspection import apply_inspection
from quintet.sweep.option_spaces import family
from quintet.sweep.time_budget import TimeBudget
from usual import every

AUTOML = ("sweeper=automl", "search_space=automl")
KINDS = {
    "data=breast_cancer": {"linear", "mlp", "realmlp", "tabm", "tabular"},
    "data=digits": {"linear", "mlp", "cnn"},
    "data=sunspots": {"linear", "mlp", "gru", "lstm"},
    "data=unicode_names": {"gru", "lstm", "transformer"},
}
"""The families of models that are compared, by the kind of input."""


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> tuple[Path, str]:
    """Run AutoML on a table with a word column and a rare class; return its folder and words."""
    place = tmp_path_factory.mktemp("automl")
    rng = np.random.default_rng(0)
    with (place / "own.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["size", "weight", "place", "kind"])
        for i in range(200):
            a, b = (rng.normal(size=2) + 3 * (i % 10 == 0)).round(4)
            writer.writerow(
                [a, b, "north" if b > 0 else "south", "odd" if i % 10 == 0 else "usual"]
            )
    command = runs.command(None, "experiment=automl", "data=csv", f"data.path={place / 'own.csv'}")
    own = ("data.target=kind", "data.positive=odd", f"hydra.sweep.dir={place / 'study'}")
    small = ("sweeper.n_trials=3", "trainer=cpu", "trainer.max_epochs=2")
    process = runs.start([*command, *own, *small])
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, out + err
    return place / "study", out


@pytest.mark.slow
def test_metric_loss_and_model_are_chosen_by_a_first_look(swept):
    folder, out = swept
    first = Record.read(folder / "trials/0000")
    assert first.metric.name == "f1"
    assert first.choices["loss"] == "weighted_cross_entropy"
    assert first.choices["model"] == "tabular"
    assert "binary, table" in out


@pytest.mark.slow
def test_a_small_table_is_compared_over_folds_each_with_a_whole_one(swept):
    folder, out = swept
    assert "cv.folds=5\nfits      sweeper.scheduler.min_epochs=2" in out
    trials = [Record.read(trial) for trial in sorted((folder / "trials").iterdir())]
    assert len(trials[0].repeats) == 5
    assert all(trial.epochs >= 2 for trial in trials)


@pytest.mark.parametrize(("typed", "expected"), [([], 30), (["sweeper.scheduler.min_epochs=1"], 1)])
def test_what_a_look_finds_for_the_sweep_gives_way_to_what_was_typed(typed, expected, capsys):
    config = OmegaConf.create(
        {"sweeper": {"scheduler": {"min_epochs": 1}}, "hydra": {"overrides": {"task": typed}}}
    )
    found = ["metric=f1", "sweeper.scheduler.min_epochs=30", "sweeper.scheduler.unknown=1"]
    assert apply_inspection(config, found) == ["metric=f1"]
    assert config.sweeper.scheduler == {"min_epochs": expected}
    assert ("min_epochs" in capsys.readouterr().out) == (not typed)


@pytest.mark.slow
def test_it_ends_with_an_ensemble_tested_beside_the_winner(swept):
    folder, out = swept
    made = json.loads((folder / "ensemble/ensemble.json").read_text())
    best = Record.read(folder / "best")
    assert made["val"] >= made["single_val"] == pytest.approx(best.metric.value)
    assert made["single_test"] == pytest.approx(best.test["f1"])
    assert "ensemble of" in out


@pytest.mark.slow
def test_trials_leave_the_test_set_closed(swept):
    folder, _ = swept
    assert not any(Record.read(trial).test for trial in (folder / "trials").iterdir())


PLANS = {}
"""Plans by what was typed: composing one takes a second."""


def plan_in(settled, folder: Path, *arguments: str):
    if arguments not in PLANS:
        PLANS[arguments] = settled(*AUTOML, "data=breast_cancer", *arguments)
    return replace(PLANS[arguments], folder=folder)


def studied(plan, values: list[float]) -> Study:
    """Write a study with a trial a value, as if they had been trained."""
    plan.folder.mkdir(parents=True)
    study = Study(plan.folder, plan.mode)
    study.set_or_check_spec(plan.spec())
    for number, value in enumerate(values):
        point = plan.sampler.suggest([], plan.space, number, 0, plan.mode)
        study.create(point, plan.space, {})
        study.note(number, value=value)
        study.tell(number, "completed", value)
    return study


@pytest.fixture
def earlier(settled, tmp_path) -> Study:
    return studied(plan_in(settled, tmp_path / "earlier"), [0.1, 0.9, 0.5])


def begun(plan) -> list[dict[str, str]]:
    plan.folder.mkdir(parents=True, exist_ok=True)
    return [*warm_start.params(plan, Study(plan.folder, plan.mode))]


def test_it_begins_with_the_best_of_an_earlier_study_of_the_space(settled, tmp_path, earlier):
    assert begun(plan_in(settled, tmp_path / "now")) == [earlier.trials()[1].params]


def test_a_study_whose_defaults_were_best_is_not_a_warm_start(settled, tmp_path):
    plan = plan_in(settled, tmp_path / "earlier")
    study = studied(plan, [])
    points = [plan.defaults, plan.sampler.suggest([], plan.space, 1, 0, plan.mode)]
    for number, (point, value) in enumerate(zip(points, [0.9, 0.5], strict=True)):
        study.create(point, plan.space, {})
        study.note(number, value=value)
        study.tell(number, "completed", value)
    assert begun(plan_in(settled, tmp_path / "now")) == []


def test_a_study_of_another_space_is_not_a_warm_start(settled, tmp_path, earlier):
    assert begun(plan_in(settled, tmp_path / "now", "optimizer.lr=0.1")) == []


def test_a_study_named_gives_its_best_few(settled, tmp_path, earlier):
    plan = plan_in(settled, tmp_path / "x/now", f"sweeper.warm_start={earlier.folder}")
    assert begun(plan) == [earlier.trials()[n].params for n in (1, 2, 0)]


def test_a_study_that_continues_keeps_its_beginning(settled, tmp_path, earlier):
    plan = plan_in(settled, tmp_path / "now")
    first = begun(plan)
    studied(plan_in(settled, tmp_path / "later"), [0.95])
    assert begun(plan) == first


@pytest.mark.parametrize(
    ("data", "model"), every(2, [*zip(KINDS, ["mlp", "cnn", "gru", "gru"], strict=True)])
)
def test_what_is_compared_fits_the_kind_of_input(settled, data, model):
    plan = settled(*AUTOML, data, inspected=[f"model={model}"])
    assert set(plan.space["model"].values) == KINDS[data]
    assert plan.defaults["model"] == model
    assert ("data.select" in [p.key for p in plan.space.parameters]) == (
        data == "data=breast_cancer"
    )


def test_each_family_is_tried_first_with_the_recipe_of_its_yaml(settled):
    plan = settled(*AUTOML, "data=breast_cancer", inspected=["model=mlp"])
    first = {family(params)[1]: params for params in plan.families}
    assert first.keys() == KINDS["data=breast_cancer"] - {"mlp"} | {"boosted_trees"}
    recipe = {"optimizer": "adamw", "optimizer.lr": "0.003", "scheduler": "cosine"}
    assert first["realmlp"].items() >= (recipe | {"model.width": "256"}).items()
    assert first["linear"].get("optimizer.lr") == plan.defaults["optimizer.lr"]
    assert plan.enqueued == (plan.defaults, *plan.families)


@pytest.mark.parametrize(
    ("inspected", "typed", "varied"),
    every(
        3,
        [
            (["data.target_transform=log"], [], ("null", "log")),
            ([], [], None),
            (["data.target_transform=log"], ["data.target_transform=null"], None),
        ],
    ),
)
def test_a_logarithm_of_the_target_is_compared_with_none(settled, inspected, typed, varied):
    plan = settled(*AUTOML, "data=diabetes", *typed, inspected=["model=mlp", *inspected])
    found = {p.key: p for p in plan.space.parameters}.get("data.target_transform")
    assert (found and found.values) == varied
    assert plan.defaults.get("data.target_transform") == (varied and "log")
    plain = {**plan.defaults, "data.target_transform": "null"}
    assert (plain in plan.families) == bool(varied)


def test_a_module_is_a_family_with_the_choices_that_it_takes(settled):
    plan = settled(*AUTOML, "data=breast_cancer", inspected=["model=mlp"])
    trees = plan.families[0]
    assert trees["module"] == "boosted_trees"
    assert trees["module.learning_rate"] == "0.1"
    assert not {key.partition(".")[0] for key in trees} & {"model", "init", "optimizer"}
    assert "module.learning_rate" not in plan.defaults
    drawn = [plan.sampler.suggest([], plan.space, n, 0, "max") for n in range(20)]
    assert {params["module"] for params in drawn} == {"supervised", "boosted_trees"}
    assert all(("optimizer" in p) == (p["module"] == "supervised") for p in drawn)


@pytest.mark.parametrize("typed", ["optimizer.lr=0.1", "model=mlp", "module=supervised"])
def test_a_module_that_does_not_take_what_was_typed_is_not_a_family(settled, typed):
    plan = settled(*AUTOML, "data=breast_cancer", typed)
    assert "module" not in [p.key for p in plan.space.parameters]
    assert all("module" not in params for params in plan.families)


def test_trees_are_no_family_of_images(settled):
    plan = settled(*AUTOML, "data=digits", inspected=["model=cnn"])
    assert not any("module" in (p.key, *p.when) for p in plan.space.parameters)


@pytest.mark.parametrize(("trees", "said"), [(0.9, True), (0.1, False)])
def test_it_says_that_trees_win(settled, tmp_path, trees, said):
    plan = plan_in(settled, tmp_path / "now")
    study = studied(plan, [])
    values = {"boosted_trees": trees}
    for number, params in enumerate(plan.enqueued):
        study.create(params, plan.space, {})
        value = values.get(family(params)[1], 0.5)
        study.note(number, value=value)
        study.tell(number, "completed", value)
    line = families(plan, study)
    assert f"boosted_trees {trees}000" in line
    assert ("boosted_trees wins: the best network" in line) == said


def test_families_that_are_not_compared_have_no_first_trials(settled):
    assert settled(*AUTOML, "data=breast_cancer", "model=mlp").families == ()
    assert settled("data=breast_cancer", "model=mlp,tabular", "sweeper=random").families == ()


@pytest.mark.parametrize(
    ("tried", "next_up"),
    [
        (1, "a first trial of boosted_trees, linear, realmlp, tabm and tabular"),
        (9, "further hyperparameters of"),
    ],
)
def test_it_says_what_more_time_would_be_spent_on(settled, tmp_path, capsys, tried, next_up):
    plan = plan_in(settled, tmp_path / "short")
    study = studied(plan, [])
    for number, params in enumerate([*plan.enqueued, plan.defaults, plan.defaults][:tried]):
        study.create(params, plan.space, {})
        study.note(number, value=0.5)
        study.tell(number, "completed", 0.5)
    print_outlook(plan, study)
    assert next_up in " ".join(capsys.readouterr().out.split())


def test_what_a_first_look_chose_and_nothing_varies_goes_to_every_trial(settled):
    plan = settled(
        *AUTOML, "data=breast_cancer", "model=linear", inspected=["metric=f1", "model=mlp"]
    )
    assert "metric=f1" in plan.fixed
    assert "model=linear" in plan.fixed
    assert "model=mlp" not in plan.fixed


def test_trials_leave_a_share_of_the_time_to_the_ensemble():
    assert TimeBudget(None).for_trials(10) is None
    assert TimeBudget(1e6).for_trials(None) == pytest.approx(1e6, rel=0.01)
    assert TimeBudget(1e6).for_trials(10) == pytest.approx(0.8e6, rel=0.01)
    assert TimeBudget(30.0).for_trials(10) == pytest.approx(24, abs=0.5)
    assert TimeBudget(60.0, spent=30).for_trials(10) == pytest.approx(18, abs=0.5)
    assert TimeBudget(100.0, spent=80).for_trials(10) == 0.0
    assert TimeBudget(0.0).late
    assert not TimeBudget(1e6).late
