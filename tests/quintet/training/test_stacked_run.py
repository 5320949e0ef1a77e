"""A run trained in a stack equals the same run trained alone."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import initialize_config_dir

import runs
from quintet.base import paths
from quintet.study.trial_pipe import EXIT, RERUN, TrialPipe
from quintet.sweep.stacked_trials import Composer
from quintet.training import experiment, stacked_run
from usual import every

FIXED = ("trainer=cpu", "baselines=false", "report=false", "trainer.max_epochs=2")
Params = Mapping[str, str]

CASES: dict[str, tuple[tuple[str, ...], list[Params]]] = {
    "digits": (
        ("data=digits", "model.width=16"),
        [
            {"optimizer.lr": "1e-3", "model.dropout": "0.2", "loss.label_smoothing": "0.0"},
            {"optimizer.lr": "3e-3", "model.dropout": "0.4", "loss.label_smoothing": "0.1"},
            {"optimizer.lr": "2e-3", "init": "xavier_uniform", "data.order_seed": "3"},
            {"optimizer.lr": "1e-3", "seed": "7", "scheduler": "plateau"},
        ],
    ),
    "mup": (
        ("data=digits", "model.width=32", "optimizer=adamw"),
        [
            {"optimizer.lr": "1e-3", "init": "mup", "init.base_width": "8"},
            {"optimizer.lr": "2e-3", "init": "mup", "init.base_width": "16"},
        ],
    ),
    "diabetes": (
        ("data=diabetes", "model.width=16", "optimizer=adamw", "loss=mse", "metric=rmse"),
        [
            {"optimizer.lr": "1e-3", "optimizer.weight_decay": "0.1"},
            {"optimizer.lr": "3e-3", "optimizer.weight_decay": "0.01", "scheduler": "cosine"},
        ],
    ),
    "images": (
        ("data=digits", "model=cnn", "model.width=4", "optimizer=sgd_momentum"),
        [{"optimizer.lr": "1e-3"}, {"optimizer.lr": "1e-2", "optimizer.nesterov": "true"}],
    ),
    "text": (
        (
            "data=unicode_names",
            "data.fraction=0.02",
            "model=transformer",
            "model.dropout=0",
            "optimizer=sgd_momentum",
        ),
        [{"optimizer.lr": "1e-3"}, {"optimizer.lr": "2e-3"}],
    ),
    "residual": (
        (
            "data=digits",
            "data.fraction=0.2",
            "model=resnet",
            "model.width=4",
            "optimizer=sgd_momentum",
        ),
        [{"optimizer.lr": "1e-3"}, {"optimizer.lr": "3e-3", "init": "xavier_uniform"}],
    ),
    "batch norm": (
        ("data=digits", "model.width=16", "model.batch_norm=true", "optimizer=sgd_momentum"),
        [{"optimizer.lr": "1e-3"}, {"optimizer.lr": "3e-3"}],
    ),
}


class Sweep:
    """Replaces the sweep: answers reports, and keeps the messages."""

    def __init__(self, stops: Mapping[int, int]) -> None:
        self.stops, self.messages = stops, dict[int, list[Any]]()

    def pipe(self, number: int) -> "RecordedPipe":
        self.messages[number] = []
        return RecordedPipe(number, -1, -1, self)


class RecordedPipe(TrialPipe):
    def __init__(self, number: int, reports: int, answers: int, sweep: Sweep) -> None:
        super().__init__(number, reports, answers)
        object.__setattr__(self, "sweep", sweep)

    def _send(self, what: Any) -> None:
        self.sweep.messages[self.number].append(what)  # type: ignore[attr-defined]

    def receive_decision(self) -> bool:
        epochs = self.sweep.messages[self.number][-1][0]  # type: ignore[attr-defined]
        return epochs == self.sweep.stops.get(self.number)  # type: ignore[attr-defined]


def compose(fixed: Sequence[str], params: Sequence[Params], folder: Path) -> list[Any]:
    """Return the config of each run, as a stack's process composes them."""
    composer = Composer([*FIXED, *fixed])
    places = [folder / str(number) for number in range(len(params))]
    for place in places:
        place.mkdir(parents=True)
    with initialize_config_dir(str(paths.CONFIGS), version_base="1.3"):
        return [composer.compose(p, place) for p, place in zip(params, places, strict=True)]


@pytest.fixture
def stacked(tmp_path, monkeypatch):
    """Train runs in a stack; return each one's messages to the sweep."""

    def stacked(fixed, params, stops=()):
        monkeypatch.setenv("QUINTET_TRIAL", "{}")
        sweep = Sweep(dict(stops))
        configs = compose(fixed, params, tmp_path / "stacked")
        stacked_run.train(configs, [sweep.pipe(number) for number in range(len(params))])
        monkeypatch.delenv("QUINTET_TRIAL")
        return sweep.messages

    monkeypatch.setenv("PROJECT_ROOT", str(paths.ROOT))
    return stacked


