"""Every preset composes, trains and is as good as docs/presets.md says; a typo in one is caught."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.types import RunMode

from needs import of_group
from options import own
from quintet.base.errors import UserError
from quintet.training.build import data
from quintet.training.experiment import run
from running import CONFIGS, SHORT, composed, ran
from usual import every

PRESETS = [name for name in own("experiment") if name != "automl"]  # which is a sweep
EXPECTED = {
    "classification": ("accuracy", "cross_entropy", "he", "adam"),
    "regression": ("rmse", "mse", "he", "adam"),
    "imbalanced": ("f1", "weighted_cross_entropy", "xavier", "adamw"),
    "forecasting": ("rmse", "mse", "he", "rmsprop"),
    "image": ("accuracy", "cross_entropy", "he", "sgd_momentum"),
    "multilabel": ("f1", "bce", "he", "adam"),
    "text": ("accuracy", "cross_entropy", "xavier", "adam"),
    "segmentation": ("iou", "cross_entropy", "he", "adam"),
}
"""What the field chooses for each problem: P, C, W (its family) and A."""


def chosen(preset: str) -> dict[str, str]:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        cfg = compose("train", [f"experiment={preset}"], return_hydra_config=True)
    return dict(cfg.hydra.runtime.choices)


@pytest.mark.parametrize("preset", of_group("experiment", EXPECTED))
def test_makes_the_choices_of_its_problem(preset):
    metric, loss, init, optimizer = EXPECTED[preset]
    made = chosen(preset)
    assert (made["metric"], made["loss"], made["optimizer"]) == (metric, loss, optimizer)
    assert made["init"].startswith(init)


@pytest.mark.filterwarnings("error::quintet.options.inits.InitWarning")
@pytest.mark.parametrize("preset", every(3, of_group("experiment", EXPECTED)))
def test_trains(preset, tmp_path):
    record = ran(tmp_path, f"experiment={preset}", *SHORT)
    assert record.status == "completed"
    assert math.isfinite(record.test["loss"])


@pytest.mark.parametrize("preset", PRESETS)
def test_gives_way_to_the_command_line(preset):
    cfg = composed(Path("unused"), f"experiment={preset}", "optimizer=sgd", "optimizer.lr=0.5")
    assert cfg.optimizer._target_ == "torch.optim.SGD"
    assert cfg.optimizer.lr == 0.5


@pytest.fixture
def configs(tmp_path) -> Path:
    return Path(shutil.copytree(CONFIGS, tmp_path / "configs"))


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("sead: 3", "seed"),
        ("optimizer: {lrr: 0.1}", "lr"),
        ("trainer: {max_epoch: 3}", "max_epochs"),
        ("data: {vall: 0.3}", "val"),
        ("model: {widht: 8}", "width"),
        ("callbacks: {early_stoping: null}", "early_stopping"),
        ("callbacks: {early_stoping: {patience: 3}}", "early_stopping"),
    ],
)
def test_an_unknown_key_in_an_experiment_is_refused_with_the_nearest_name(
    line, near, configs, tmp_path
):
    (configs / "experiment" / "mine.yaml").write_text(f"# @package _global_\n{line}\n")
    with initialize_config_dir(str(configs), version_base="1.3"):
        cfg = compose("train", ["experiment=mine", f"paths.run={tmp_path}", *SHORT])
    with pytest.raises(UserError, match=f"Did you mean '{near}'"):
        run(cfg)


def splits(folder: Path, *overrides: str) -> tuple:
    """Return inputs and targets a run may learn from, then those of its test part."""
    module = data(composed(folder, *overrides))
    module.load()
    parts = {
        k: [t.flatten(1).squeeze(1).numpy() if t.ndim > 1 else t.numpy() for t in v]
        for k, v in module.splits.items()
    }
    known = [np.concatenate(pair) for pair in zip(parts["train"], parts["val"], strict=True)]
    return *known, *parts["test"]


def trained(folder: Path, *overrides: str) -> float:
    record = ran(folder / "run", *overrides, "seed=0", "trainer=cpu", "callbacks.progress=null")
    return record.test[record.metric.name]


def test_the_default_run_reads_digits(tmp_path):
    assert trained(tmp_path) >= 0.96


@pytest.mark.slow
def test_image_reads_digits_better_than_a_linear_model(tmp_path):
    from sklearn.linear_model import LogisticRegression

    x, y, new, truth = splits(tmp_path, "experiment=image", "seed=0")
    linear = LogisticRegression(max_iter=5000).fit(x, y).score(new, truth)
    assert trained(tmp_path, "experiment=image") >= max(0.98, linear)


def test_regression_is_within_five_percent_of_least_squares(tmp_path):
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import root_mean_squared_error

    x, y, new, truth = splits(tmp_path, "experiment=regression", "seed=0")
    linear = root_mean_squared_error(truth, LinearRegression().fit(x, y).predict(new))
    assert trained(tmp_path, "experiment=regression") <= 1.05 * linear


@pytest.mark.slow
def test_imbalanced_finds_the_rare_class_better_than_a_linear_model(tmp_path):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score

    x, y, new, truth = splits(tmp_path, "experiment=imbalanced", "seed=0")
    linear = LogisticRegression(max_iter=5000).fit(x, y)
    assert trained(tmp_path, "experiment=imbalanced") > f1_score(truth, linear.predict(new))


def test_forecasting_beats_an_autoregression_on_sunspots(tmp_path):
    assert trained(tmp_path, "experiment=forecasting") < 19.14  # AR(9), statsmodels, last 60 years


@pytest.mark.parametrize("command", ["check", "learning_curve", "inspect_data"])
def test_a_command_about_one_setup_sweeps_nothing_for_a_preset_that_is_a_sweep(command):
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        composed = compose(command, ["experiment=automl"], return_hydra_config=True)
    assert composed.hydra.mode is RunMode.RUN
