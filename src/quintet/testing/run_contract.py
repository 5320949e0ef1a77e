"""Every option is trained in a short run, and combinations that do not fit raise an error."""

import itertools
import math
import random
import re
from pathlib import Path
from typing import Any

import pytest

from quintet.artifacts import steering_files
from quintet.artifacts.steering_files import Change
from quintet.base.errors import UserError
from quintet.config.compatibility import check_choices
from quintet.problems import PROBLEMS
from quintet.testing.compose import computed, names, read, sources
from quintet.testing.running import SHORT, composed, ran

PREFERRED = ("wine", "breast_cancer", "diabetes", "digits", "sunspots", "digits_multilabel")
"""Data sets that train fast; if they were removed, another of the same kind is used."""

BUNDLED = [n for n in sources() if "path" not in read("data", n)]
"""Sources that need no file from the user."""


def small(fact: str) -> dict[str, str]:
    """Return a bundled data set for each value of `task` or `kind`."""
    order = [*(n for n in PREFERRED if n in BUNDLED), *(n for n in BUNDLED if n not in PREFERRED)]
    found = {read("data", name).get(fact): name for name in reversed(order)}
    return {need: name for need, name in found.items() if need}


BY_TASK, BY_KIND = small("task"), small("kind")
ANY = next(iter(BY_TASK.values()))
PRESETS = [n for n in names("experiment") if "mode" not in read("experiment", n).get("hydra", {})]
"""Presets of single runs; one that sets hydra.mode is a sweep."""

NEEDED = {
    "init/zeros": ["init.force=true"],
    "init/ones": ["init.force=true"],
    "callbacks/unfreeze": ["callbacks.unfreeze.frozen_epochs={hidden:1}"],
    "callbacks/replay": ["callbacks.replay.run=${paths.run}/../steered"],
}
"""What some options are nothing without."""
STEERED = Change("", "", 0, 0, "optimizer.lr", 0.001, 0.0005)
"""A change for `callbacks=replay` to repeat."""
SMALL = {
    "language_model": [
        *("model.width=16", "model.heads=2", "module.new_tokens=8", "threads=1"),
        *("data.length=32", "data.batch_size=64"),
    ]
}
"""Presets whose model takes half a minute to evaluate, made smaller."""
COMMON = ["init", "optimizer", "scheduler", "callbacks"]
"""Groups whose options fit all data."""


def fitting(group: str, option: str) -> list[str]:
    """Return the tasks or kinds that an option fits; all if it has no `fits`."""
    everything = [*(BY_KIND if group == "model" else BY_TASK)]
    return list(read(group, option).get("fits", everything))


def pairs(group: str, options: list[str], data: dict[str, str]) -> list[Any]:
    """Return each option with each task or kind that it fits; all but the first are slow."""
    found = {option: [n for n in fitting(group, option) if n in data] for option in options}
    return [
        pytest.param(option, need, marks=pytest.mark.slow if i else ())
        for option, needs in found.items()
        for i, need in enumerate(needs)
    ]


def dense(task: str) -> bool:
    """Whether models list a task under `fits`, not a kind."""
    return any(task in read("model", name).get("fits", ()) for name in names("model"))


def complete(tmp_path: Path, *overrides: str) -> None:
    record = ran(tmp_path / "run", *SHORT, *overrides)
    assert record.status == "completed"
    assert record.metric.value is not None
    assert math.isfinite(record.metric.value)
    assert record.test
    assert all(map(math.isfinite, record.test.values()))


@pytest.mark.parametrize(("group", "option"), [(g, o) for g in COMMON for o in names(g)])
def test_runs_whatever_the_data(group: str, option: str, tmp_path: Path) -> None:
    (tmp_path / "steered").mkdir()
    steering_files.write(tmp_path / "steered", [STEERED])
    complete(tmp_path, f"data={ANY}", f"{group}={option}", *NEEDED.get(f"{group}/{option}", ()))


@pytest.mark.parametrize(("option", "task"), pairs("metric", computed(), BY_TASK))
def test_metric_runs_on_every_task_it_fits(option: str, task: str, tmp_path: Path) -> None:
    data, loss = BY_TASK[task], PROBLEMS[task].defaults["loss"]
    complete(tmp_path, f"data={data}", f"metric={option}", f"loss={loss}")