def alone(fixed, params, folder):
    """Train the same runs one by one; return their folders."""
    configs = compose([*fixed, "test=false"], params, folder)
    for composed in configs:
        experiment.run(composed.cfg)
    return [folder / str(number) for number in range(len(params))]


def weights(folder, name="last"):
    state = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)
    return {k: v for k, v in state["state_dict"].items() if k.startswith("model.")}, state


def counted(state):
    """Return a checkpoint's counters, but for those of schedules that Lightning itself steps.

    Nor the loader's position, which an epoch that has ended does not need.
    """
    counters = state["loops"]["fit_loop"]
    left_out = ("scheduler", "state_dict")
    return {key: v for key, v in counters.items() if not any(word in key for word in left_out)}


def assert_alike(mine, other):
    (own, state), (theirs, whole) = weights(mine), weights(other)
    assert own.keys() == theirs.keys()
    for name, tensor in own.items():
        assert torch.allclose(tensor, theirs[name], atol=1e-5), name
    assert state.keys() == whole.keys()
    assert state["callbacks"].keys() == whole["callbacks"].keys()
    assert counted(state) == counted(whole)
    rows = [(folder / "metrics.csv").read_text().splitlines() for folder in (mine, other)]
    assert rows[0][0] == rows[1][0]
    for row in zip(*rows, strict=True):
        if row[0] != rows[0][0]:
            numbers = [[float(cell) for cell in each.split(",")] for each in row]
            assert numbers[0] == pytest.approx(numbers[1], rel=1e-3)
    here, there = runs.record(mine), runs.record(other)
    for key in ("status", "best_epoch", "epochs", "parameters", "layers", "choices", "facts"):
        assert here[key] == there[key]
    assert here["metric"]["value"] == pytest.approx(there["metric"]["value"], rel=1e-4)
    assert here["validation"].keys() == there["validation"].keys()


@pytest.mark.parametrize("case", every(6, CASES))
def test_a_run_equals_the_run_alone(stacked, tmp_path, case):
    fixed, params = CASES[case]
    messages = stacked(fixed, params)
    for number, folder in enumerate(alone(fixed, params, tmp_path / "alone")):
        assert messages[number][-1] == {EXIT: 0}
        assert_alike(tmp_path / "stacked" / str(number), folder)


def test_a_stopped_run_continues_by_itself(stacked, tmp_path):
    fixed, params = ("model.width=16", "trainer.max_epochs=3"), [{"seed": "1"}, {"seed": "2"}]
    messages = stacked(fixed, params, stops={0: 1})
    mine = tmp_path / "stacked" / "0"
    assert messages[0][-1] == {EXIT: 0}
    assert [len(each) for each in messages.values()] == [2, 4]
    assert runs.record(mine)["status"] == "pruned"
    assert runs.record(tmp_path / "stacked" / "1")["epochs"] == 3
    runs.train(None, f"resume={mine}")
    (other,) = alone(fixed, params[:1], tmp_path / "alone")
    own, theirs = weights(mine)[0], weights(other)[0]
    assert all(torch.allclose(own[name], theirs[name], atol=1e-5) for name in theirs)


def test_a_diverging_run_hurts_nobody(stacked, tmp_path):
    fixed = ("model.width=16", "optimizer=sgd", "scheduler=constant")
    params = [{"optimizer.lr": "1e-2"}, {"optimizer.lr": "1e38"}]
    messages = stacked(fixed, params)
    assert messages[1][-1] == {EXIT: 1}
    assert runs.record(tmp_path / "stacked" / "1")["status"] == "diverged"
    (other,) = alone(fixed, params[:1], tmp_path / "alone")
    assert_alike(tmp_path / "stacked" / "0", other)


def test_each_run_stops_early_by_itself(stacked, tmp_path):
    fixed = ("model.width=16", "trainer.max_epochs=4", "optimizer=sgd", "scheduler=constant")
    params = [
        {"optimizer.lr": "1e-12", "callbacks.early_stopping.patience": "1"},
        {"optimizer.lr": "1e-12", "callbacks.early_stopping.patience": "30"},
    ]
    stacked(fixed, params)
    assert [runs.record(tmp_path / "stacked" / n)["epochs"] for n in "01"] == [2, 4]


def test_what_cannot_be_stacked_is_sent_back(stacked):
    messages = stacked(("data=moons", "model.width=8"), [{"optimizer.lr": "-1"}, {"seed": "1"}])
    assert [*messages[0][-1]] == [RERUN]
    assert messages[1][-1] == {EXIT: 0}


def test_the_process_of_a_stack_is_shared_out(stacked, tmp_path):
    stacked(("model.width=8",), [{"seed": "1"}, {"seed": "2"}])
    spent = [runs.record(tmp_path / "stacked" / n)["cpu_seconds"] for n in "01"]
    assert 0 < sum(spent) < sum(os.times()[:4])
    assert json.loads((tmp_path / "stacked/0/result.json").read_text())["sessions"] == 1
