"""What every metric, loss, optimizer and scheduler must do, read from its YAML."""

import inspect
from functools import partial
from typing import Any

import lightning.pytorch as L
import pytest
import torch
from hydra.utils import get_object

from quintet.problems import Task, problem_of
from quintet.testing.compose import (
    OPTIONAL,
    RESERVED,
    TASKS,
    build,
    computed,
    facts,
    names,
    node,
    read,
)

GROUPS = ["metric", "loss", "optimizer", "scheduler"]
BUILT = {group: computed() if group == "metric" else names(group) for group in GROUPS}
OPTIONS = [(group, option) for group in GROUPS for option in BUILT[group]]
FITTING = [
    (group, option, task)
    for group in ("metric", "loss")
    for option in BUILT[group]
    for task in node(group, option).get("fits", ())
]


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_has_all_reserved_keys(group: str, option: str) -> None:
    config = node(group, option)
    expected = RESERVED[group] | ({"_partial_"} if group in ("optimizer", "scheduler") else set())
    assert expected <= set(config)
    if group in ("metric", "loss"):
        assert config["fits"]
        assert set(config["fits"]) <= set(TASKS)


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_constructor_takes_every_other_key(group: str, option: str) -> None:
    config = node(group, option)
    accepted = inspect.signature(get_object(config["_target_"])).parameters
    reserved = RESERVED[group] | OPTIONAL.get(group, set()) | {"_target_", "_partial_"}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
    assert takes_any or set(config) - reserved <= set(accepted)


@pytest.mark.parametrize("option", computed())
def test_a_metric_knows_its_direction(option: str) -> None:
    config = node("metric", option)
    built = build("metric", option, config["fits"][0])
    assert config["mode"] == ("max" if built.higher_is_better else "min")


@pytest.mark.parametrize("option", [n for n in names("metric") if n not in computed()])
def test_a_metric_that_a_module_logs_has_a_name_and_a_direction(option: str) -> None:
    config = read("metric", option)
    assert set(config) == {"name", "mode"}
    assert config["mode"] in ("min", "max", "???")


@pytest.mark.parametrize("option", names("module"))
def test_a_module_is_lightnings_and_takes_every_key(option: str) -> None:
    config = read("module", option)
    module = get_object(config["_target_"])
    assert issubclass(module, L.LightningModule)
    reserved = {"defaults", "fits", "search_space", "_target_"}
    assert set(config) - reserved <= set(inspect.signature(module).parameters)


@pytest.mark.parametrize(("group", "option", "task"), FITTING)
def test_builds_and_gives_a_finite_number_for_every_task_it_fits(
    group: str, option: str, task: Task
) -> None:
    part = build(group, option, task)
    problem = problem_of(task)
    target = torch.tensor(problem.example)
    torch.manual_seed(0)
    if group == "metric":
        known = facts(task)
        shape = problem.blank(target, known["num_classes"] or known["num_targets"]).shape
        value = part(problem.predictions(torch.randn(shape)), problem.metric_target(target))
        assert torch.isfinite(value)
        return
    width = node(group, option, task)["num_outputs"]
    outputs: Any = torch.randn(problem.blank(target, width).shape, requires_grad=True)
    value = part(outputs, problem.loss_target(outputs, target))
    value.backward()
    assert value.shape == ()
    assert torch.isfinite(value)
    assert torch.isfinite(outputs.grad).all()
    assert outputs.grad.abs().sum() > 0


@pytest.mark.parametrize("option", names("optimizer"))
def test_optimizer_shares_the_keys_that_are_swept_across_options(option: str) -> None:
    factory = build("optimizer", option)
    assert isinstance(factory, partial)
    assert {"lr", "weight_decay"} <= set(factory.keywords)
