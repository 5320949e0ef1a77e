"""Boosted trees as a module: scikit-learn's predictions, as tensors that any command can use."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from torch import nn

import runs
from quintet.artifacts import checkpoints
from quintet.artifacts.untrusted_files import understood
from quintet.base.errors import Code
from quintet.base.paths import CONFIGS
from quintet.commands.check import check
from quintet.commands.evaluation import evaluate
from quintet.commands.export import export
from quintet.modules.boosted_trees import BoostedTrees
from quintet.modules.tree_ensemble import TreeEnsemble, TreeFeatures
from quintet.testing.running import ran
from refusals import Refusal
from usual import every

TREES = ("module=boosted_trees", "trainer=cpu", "report=false", "callbacks.progress=null")


def mixed_table(rows: int = 600) -> tuple[torch.Tensor, np.ndarray]:
    """Return numbers with gaps, a category of six codes and one of 400, and a target."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(rows, 2))
    few, many = rng.integers(0, 6, rows), rng.integers(0, 400, rows)
    y = numbers[:, 0] ** 2 + 2 * (few == 3) + np.sin(many) + rng.normal(size=rows) / 10
    numbers[rng.random((rows, 2)) < 0.1] = np.nan
    return torch.from_numpy(np.column_stack([numbers, few, many])).float(), y


@pytest.mark.parametrize("classes", [0, 2, 4])
def test_the_tensors_predict_what_scikit_learn_predicts(classes: int) -> None:
    x, y = mixed_table()
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    if classes:
        y = np.digitize(y, np.quantile(y, np.linspace(0, 1, classes + 1)[1:-1]))
    features = TreeFeatures(2, [7, 400])  # no row has the seventh code
    model = kind(max_iter=20, categorical_features=[0], early_stopping=False)
    model.fit(features.fit(x, y, 0), y)
    outputs = classes if classes > 2 else 1
    ensemble = TreeEnsemble(features, outputs)
    ensemble.load_trees(torch.zeros(outputs), [(model, range(outputs))])
    new = x.clone()
    new[:20, 2] = 6
    columns = features(new).numpy()
    raw = model.decision_function(columns) if classes else model.predict(columns)
    np.testing.assert_allclose(ensemble(new).numpy(), raw.reshape(len(x), -1), atol=1e-5)


@pytest.fixture
def wine(once: Any) -> Path:
    """Return a run with as many trees as scikit-learn's default."""

    def make(folder: Path) -> None:
        ran(folder / "run", *TREES, "data=wine", "trainer.max_epochs=10")

    folder: Path = once("boosted_trees", make) / "run"
    return folder


def test_a_run_is_as_good_as_the_baseline_of_the_same_trees(wine: Path) -> None:
    record = runs.record(wine)
    for split, scores in (("val", record["validation"]), ("test", record["test"])):
        assert scores["accuracy"] == pytest.approx(record["baselines"]["boosting"][split])
    assert record["parameters"] == 0
    assert runs.epochs(wine) == 10


def config(command: str, run: Path, **settings: Any) -> Any:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        cfg = compose(command, [f"paths.run={run}", "trainer=cpu"] * (command == "evaluate"))
    cfg.run = str(run)
    for key, value in settings.items():
        cfg[key] = value
    return cfg


def test_it_is_evaluated_and_exported_like_any_other_run(wine: Path, tmp_path: Path) -> None:
    record = runs.record(wine)
    assert evaluate(config("evaluate", wine)) == {
        "val": record["validation"],
        "test": record["test"],
    }
    place = export(config("export", wine, output=str(tmp_path / "out"), formats=["torch"]))
    assert (place / "model.pt2").is_file()


def test_a_longer_run_grows_the_same_trees_again(tmp_path: Path) -> None:
    usual = (*TREES, "data=wine", "baselines=false", "test=false", "module.max_features=0.5")
    whole, parts = (f"hydra.run.dir={tmp_path / name}" for name in ("whole", "parts"))
    for words in (
        (*usual, whole, "trainer.max_epochs=4"),
        (*usual, parts, "trainer.max_epochs=2"),
        (f"resume={tmp_path / 'parts'}", "trainer.max_epochs=4"),
    ):
        command = [sys.executable, str(runs.ROOT / "src/train.py"), *words]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    at_once, resumed = (
        checkpoints.load(tmp_path / name / "checkpoints/last.ckpt")["state_dict"]
        for name in ("whole", "parts")
    )
    assert all(torch.equal(at_once[name], resumed[name]) for name in at_once)


@pytest.mark.parametrize(
    "choice",
    every(
        3,
        map(
            pytest.param,
            [
                ("data=breast_cancer", "loss=cross_entropy"),
                ("data=breast_cancer", "loss=weighted_bce"),
                ("data=digits_imbalanced", "loss=weighted_cross_entropy"),
                ("data=digits_multilabel",),
                ("data=diabetes", "loss=mae", "metric=mae"),
                ("data=diabetes", "loss=huber"),
                ("data=wine", "loss=focal"),
                ("data=breast_cancer", "loss=binary_focal"),
                ("data=fair",),
            ],
        ),
    ),
)
def test_every_kind_of_target_is_learnt(tmp_path: Path, choice: tuple[str, ...]) -> None:
    ran(tmp_path / "run", *TREES, *choice, "trainer.max_epochs=2", "test=false")
    record = runs.record(tmp_path / "run")
    sign = 1 if record["metric"]["mode"] == "max" else -1
    assert sign * record["metric"]["value"] > sign * record["baselines"]["dummy"]["val"]
    losses = [float(row["val/loss"]) for row in rows(tmp_path / "run")]
    assert losses[1] < losses[0]


