"""A sweep as a file for `wandb sweep`: W&B chooses the params, `wandb agent` runs train.py."""

import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import yaml
from omegaconf import DictConfig

from quintet.base import console
from quintet.base.errors import Code, UserError
from quintet.base.hydra_internals import MULTIRUN_FLAGS
from quintet.base.paths import SCRIPTS
from quintet.config import wandb_agent
from quintet.study.space import Choice, Interval, Parameter
from quintet.sweep.plan import Plan, make_plan

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader

WANDB = "quintet.trackers.wandb.WandB"
METHODS = {
    "Grid": "grid",
    "Random": "random",
    "QuasiRandom": "random",
    "Tpe": "bayes",
    "GaussianProcess": "bayes",
}
STOPPED = ("Asha", "Finalists", "Hyperband")
"""Schedulers that are mapped to Hyperband, W&B's only early stopping."""
ALLOWED = "grid, random, quasi_random, optuna, bayesian, asha, hyperband"
STEPS = 24
"""Number of steps of a reverse_log range, a scale that W&B does not have."""


def write(config: DictConfig, loader: "ConfigLoader", arguments: Iterable[str]) -> str:
    """Return the YAML of the sweep that a command line describes.

    Args:
        config: as for `quintet.sweep.plan.make_plan`.
        loader: as there.
        arguments: as there.

    Raises:
        UserError: as there; W&B does not have the strategy; the logger is not wandb.

    """
    plan = make_plan(config, loader, arguments)
    if METHODS.get(_name(plan.sampler)) == "grid":
        plan.sampler.total(plan.space)  # raises for ranges
    told = yaml.safe_dump(content(config, plan), sort_keys=False, width=1000)
    return "\n".join([*(f"# {line}" for line in _comments(plan)), told.rstrip()])


def content(config: DictConfig, plan: Plan) -> dict[str, Any]:
    """Return the content of the file, in W&B's format."""
    node = next((n for n in config.logger.values() if n and n.get("_target_") == WANDB), None)
    if node is None and any(o.startswith("logger=") for o in plan.fixed):
        raise UserError(
            "The runs of a W&B sweep need W&B",
            code=Code.CONFLICT,
            hint="Give logger=wandb, or leave logger out",
        )
    method, early = _strategy(plan)
    told = {
        "name": config.study,
        "project": node.project if node else "quintet",
        "entity": node.entity if node else None,
        "program": console.shortest(SCRIPTS / "train.py"),
        "method": method,
        "metric": {
            "name": f"val/{plan.metric}",
            "goal": "maximize" if plan.mode == "max" else "minimize",
        },
        "run_cap": plan.settings.n_trials,
        "early_terminate": early,
        "parameters": {p.key: distribution(p) for p in plan.space.parameters},
        "command": [*_command(plan, told=node is not None)],
    }
    return {key: value for key, value in told.items() if value is not None}


def _name(part: object) -> str:
    return type(part).__name__


def _strategy(plan: Plan) -> tuple[str, dict[str, Any] | None]:
    sampler, scheduler = _name(plan.sampler), _name(plan.scheduler)
    if sampler not in METHODS or scheduler not in ("RunAll", *STOPPED):
        raise UserError(
            f"({sampler} with {scheduler}) has no counterpart in W&B",
            code=Code.INCOMPATIBLE,
            key="sweeper",
            hint=f"Allowed: sweeper={ALLOWED}",
        )
    if scheduler == "RunAll":
        return METHODS[sampler], None
    rungs: Any = plan.scheduler
    return METHODS[sampler], {"type": "hyperband", "min_iter": rungs.min_epochs, "eta": rungs.eta}


def distribution(parameter: Parameter) -> dict[str, Any]:
    """Return a parameter in W&B's format."""
    if isinstance(parameter, Choice):
        return {"values": [plain(value) for value in parameter.values]}
    if parameter.scale == "reverse_log":
        return {"values": [*dict.fromkeys(plain(v) for v in _steps(parameter))]}
    ends: dict[str, Any] = {"min": parameter.low, "max": parameter.high}
    if parameter.integer:
        ends = {"min": int(parameter.low), "max": int(parameter.high)}
        if parameter.scale == "log":
            return {"distribution": "q_log_uniform_values", "q": 1, **ends}
        return {"distribution": "int_uniform", **ends}
    name = "log_uniform_values" if parameter.scale == "log" else "uniform"
    return {"distribution": name, **ends}


def _steps(parameter: Interval) -> Iterator[str]:
    for step in range(STEPS + 1):
        yield f"{float(parameter.at(step / STEPS)):.5g}"


def plain(value: str) -> str | int | float | bool:
    """Return a value with its YAML type if train.py reads it the same, for W&B's charts."""
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def _command(plan: Plan, *, told: bool) -> Iterator[str]:
    """Yield the command of a run; trials do not open the test set or score baselines."""
    yield "${env}"
    if conditions := _conditions(plan):
        yield f"{wandb_agent.VARIABLE}={json.dumps(conditions)}"
    yield from ("${interpreter}", "${program}", *plan.fixed)
    if not told:
        yield "logger=wandb"
    yield from ("test=false", "baselines=false", "${args_no_hyphens}")


def _conditions(plan: Plan) -> wandb_agent.Conditions:
    """Return the parameters that exist only for some of the swept options, with those options."""
    varied = {p.key for p in plan.space.parameters}
    found = {
        p.key: {k: list(v) for k, v in p.when.items() if k in varied and k != p.key}
        for p in plan.space.parameters
    }
    return {key: when for key, when in found.items() if when}


def _comments(plan: Plan) -> Iterator[str]:
    yield console.command_line("wandb_sweep", *_typed())
    yield "wandb sweep <this file>   then, on any machine, the `wandb agent` command it prints"
    for p in plan.space.parameters:
        if isinstance(p, Interval) and p.scale == "reverse_log":
            yield f"{p.key}: W&B has no reverse_log scale; {STEPS + 1} values replace {p}"
    if conditions := _conditions(plan):
        keys = ", ".join(conditions)
        yield f"W&B sets {keys} in every run; train.py ignores those that do not apply"


def _typed() -> list[str]:
    return [argument for argument in sys.argv[1:] if argument not in MULTIRUN_FLAGS]
