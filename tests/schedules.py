"""Optimizers with their schedules, as a run builds them, and the steps of a run."""

import torch
from torch import nn

from options import STEPS_PER_EPOCH, TOTAL_STEPS, build, node
from quintet.options.optimizers import SwitchesModes, parameter_groups
from quintet.options.schedulers import with_warmup

EPOCHS = TOTAL_STEPS // STEPS_PER_EPOCH
LR = 0.1  # as in the optimizer node beside the schedule
METRIC = [0.5, 0.6, 0.6, 0.6, 0.7, 0.7, 0.7, 0.7, 0.7, 0.8, 0.7, 0.7]
"""Validation metric after each epoch; higher is better."""

SHORT = {"step": {"step_size": 4}, "plateau": {"patience": 1}}
"""Settings that make something happen within twelve epochs."""


def start(scheduler, warmup=0, optimizer="sgd_momentum", share=1.0, **overrides):
    """Model, optimizer and schedule, as a run builds them; the second group at a share of LR."""
    model = nn.Linear(2, 1)
    rest = {"weight_decay": 0.1}
    groups = parameter_groups(model, 0.1)
    groups[1]["lr"] = LR * share
    stepper = build("optimizer", optimizer, lr=LR, **rest)(groups)
    if isinstance(stepper, SwitchesModes):
        stepper.train()
    settings = SHORT.get(scheduler, {}) | overrides
    config = node("scheduler", scheduler, **settings)
    schedule = with_warmup(
        build("scheduler", scheduler, **settings),
        stepper,
        interval=config["interval"],
        warmup=warmup,
        total_steps=TOTAL_STEPS,
        epochs=EPOCHS,
        monitor=config.get("monitor"),
    )
    return model, stepper, schedule


def run_steps(run, first=0, last=TOTAL_STEPS):
    """Take the steps of a run, ticking each clock; learning rates and momenta of all groups."""
    model, optimizer, schedule = run
    rates, momenta = [], []
    for step in range(first, last):
        rates.append([group["lr"] for group in optimizer.param_groups])
        group = optimizer.param_groups[0]
        momenta.append(group.get("momentum", group.get("betas", [None])[0]))
        model(torch.ones(3, 2)).square().mean().backward()
        optimizer.step()
        ended = (step + 1) % STEPS_PER_EPOCH == 0
        for config in schedule:
            if config["interval"] == "epoch" and ended:
                value = [METRIC[step // STEPS_PER_EPOCH]] if "monitor" in config else []
                config["scheduler"].step(*value)
            elif config["interval"] == "step":
                config["scheduler"].step()
    return rates, momenta
