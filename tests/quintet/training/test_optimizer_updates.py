"""A learning rate that is changed during a run, with its schedule."""

import copy

import pytest

from options import own
from quintet.training.optimizer_updates import reapply, steer
from schedules import LR, run_steps, start

AT = 30


@pytest.mark.parametrize("warmup", [0, 40])
@pytest.mark.parametrize("scheduler", own("scheduler"))
def test_a_schedule_continues_in_its_shape(scheduler, warmup):
    settings = {"eta_min": 0.01} if scheduler == "cosine" else {}
    plain, _ = run_steps(start(scheduler, warmup, share=0.5, **settings))
    run = start(scheduler, warmup, share=0.5, **settings)
    _, optimizer, schedule = run
    run_steps(run, 0, AT)
    now = optimizer.param_groups[0]["lr"]
    assert steer(optimizer, [c["scheduler"] for c in schedule], "lr", 3 * now) is None
    steered, _ = run_steps(run, AT)
    for rates, expected in zip(steered, plain[AT:], strict=True):
        assert rates == pytest.approx([3 * rate for rate in expected])
    assert optimizer.param_groups[1]["steered"] == pytest.approx({"lr": 3})


def test_changes_add_up_and_are_made_again_on_rebuilt_rates():
    _, optimizer, schedule = start("constant")
    fresh = copy.deepcopy(optimizer.param_groups)
    schedules = [c["scheduler"] for c in schedule]
    for key, value in {"lr": 0.2, "momentum": 0.5, "weight_decay": 0.3}.items():
        assert steer(optimizer, schedules, key, value) is None
    assert steer(optimizer, schedules, "lr", 0.05) is None
    decays = (0.3, 0.0)  # biases stay without
    for group, decay in zip(optimizer.param_groups, decays, strict=True):
        assert (group["lr"], group["momentum"], group["weight_decay"]) == pytest.approx(
            (0.05, 0.5, decay)
        )
    for group, new in zip(optimizer.param_groups, fresh, strict=True):
        group.update({k: v for k, v in new.items() if k != "params"})
    reapply(optimizer, [])
    for group, decay in zip(optimizer.param_groups, decays, strict=True):
        assert (group["lr"], group["momentum"], group["weight_decay"]) == pytest.approx(
            (0.05, 0.5, decay)
        )


def test_weight_decay_that_was_steered_to_none_can_come_back():
    _, optimizer, _ = start("constant")
    for value in (0.0, 0.2):
        assert steer(optimizer, [], "weight_decay", value) is None
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.2, 0.0]


@pytest.mark.parametrize(
    ("scheduler", "optimizer", "key", "says"),
    [
        ("constant", "adam", "momentum", "Adam has no momentum"),
        ("constant", "rmsprop", "momentum", "began without momentum"),
        ("one_cycle", "sgd_momentum", "momentum", "the schedule changes the momentum"),
    ],
)
def test_what_would_break_the_run_is_refused(scheduler, optimizer, key, says):
    _, stepper, schedule = start(scheduler, optimizer=optimizer)
    before = copy.deepcopy(stepper.param_groups)
    assert says in steer(stepper, [c["scheduler"] for c in schedule], key, 0.5)
    assert [{**g, "params": 0} for g in stepper.param_groups] == [
        {**g, "params": 0} for g in before
    ]


def test_a_rate_of_zero_and_no_decay_are_no_start():
    _, optimizer, _ = start("constant")
    for group in optimizer.param_groups:
        group["lr"] = group["weight_decay"] = 0.0
    assert "is 0 now" in steer(optimizer, [], "lr", LR)
    assert "exempt from it" in steer(optimizer, [], "weight_decay", 0.1)