@pytest.mark.parametrize(("option", "task"), pairs("loss", names("loss"), BY_TASK))
def test_loss_runs_on_every_task_it_fits(option: str, task: str, tmp_path: Path) -> None:
    metric = next(m for m in ("accuracy", "rmse", "iou") if task in fitting("metric", m))
    complete(tmp_path, f"data={BY_TASK[task]}", f"loss={option}", f"metric={metric}")


BY_NEED = BY_KIND | {task: data for task, data in BY_TASK.items() if dense(task)}
"""What models list under `fits`: a kind of data, or a task whose output is an image."""


@pytest.mark.parametrize(("option", "need"), pairs("model", names("model"), BY_NEED))
def test_model_runs_on_every_kind_of_data_it_fits(option: str, need: str, tmp_path: Path) -> None:
    complete(tmp_path, f"data={BY_NEED[need]}", f"model={option}")


@pytest.mark.parametrize("option", BUNDLED)
def test_bundled_data_runs_with_what_it_brings(option: str, tmp_path: Path) -> None:
    complete(tmp_path, f"data={option}", "data.fraction=0.5")


@pytest.mark.parametrize("option", ["cpu", "auto"])
def test_trainer_runs(option: str, tmp_path: Path) -> None:
    complete(tmp_path, f"data={ANY}", f"trainer={option}", "trainer.max_epochs=1")


@pytest.mark.parametrize("option", PRESETS)
def test_preset_runs(option: str, tmp_path: Path) -> None:
    complete(tmp_path, f"experiment={option}", *SMALL.get(option, ()))


def modules_of_presets() -> set[str]:
    """Return the modules that a preset runs, on data that they are for."""
    defaults = (entry for name in PRESETS for entry in read("experiment", name).get("defaults", []))
    pairs = (pair for entry in defaults if isinstance(entry, dict) for pair in entry.items())
    return {option for key, option in pairs if key == "override /module"}


@pytest.mark.parametrize("option", sorted({*names("module")} - modules_of_presets()))
def test_module_runs(option: str, tmp_path: Path) -> None:
    complete(tmp_path, f"data={ANY}", f"module={option}")


def fits(combination: dict[str, str]) -> bool:
    """Return whether the choices fit, independently of `check_choices`."""
    data = read("data", combination["data"])
    task = data["task"]
    needs = {"loss": task, "metric": task, "model": task if dense(task) else data["kind"]}
    return all(need in fitting(g, combination[g]) for g, need in needs.items())


def drawn(fitting: bool, count: int) -> list[dict[str, str]]:
    """Draw combinations of loss, metric, model and data that fit, or that do not."""
    groups = {"loss": names("loss"), "metric": computed(), "model": names("model")}
    groups["data"] = sorted({*BY_TASK.values(), *BY_KIND.values()})
    every = [dict(zip(groups, c, strict=True)) for c in itertools.product(*groups.values())]
    random.Random(0).shuffle(every)
    return list(itertools.islice((c for c in every if fits(c) == fitting), count))


def spelled(combination: dict[str, str]) -> list[str]:
    return [f"{group}={option}" for group, option in combination.items()]


@pytest.mark.parametrize("combination", drawn(True, 16), ids=lambda c: " ".join(spelled(c)))
def test_choices_that_fit_run(combination: dict[str, str], tmp_path: Path) -> None:
    complete(tmp_path, *spelled(combination))


@pytest.mark.parametrize("combination", drawn(False, 40), ids=lambda c: " ".join(spelled(c)))
def test_choices_that_do_not_fit_are_refused_and_what_is_suggested_fits(
    combination: dict[str, str], tmp_path: Path
) -> None:
    cfg = composed(tmp_path, *spelled(combination))
    cfg.choices = combination
    with pytest.raises(UserError) as refused:
        check_choices(cfg)
    misfits = re.findall(r"(\w+)=\w+ does not fit .*?Allowed: \w+=(\w+)", str(refused.value))
    assert misfits
    assert fits(combination | dict(misfits))
    check_choices(composed(tmp_path, *spelled(combination | dict(misfits))))
