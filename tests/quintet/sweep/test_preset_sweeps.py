"""Every preset has its own sweep: `-m experiment=` is enough, and the command line overrides it."""

import csv
from pathlib import Path

import numpy as np
import pytest

import runs
from needs import of_group
from options import own, template_only
from quintet.study import Study

STRATEGY = {
    "classification": "random",
    "regression": "grid",
    "imbalanced": "bayesian",
    "forecasting": "grid",
    "image": "hyperband",
    "multilabel": "random",
    "table": "random",
    "text": "random",
    **dict.fromkeys(["autoencoder", "contrastive", "gan", "multitask"], "random"),
    "language_model": "asha",
    "segmentation": "random",
}
"""What the field takes for each problem: T."""

PRESETS = sorted(STRATEGY)
MODULES = {"autoencoder", "contrastive", "gan", "language_model", "multitask"}
SUPERVISED = [preset for preset in PRESETS if preset not in MODULES]
TINY = ("sweeper.n_trials=2", "trainer=cpu", "trainer.max_epochs=1", "test=false")


@template_only
def test_every_preset_has_a_strategy():
    assert own("experiment") == sorted([*PRESETS, "automl"])  # tests/quintet/sweep/test_automl.py


@pytest.fixture(scope="module")
def plans():
    return {}


@pytest.fixture
def plan_of(settled, plans):
    """Return the plan of a preset's sweep, which is settled once."""

    def plan_of(preset):
        if preset not in plans:
            plans[preset] = settled(f"experiment={preset}")
        return plans[preset]

    return plan_of


@pytest.fixture
def strategy_of(settled, plans):
    """Return the plan of a strategy by its name, which is settled once."""

    def strategy_of(name):
        if name not in plans:
            plans[name] = settled(f"sweeper={name}", "seed=1,2")
        return plans[name]

    return strategy_of


@pytest.mark.parametrize("preset", of_group("experiment", PRESETS))
def test_a_preset_brings_its_strategy_and_space(plan_of, strategy_of, preset):
    plan, named = plan_of(preset), strategy_of(STRATEGY[preset])
    assert type(plan.sampler) is type(named.sampler)
    assert type(plan.scheduler) is type(named.scheduler)
    assert 2 <= len(plan.space.parameters) <= 5


@pytest.mark.parametrize("preset", of_group("experiment", PRESETS))
def test_the_presets_own_values_are_tried(plan_of, preset):
    plan = plan_of(preset)
    assert "optimizer.lr" in plan.defaults
    if not plan.sampler.starts_with_defaults:
        assert plan.defaults in plan.space.product()


@pytest.mark.parametrize("preset", of_group("experiment", PRESETS))
def test_a_presets_sweep_is_a_matter_of_minutes(plan_of, preset):
    plan = plan_of(preset)
    begun = plan.sampler.total(plan.space) or plan.settings.n_trials
    assert (begun or plan.scheduler.total(plan.max_epochs)) <= 30


@pytest.mark.parametrize("preset", of_group("experiment", ["image", "regression"]))
def test_the_command_line_wins_over_a_presets_sweep(settled, preset):
    typed = ("sweeper=random", "sweeper.n_trials=5", "optimizer.lr=0.5", "model.dropout=0.1,0.2")
    plan = settled(f"experiment={preset}", *typed)
    assert plan.settings.n_trials == 5
    assert type(plan.sampler).__name__ == "Random"
    assert "optimizer.lr" not in [p.key for p in plan.space.parameters]
    assert plan.space["model.dropout"].values == ("0.1", "0.2")


@pytest.mark.parametrize("model", ["tabular", "linear"])
def test_another_model_is_swept_by_what_it_has(settled, model):
    plan = settled("experiment=regression", f"model={model}")
    own = [p.key for p in plan.space.parameters if p.key.startswith("model.")]
    assert own == (["model.width", "model.dropout"] if model == "tabular" else [])


def test_a_single_run_names_the_strategy_and_is_none(run_train, tmp_path):
    run_train(tmp_path / "run", "experiment=image", *TINY[1:], "model.width=4")
    record = runs.record(tmp_path / "run")
    assert record["choices"]["sweeper"] == "hyperband"
    assert record["status"] == "completed"


def swept(run_train, folder: Path, *overrides: str) -> list:
    """Run `train.py -m` with these words and nothing else; return the study's trials."""
    run_train(None, "-m", *overrides, *TINY, f"hydra.sweep.dir={folder}")
    return Study.read(folder).trials()


def test_image_sweeps_a_folder_of_images(run_train, tmp_path):
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    for i in range(120):
        folder = tmp_path / "images" / str(digits.target[i])
        folder.mkdir(parents=True, exist_ok=True)
        pixels = (digits.images[i] * 15.9).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    own = ("data=images", f"data.path={tmp_path / 'images'}", "model.width=4")
    trials = swept(run_train, tmp_path / "study", "experiment=image", *own)
    assert [t.state for t in trials] == ["completed", "completed"]
    assert trials[0].params["optimizer.lr"] == "0.1"


def test_multilabel_sweeps_a_table_with_words_in_it(run_train, tmp_path):
    draws = np.random.default_rng(0).integers(0, 3, size=(150, 3))
    with (tmp_path / "own.csv").open("w", newline="") as file:
        csv.writer(file).writerow(["size", "place", "count", "big", "near"])
        csv.writer(file).writerows(
            [a + 0.5, ("here", "there", "nowhere")[b], c, int(a > 1), int(b < 1)]
            for a, b, c in draws
        )
    own = ("data=csv", f"data.path={tmp_path / 'own.csv'}", "data.target=[big,near]")
    trials = swept(run_train, tmp_path / "study", "experiment=multilabel", *own)
    assert [t.state for t in trials] == ["completed", "completed"]
    assert {"optimizer.lr", "model.width", "model.depth"} <= set(trials[1].params)
