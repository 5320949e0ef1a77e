"""A run of each shipped module: what it records is what evaluate.py finds, and it predicts."""

import json

import numpy as np
import pytest
from hydra import compose, initialize_config_dir

import runs
from quintet.base.paths import CONFIGS
from quintet.commands.evaluation import evaluate
from quintet.commands.export import export
from quintet.commands.prediction import predict
from quintet.testing.running import ran

SMALL = {
    "autoencoder": ["module.width=8"],
    "contrastive": ["model.width=4"],
    "multitask": ["model.width=8"],
    "language_model": [
        *("model.width=8", "model.depth=1", "model.heads=2", "model.table=16"),
        *("module.new_tokens=3", "data.length=32", "data.batch_size=512", "threads=1"),
    ],
}
COMMON = ("trainer=cpu", "trainer.max_epochs=1", "trainer.limit_train_batches=2")
LEFT_OUT = ("callbacks.progress=null", "report=false", "baselines=false")
PREDICTED = {
    "autoencoder": {"code": (3, 8), "reconstruction": (3, 1, 8, 8)},
    "contrastive": {"feature": (3, 8)},
    "multitask": {"digit": (359,), "ink": (359,)},
    "language_model": {"prompt": (8,), "continuation": (8,)},
}


@pytest.fixture(params=SMALL)
def run(request, once):
    preset = request.param

    def make(folder):
        ran(folder / "run", f"experiment={preset}", *COMMON, *LEFT_OUT, *SMALL[preset])

    return preset, once(f"module_{preset}", make) / "run"


def config(command, run, **settings):
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        cfg = compose(command, [f"paths.run={run}", "trainer=cpu"] * (command == "evaluate"))
    cfg.run = str(run)
    for key, value in settings.items():
        cfg[key] = value
    return cfg


def test_evaluation_repeats_what_the_run_recorded(run):
    _, folder = run
    scores, record = evaluate(config("evaluate", folder)), runs.record(folder)
    assert scores == {"val": record["validation"], "test": record["test"]}
    assert record["metric"]["value"] == scores["val"][record["metric"]["name"]]


def test_predictions_have_a_name_and_a_shape(run, tmp_path):
    preset, folder = run
    given = {}
    if preset in ("autoencoder", "contrastive"):
        np.savez(tmp_path / "new.npz", x=np.zeros((3, 1, 8, 8), "float32"))
        given = {"input": str(tmp_path / "new.npz")}
    output = tmp_path / "predictions.npz"
    predict(config("predict", folder, output=str(output), **given))
    with np.load(output) as found:
        shapes = {name: found[name].shape for name in found.files if name != "sample"}
    assert shapes == PREDICTED[preset]


@pytest.mark.parametrize("run", ["language_model"], indirect=True)
def test_a_language_model_is_exported_for_any_number_of_sequences(run, tmp_path):
    _, folder = run
    place = export(config("export", folder, output=str(tmp_path / "out"), formats=["torch"]))
    assert (place / "model.pt2").is_file()
    assert json.loads((place / "preprocessing.json").read_text())["input_shape"] == [32]
