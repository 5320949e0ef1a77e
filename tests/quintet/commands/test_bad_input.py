"""Each mistake ends with one message that says what was given, what is allowed and what to do."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException

import runs
from quintet.base.errors import Code
from quintet.config.error_messages import as_user_error
from runs import ROOT
from usual import every

CSV = ("data=csv", "metric=rmse", "loss=mse", "data.target=y")


def message(train_here, folder, *overrides):
    with pytest.raises(SystemExit) as ended:
        train_here(folder, *overrides)
    text = str(ended.value.code)
    assert text.startswith("Error: "), text
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize(
    ("script", "word"),
    every(
        4,
        [
            ("train", "resume"),
            ("train", "hydra.run.dir"),
            ("train", "model.weights"),
            ("train", "data.path"),
            ("check", "data.path"),
            ("inspect_data", "data.path"),
            ("evaluate", "run"),
            ("predict", "input"),
            ("export", "run"),
            ("report", "sweep"),
            ("compare", "a"),
            ("ensemble", "sweep"),
            ("steer", "run"),
        ],
    ),
)
def test_a_path_that_refers_to_nothing_is_refused(script, word, tmp_path):
    """As a hint of ours would have it typed, before the variable is set."""
    data = ["data=csv"] if word == "data.path" else []
    place = [f"paths.logs={tmp_path}"] if script == "train" else []
    for text, why in (
        ("${oc.env:NOWHERE}/x", "variable NOWHERE is not set"),
        ("${no.key}", "no.key"),
    ):
        command = [sys.executable, str(ROOT / "src" / f"{script}.py"), *data, *place]
        done = subprocess.run([*command, f"{word}={text}"], capture_output=True, text=True)
        assert done.returncode == 1
        (said,) = done.stderr.splitlines()
        assert said.startswith(f"Error: {word}"), said
        assert "raised while" not in said
        assert why in said


def test_a_group_of_another_command_is_refused_without_a_suggestion():
    with (
        initialize_config_dir(str(ROOT / "configs"), version_base="1.3"),
        pytest.raises(HydraException) as raised,
    ):
        compose("ensemble", ["trainer=cpu"])
    found = as_user_error(raised.value)
    assert (found.code, found.key, found.allowed) == (Code.INCOMPATIBLE, "trainer", ())


def test_a_path_of_a_whole_tree_that_refers_to_nothing_is_refused(run_train):
    done = run_train(None, "paths.logs=${oc.env:NOWHERE}", check=False)
    (said,) = done.stderr.splitlines()
    assert said.startswith("Error: ")
    assert "the environment variable NOWHERE is not set" in said


@pytest.mark.parametrize(
    ("overrides", "says"),
    every(
        2,
        [
            (["optimizer=adm"], ["optimizer=adm", "'adam'", "sgd_momentum"]),
            (["optimzer=adam"], ["optimzer is not a key", "'optimizer'"]),
            (
                ["trainer.barebones=true"],
                ["an argument of lightning.pytorch.Trainer", "+trainer.bare"],
            ),
            (
                ["+trainer.fast_dev_run=true"],
                ["fast_dev_run is in the config already", "Leave the + out"],
            ),
            (["optimizer.lrx=1"], ["optimizer.lrx", "'lr'"]),
            (["data.bacth_size=3"], ["data.bacth_size", "'batch_size'"]),
            (["+modell.width=3"], ["modell", "'model'"]),
            (["+model.wdith=3"], ["model.wdith", "'width'"]),
            (["callbacks=emaa"], ["callbacks=emaa", "'ema'"]),
            (["seed=abc"], ["seed=abc", "int"]),
            (["seed=-1"], ["seed=-1", "0 to 4294967295"]),
            (["threads=0"], ["threads=0", "1 to"]),
            (["optimizer.lr=fast"], ["optimizer.lr=fast", "float"]),
            (["optimizer.lr=-1"], ["optimizer", "-1"]),
            (["model.width=wide"], ["model.width=wide", "int"]),
            (["model.width=[8,8]", "model.depth=3"], ["model.width=[8, 8]", "model.depth=3"]),
            (["model.activation=rleu"], ["model.activation=rleu", "'relu'"]),
            (["trainer.max_epochs=ten"], ["trainer.max_epochs=ten", "int"]),
            (["trainer.gradient_clip_algorithm=vlaue"], ["vlaue", "'value'", "'norm'"]),
            (["trainer.max_time=abc"], ["abc", "DD:HH:MM:SS"]),
            (["trainer.precision=bf17"], ["trainer.precision=bf17", "'bf16'", "32-true"]),
            (["optimizer.betas=[0.9]"], ["optimizer.betas=[0.9]", "2 numbers"]),
            (["data.batch_size=0"], ["data.batch_size=0", "at least 1"]),
            (["data.val=0"], ["data.val=0"]),
            (["data.val=0.5", "data.test=0.5"], ["data.val=0.5", "data.test=0.5"]),
            (["data.scale=zscore"], ["data.scale=zscore", "standard"]),
            (["loss=mse"], ["loss=mse", "multiclass", "loss=cross_entropy"]),
            (["metric=rmse"], ["metric=rmse", "multiclass", "metric=accuracy"]),
            (["data=diabetes", "model=cnn"], ["model=cnn", "table", "model=linear"]),
            (["data=digits_multilabel", "loss=cross_entropy"], ["multilabel", "loss=bce"]),
            (["init=zeros"], ["symmetry", "init.force=true"]),
            (["model._target_=os.system"], ["system takes no 'input_shape'"]),
            (["model._target_=nowhere.Net"], ["nowhere.Net", "cannot be imported"]),
            (["model._target_=print"], ["model._target_=print", "full path"]),
            (["+init.weight._args_=[1]"], ["init.weight._args_[0]=1", "Tensor"]),
            (["model._target_=quintet.options.models.mlp.MPL"], ["no MPL in", "'MLP'"]),
        ],
    ),
    ids=lambda value: " ".join(value) if isinstance(value, list) and "=" in value[0] else "",
)
def test_a_mistake_on_the_command_line(train_here, tmp_path, overrides, says):
    text = message(train_here, tmp_path / "run", *overrides)
    for part in says:
        assert part in text
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_key_that_an_experiment_file_brings_in(train_here, tmp_path):
    path = ROOT / "configs" / "experiment" / "mistaken.yaml"
    path.write_text("# @package _global_\n# A mistake.\noptimizer:\n  learning_rate: 0.1\n")
    try:
        text = message(train_here, tmp_path / "run", "experiment=mistaken")
    finally:
        path.unlink()
    assert "optimizer.learning_rate" in text
    assert "lr" in text


def test_a_list_in_a_file_where_a_run_has_one_choice(train_here, tmp_path):
    path = ROOT / "configs" / "experiment" / "listed.yaml"
    lines = (
        "# @package _global_",
        "# A mistake.",
        "defaults:",
        "  - override /optimizer: [adam, sgd]",
    )
    path.write_text("\n".join(lines) + "\n")
    try:
        text = message(train_here, tmp_path / "run", "experiment=listed")
    finally:
        path.unlink()
    assert text.startswith("Error: optimizer is a list")


def table(path, rows=60, **changes):
    draw = np.random.default_rng(0)
    columns = {"a": draw.normal(size=rows), "b": draw.normal(size=rows)}
    frame = pd.DataFrame(columns | {"y": draw.normal(size=rows)} | changes)
    frame.to_csv(path, index=False)
    return f"data.path={path}"


@pytest.mark.parametrize(
    ("changes", "overrides", "says"),
    [
        ({}, ["data.target=yy"], ["data.target=yy", "'y'"]),
        ({"y": [np.nan] + [1.5] * 59}, [], ["y"]),
        ({"a": [np.inf] + [1.0, 2.0] * 29 + [0.0]}, [], ["infinite"]),
        ({"y": ["one"] * 60}, ["metric=accuracy", "loss=cross_entropy"], ["one"]),
        ({"y": ["p", "q"] * 30}, [], ["loss=mse", "binary", "loss=bce"]),
        (
            {"y": ["p"] * 59 + ["q"]},
            ["metric=accuracy", "loss=cross_entropy"],
            ["q"],
        ),
    ],
    ids=["target", "nan", "infinite", "one-class", "misfit", "class-absent"],
)
def test_a_table_that_cannot_be_learnt(train_here, tmp_path, changes, overrides, says):
    path = table(tmp_path / "table.csv", **changes)
    text = message(train_here, tmp_path / "run", *CSV, path, "model=mlp", *overrides)
    for part in says:
        assert part in text
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_file_that_is_not_there(train_here, tmp_path):
    table(tmp_path / "houses.csv")
    text = message(train_here, tmp_path / "run", *CSV, f"data.path={tmp_path}/house.csv")
    assert "house.csv" in text
    assert "'houses.csv'" in text


def test_a_file_that_is_not_a_table(train_here, tmp_path):
    (tmp_path / "picture.csv").write_bytes(bytes(range(256)) * 10)
    text = message(train_here, tmp_path / "run", *CSV, f"data.path={tmp_path}/picture.csv")
    assert "picture.csv" in text


def test_a_device_that_is_not_there(train_here, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    text = message(train_here, tmp_path / "run", "trainer=gpu")
    assert "trainer=cpu" in text


def test_a_refused_run_says_so_in_its_record(train_here, tmp_path):
    words = ("data=csv", "data.path=nowhere.csv", "data.target=y", "metric=rmse", "loss=mse")
    message(train_here, tmp_path / "run", *words)
    record = json.loads((tmp_path / "run" / "result.json").read_text())
    assert record["status"] == "failed"
    assert "nowhere.csv" in record["reason"]


@pytest.mark.parametrize("override", ["debug=true", "debug=True", "++debug=TRUE", "+debug=true"])
@pytest.mark.parametrize("mistake", ["loss=mse", "loss=msee"])
def test_debug_gives_the_traceback_however_it_is_spelt(train_here, tmp_path, override, mistake):
    with pytest.raises(SystemExit, match="Traceback"):
        train_here(tmp_path / "run", mistake, override)


def test_debug_in_an_experiment_file_gives_the_traceback(train_here, tmp_path):
    path = ROOT / "configs" / "experiment" / "debugged.yaml"
    path.write_text("# @package _global_\n# With tracebacks.\ndebug: true\n")
    try:
        with pytest.raises(SystemExit, match="Traceback"):
            train_here(tmp_path / "run", "experiment=debugged", "loss=mse")
    finally:
        path.unlink()


def test_a_place_that_cannot_be_written_to(train_here, tmp_path):
    (tmp_path / "file").touch()
    text = message(train_here, tmp_path / "file" / "run")
    assert f"{tmp_path}/file" in text
    assert "paths.logs=" in text


@pytest.mark.slow
def test_a_console_that_knows_only_ascii(run_train, tmp_path):
    ascii_only = runs.environment() | {"PYTHONIOENCODING": "ascii"}
    run_train(tmp_path / "run", "trainer.max_epochs=1", env=ascii_only)
    assert runs.record(tmp_path / "run")["status"] == "completed"


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("optimizer.lr=-1", "optimizer.lr=-1 is out of range"),
        ("optimizer.betas=[2,3]", "is out of range"),
        ("scheduler.warmup=1.5", "scheduler.warmup=1.5"),
        ("scheduler.pct_start=2", "pct_start"),
    ],
)
def test_a_rate_out_of_range_is_refused_before_the_data_is_read(
    train_here, tmp_path, override, says
):
    text = message(train_here, tmp_path / "run", *CSV, "data.path=/nowhere.csv", override)
    assert says in text
    assert not (tmp_path / "run" / "config.yaml").exists()
