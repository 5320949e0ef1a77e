"""A sweep whose trials are proposed by a person or an agent: `sweeper=ask sweeper.try=[{...}]`.

Each call of the command proposes some params, trains them, and prints one JSON object to standard
output; everything else goes to standard error. Invalid proposals are refused as JSON before any
training, and recorded in `refused.jsonl`. The study stores the accepted ones, so a killed call is
continued by the same command.
"""

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import datetime
from typing import Any

from omegaconf import DictConfig

from quintet.base import error_file, files
from quintet.base.errors import Code, UserError
from quintet.base.hydra_internals import to_plain
from quintet.base.secrets import redacted
from quintet.study import leaderboard
from quintet.study.space import Params
from quintet.study.study import Study
from quintet.sweep import points, settings
from quintet.sweep.plan import Plan
from quintet.sweep.samplers.proposals import Proposals

REFUSED = "refused.jsonl"
"""The refused proposals with the reasons, one JSON object per line, in the sweep's folder."""
SAMPLER = "quintet.sweep.samplers.proposals.Proposals"
Sweep = Callable[[Callable[[Plan, Study], None]], float | None]
"""Runs a sweep; calls the given function with its plan and study once the study is open."""


def is_ask_sweep(config: DictConfig) -> bool:
    """Return whether a sweep's trials are proposed from outside."""
    return bool(config.sweeper.sampler.get("_target_") == SAMPLER)


def answer(config: DictConfig, sweep: Sweep) -> float | None:
    """Run a sweep of proposals, and print its answer as JSON.

    Args:
        config: of the sweep.
        sweep: runs the sweep.

    Raises:
        UserError: a proposal was refused, or no trial has completed.

    """
    begun: list[tuple[Plan, Study]] = []
    try:
        with redirect_stdout(sys.stderr):
            check_named(config)
            value = sweep(lambda plan, study: begun.append((plan, study)))
    except UserError as error:
        print(files.as_json(state(*begun[0]) if begun else refused(config, error)))
        raise
    print(files.as_json(state(*begun[0])))
    return value


def check_named(config: DictConfig) -> None:
    """Refuse a sweep that the next call could not find.

    Raises:
        UserError: it has neither a study= nor a folder.

    """
    given = config.hydra.overrides.hydra
    if config.study is None and not any(o.startswith("hydra.sweep.dir=") for o in given):
        raise UserError(
            "has no value, and the next call could not find this sweep",
            code=Code.MISSING_VALUE,
            key="study",
            hint="Give study=<name>",
        )


def refused(config: DictConfig, error: UserError) -> dict[str, Any]:
    """Return the answer to an invalid proposal, and append it to the sweep's record."""
    proposed = to_plain(config.sweeper["try"])
    answer: dict[str, Any] = redacted(
        {"refused": error_file.fields(error), "proposed": proposed}, places=False
    )
    if proposed is not None and error.key != "study":
        folder = settings.folder(config)
        folder.mkdir(parents=True, exist_ok=True)
        entry = {"time": datetime.now().isoformat(timespec="seconds"), **answer}
        files.append(folder / REFUSED, files.as_json(entry) + "\n")
    return answer


def with_proposals(plan: Plan, study: Study) -> Plan:
    """Return the plan with all proposals so far, which the study stores.

    Points that were proposed before are not added again.

    Raises:
        UserError: the new ones exceed the budget.

    """
    if not isinstance(plan.sampler, Proposals):
        return plan
    known: list[Params] = list(study.optuna.user_attrs.get(points.KEPT) or [])
    new = [p for i, p in enumerate(plan.points) if p not in known and p not in plan.points[:i]]
    budget = plan.settings.n_trials
    if budget is not None and len(known) + len(new) > budget:
        raise UserError(
            f"has {len(new)} new params, and {max(0, budget - len(known))} of {budget} trials are "
            "left",
            code=Code.OUT_OF_RANGE,
            key=points.KEY,
            hint="Propose fewer, or raise sweeper.n_trials=",
        )
    study.optuna.set_user_attr(points.KEPT, kept := [*known, *new])
    sampler = Proposals(plan.sampler.model, kept)
    # The test set is opened once, when the budget is used up.
    return replace(plan, sampler=sampler, points=(), test=plan.test and len(kept) == budget)


def state(plan: Plan, study: Study) -> dict[str, Any]:
    """Return the state of a sweep: its space, trials and budget, and what a model suggests."""
    trials, best = study.trials(), leaderboard.winner(study)
    seen, mode = plan.compared(trials)
    assert isinstance(plan.sampler, Proposals)
    count, seed = plan.settings.suggest, plan.settings.seed
    suggested = plan.sampler.suggestions(seen, plan.space, count, seed, mode)
    reasons = {t.number: t.notes["reason"] for t in trials if "reason" in t.notes}
    rows = [row | {"reason": reasons.get(row["trial"])} for row in leaderboard.rows(study)]
    return {
        "metric": {"name": plan.metric, "mode": plan.mode},
        "space": plan.space.describe(),
        "defaults": plan.defaults,
        "left": None if (budget := plan.settings.n_trials) is None else budget - len(trials),
        "best": best.number if best else None,
        "trials": rows,
        "suggested": suggested,
    }
