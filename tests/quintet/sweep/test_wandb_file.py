"""A file for `wandb sweep`: what W&B reads in it, and that what it draws can be trained."""

import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from quintet.study.space import Choice, Interval
from quintet.sweep.wandb_file import distribution
from runs import ROOT, SMALL, environment
from wandb_files import dashboard, files

jsonschema = pytest.importorskip("jsonschema")
SCHEMA = json.loads((Path(__file__).parent / "wandb_schema.json").read_text())


def written(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "src" / "wandb_sweep.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=ROOT)


@pytest.fixture(scope="module")
def everything() -> dict:
    """A sweep over the widest preset, with an optimizer on which others depend."""
    done = written(*SMALL[:-1], "search_space=[ng,optimizer]", "sweeper=asha", "sweeper.n_trials=9")
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


def drawn(parameter: dict, luck: random.Random) -> object:
    """Draw a value as W&B does."""
    if "values" in parameter:
        return luck.choice(parameter["values"])
    low, high, kind = parameter["min"], parameter["max"], parameter["distribution"]
    if kind == "int_uniform":
        return luck.randint(low, high)
    if kind == "uniform":
        return luck.uniform(low, high)
    value = math.exp(luck.uniform(math.log(low), math.log(high)))
    return round(value) if kind == "q_log_uniform_values" else value


def agents_command(told: dict, luck: random.Random) -> list[str]:
    """Return the command that `wandb agent` would start, by W&B's own code."""
    utils = pytest.importorskip("wandb.sdk.launch.sweeps.utils")
    values = {key: {"value": drawn(p, luck)} for key, p in told["parameters"].items()}
    made = utils.create_sweep_command_args({"args": values})
    made |= {"env": ["/usr/bin/env"], "interpreter": [sys.executable], "program": ["src/train.py"]}
    words: list[str] = []
    for chunk in utils.create_sweep_command(list(told["command"])):
        is_macro = chunk.startswith("${") and chunk.endswith("}")
        words += made[chunk[2:-1]] if is_macro else [chunk]
    return words


def test_wandbs_own_schema_takes_it(everything):
    jsonschema.Draft7Validator(SCHEMA).validate(everything)
    assert everything["metric"] == {"name": "val/accuracy", "goal": "maximize"}
    assert everything["early_terminate"] == {"type": "hyperband", "min_iter": 3, "eta": 3}
    assert everything["run_cap"] == 9


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (Interval("x", 0.1, 1), {"distribution": "uniform", "min": 0.1, "max": 1}),
        (
            Interval("x", 0.1, 1, "log"),
            {"distribution": "log_uniform_values", "min": 0.1, "max": 1},
        ),
        (Interval("x", 1, 9, integer=True), {"distribution": "int_uniform", "min": 1, "max": 9}),
        (
            Interval("x", 1, 9, "log", integer=True),
            {"distribution": "q_log_uniform_values", "q": 1, "min": 1, "max": 9},
        ),
        (
            Choice("x", ("1", "0.5", "true", "adam", "[1,2]", "null")),
            {"values": [1, 0.5, True, "adam", "[1,2]", "null"]},
        ),
    ],
)
def test_each_kind_of_parameter_in_wandbs_words(parameter, expected):
    assert distribution(parameter) == expected
    kind = {"$ref": "#/definitions/parameter", "definitions": SCHEMA["definitions"]}
    jsonschema.Draft7Validator(kind).validate(expected)


def test_a_reversed_scale_keeps_half_of_its_values_near_one():
    values = distribution(Interval("x", 0.9, 0.999, "reverse_log"))["values"]
    assert (values[0], values[-1]) == (0.9, 0.999)
    assert sum(value > 0.99 for value in values) == len(values) // 2


@pytest.mark.slow
def test_whatever_is_drawn_composes(everything):
    from hydra import compose, initialize_config_dir

    from quintet.config.wandb_agent import applicable

    luck, kept = random.Random(0), set()
    os.environ.setdefault("PROJECT_ROOT", str(ROOT))
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        for optimizer in ("adam", "rmsprop", "sgd_momentum"):
            assert optimizer in everything["parameters"]["optimizer"]["values"]
            fixed = {**everything["parameters"], "optimizer": {"values": [optimizer]}}
            told = {**everything, "parameters": fixed}
            env, when, _python, _program, *words = agents_command(told, luck)
            assert env == "/usr/bin/env"
            words = applicable(words, dict([when.split("=", 1)]))
            compose("train", words)
            kept |= {optimizer} if any(w.startswith("optimizer.alpha=") for w in words) else set()
    assert kept == {"rmsprop"}, "the only one that has an alpha"


@pytest.mark.slow
def test_a_drawn_run_trains_as_the_agents_own(everything, tmp_path):
    words = agents_command(everything, random.Random(1))
    own = {"WANDB_SWEEP_ID": "s1", "WANDB_RUN_ID": "r1", "WANDB_MODE": "offline"}
    place = [f"hydra.run.dir={tmp_path}/run", "trainer.max_epochs=1"]
    done = subprocess.run(
        [*words, *place], capture_output=True, text=True, env={**environment(), **own}, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    (path,) = files(tmp_path / "run")
    shown = dashboard(path)
    assert path.name == "run-r1.wandb"
    assert shown.run["sweep_id"] == "s1"
    assert "val/accuracy" in shown.rows[0], "what the sweep goes by"
    assert not [key for key in shown.summary if key.startswith("test/")], "trials open no test set"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("sweeper=genetic", "search_space=high"), "no counterpart in W&B"),
        (("search_space=high",), "sweeper=grid needs a list of values"),
        (("optimizer.lr=1,2", "logger=csv"), "logger=wandb"),
    ],
)
def test_what_wandb_cannot_do_is_refused(words, says):
    done = written(*words)
    assert done.returncode == 1
    assert says in done.stderr
    assert not done.stdout
