"""Contracts that every YAML of the metric, loss, optimizer and scheduler groups keeps."""

import inspect
from functools import partial

import pytest
import torch
from hydra.utils import get_object

from options import CONFIGS, OPTIONAL, RESERVED, TASKS, build, names, node

GROUPS = ["metric", "loss", "optimizer", "scheduler"]
OPTIONS = [(group, option) for group in GROUPS for option in names(group)]
FITTING = [
    (group, option, task)
    for group in ("metric", "loss")
    for option in names(group)
    for task in node(group, option)["fits"]
]
TARGETS = {
    "binary": torch.tensor([0, 1, 1, 0]),
    "multiclass": torch.tensor([0, 1, 2, 1]),
    "multilabel": torch.tensor([[0.0, 1, 1], [1, 1, 0], [0, 0, 0], [1, 0, 1]]),
    "regression": torch.tensor([[0.5, -1], [0, 2], [1, 1], [-2, 0]]),
}


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_says_in_its_first_line_what_it_is(group, option):
    first = (CONFIGS / group / f"{option}.yaml").read_text().splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith(".")


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_has_all_reserved_keys(group, option):
    config = node(group, option)
    expected = RESERVED[group] | ({"_partial_"} if group in ("optimizer", "scheduler") else set())
    assert expected <= set(config)
    if group in ("metric", "loss"):
        assert config["fits"]
        assert set(config["fits"]) <= set(TASKS)


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_constructor_takes_every_other_key(group, option):
    config = node(group, option)
    accepted = inspect.signature(get_object(config["_target_"])).parameters
    reserved = RESERVED[group] | OPTIONAL.get(group, set()) | {"_target_", "_partial_"}
    assert set(config) - reserved <= set(accepted)


@pytest.mark.parametrize("option", names("metric"))
def test_metric_is_named_as_its_file_and_knows_its_direction(option):
    config = node("metric", option)
    built = build("metric", option, config["fits"][0])
    assert config["name"] == option
    assert config["mode"] == ("max" if built.higher_is_better else "min")


@pytest.mark.parametrize(("group", "option", "task"), FITTING)
def test_builds_and_gives_a_finite_number_for_every_task_it_fits(group, option, task):
    part = build(group, option, task)
    target = TARGETS[task]
    torch.manual_seed(0)
    if group == "metric":
        shape = {"multiclass": (4, 3)}.get(task, target.shape)
        value = part(
            torch.rand(shape).softmax(-1), target.long() if task != "regression" else target
        )
        assert torch.isfinite(value)
        return
    outputs = torch.randn(4, node(group, option, task)["num_outputs"], requires_grad=True)
    if task == "binary" and outputs.shape[1] == 1:
        target = target.float()[:, None]
    value = part(outputs, target)
    value.backward()
    assert value.shape == ()
    assert torch.isfinite(value)
    assert torch.isfinite(outputs.grad).all()
    assert outputs.grad.abs().sum() > 0


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("group", ["metric", "loss"])
def test_every_task_has_an_option(group, task):
    assert [option for g, option, t in FITTING if (g, t) == (group, task)]


@pytest.mark.parametrize("option", [o for o in names("loss") if o not in ("bce", "weighted_bce")])
def test_softmax_losses_do_not_claim_multilabel(option):
    config = node("loss", option)
    if config["num_outputs"] == 3:  # sized by classes, of which the multiclass facts have three
        assert "multilabel" not in config["fits"]


@pytest.mark.parametrize("option", names("optimizer"))
def test_optimizer_shares_the_keys_that_are_swept_across_options(option):
    factory = build("optimizer", option)
    assert isinstance(factory, partial)
    assert {"lr", "weight_decay"} <= set(factory.keywords)