def test_several_targets_have_trees_of_their_own(tmp_path: Path) -> None:
    x, y = mixed_table(200)
    table = np.column_stack([np.nan_to_num(x), y, -2 * y])
    np.savetxt(tmp_path / "t.csv", table, delimiter=",", header="a,b,c,d,y,z", comments="")
    data = ("data=csv", f"data.path={tmp_path / 't.csv'}", "data.target=[y,z]", "data.test=0")
    fits = ("loss=mse", "metric=rmse", "test=false", "trainer.max_epochs=2")
    ran(tmp_path / "run", *TREES, *data, *fits)
    record = runs.record(tmp_path / "run")
    assert record["metric"]["value"] < record["baselines"]["dummy"]["val"]
    state = checkpoints.load(tmp_path / "run/checkpoints/best.ckpt")["state_dict"]
    assert state["model.shares"].sum(0).tolist() == [20, 20]


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="") as file:
        return [*csv.DictReader(file)]


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("steps", lambda _: torch.zeros(10**6, dtype=torch.bool)),
        *(("feature", lambda t, at=at: t * 0 + at) for at in (-1, 4, 2**62)),
        *(("left", lambda t, at=at: t * 0 + at) for at in (-1, 10**9)),
        ("right", lambda t: t * 0 + t.shape[-1]),
        ("category", lambda t: t * 0 + 10**9),
        ("feature", lambda t: t.float() * torch.nan),
        ("threshold", lambda t: t[..., :1]),
        ("value", lambda t: t[0]),
        ("shares", lambda t: t[:, :1].repeat(1, 9)),
        ("prior", lambda t: t.sum()),
        ("members", lambda t: t[:, :2]),
        ("features.codes_2", lambda t: t[:1]),
        ("features.means_3", lambda t: t[:1]),
        ("features.means_3", lambda t: t.sum()),
    ],
)
def test_tensors_that_are_not_trees_are_refused(name: str, make: Any) -> None:
    """They may come with an untrusted checkpoint."""
    x, y = mixed_table()
    features = TreeFeatures(2, [7, 400])
    model = HistGradientBoostingRegressor(max_iter=3, categorical_features=[0])
    model.fit(features.fit(x, y, 0), y)
    ensemble = TreeEnsemble(features, 1)
    ensemble.load_trees(torch.zeros(1), [(model, [0])])
    tensors = ensemble.state_dict()
    TreeEnsemble(TreeFeatures(2, [7, 400]), 1).resize(tensors)
    tensors[name] = make(tensors[name])
    with Refusal(Code.DAMAGED), understood(Path("best.ckpt")):
        TreeEnsemble(TreeFeatures(2, [7, 400]), 1).resize(tensors)


def test_a_checkpoint_whose_trees_lead_nowhere_is_refused_by_name(
    wine: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(wine, run)
    for path in (run / "checkpoints").iterdir():
        state = torch.load(path, weights_only=True)
        state["state_dict"]["model.steps"] = torch.zeros(10**7, dtype=torch.bool)
        torch.save(state, path)
    with Refusal(Code.DAMAGED, match=r"best\.ckpt"):
        evaluate(config("evaluate", run))


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    facts = {"task": "regression", "kind": "table", "input_shape": [2], "num_targets": 1}
    with Refusal(Code.INCOMPATIBLE, "loss", "SmoothL1Loss"):
        BoostedTrees(nn.SmoothL1Loss(), None, facts, metric_name="rmse")  # type: ignore[arg-type]
    with Refusal(Code.OUT_OF_RANGE, "module.trees"):
        BoostedTrees(nn.MSELoss(), None, facts, metric_name="rmse", trees=0)  # type: ignore[arg-type]
    with Refusal(Code.INCOMPATIBLE, "module"):
        BoostedTrees(nn.MSELoss(), None, {**facts, "kind": "tokens"}, metric_name="rmse")  # type: ignore[arg-type]
    with Refusal(Code.INCOMPATIBLE, "data.sampler"):
        ran(tmp_path / "other", *TREES, "data=wine", "data.sampler=balanced")
    with Refusal(Code.INCOMPATIBLE, "callbacks.ema"):
        ran(tmp_path / "run", *TREES, "data=wine", "callbacks=[default,ema]")


def test_check_says_that_there_are_no_gradients(tmp_path: Path) -> None:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        cfg = compose("check", ["module=boosted_trees", "data=wine", f"paths.run={tmp_path}"])
    with Refusal(Code.INCOMPATIBLE, "module"):
        check(cfg)


def test_a_checkpoint_holds_tensors_alone(wine: Path) -> None:
    state = torch.load(wine / "checkpoints/best.ckpt", weights_only=True)
    assert state["state_dict"]["model.value"].shape[0] == 300  # 100 for each class
    assert json.loads((wine / "result.json").read_text())["best_epoch"] >= 1
