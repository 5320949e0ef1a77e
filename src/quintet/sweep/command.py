"""A sweep, read top to bottom: settle -> open the study -> run the slots -> keep the best."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf

from quintet import secrets
from quintet.errors import UserError
from quintet.sweep import best, disk, leaderboard, locks, report, together, tracked, warm
from quintet.sweep.clock import Clock
from quintet.sweep.fork import starter
from quintet.sweep.live import view
from quintet.sweep.look import look
from quintet.sweep.plan import Plan, settle
from quintet.sweep.process import Start
from quintet.sweep.settings import check
from quintet.sweep.slots import Loop
from quintet.sweep.stop import Stop
from quintet.sweep.study import Study
from quintet.sweep.workers import launch

if TYPE_CHECKING:
    from hydra.types import HydraContext

PATIENCE = 3.0
"""Seconds that a killed sweep's last breath is waited for."""


def sweep(context: "HydraContext", config: DictConfig, arguments: list[str]) -> float | None:
    """Run the sweep that a command line asks for, or go on with it.

    Returns:
        P of the best trial.

    Raises:
        UserError: it cannot begin, or no trial completed.
        SystemExit: it was interrupted; the same command goes on.

    """
    secrets.note(OmegaConf.to_yaml(config))
    check(config)
    clock = Clock(config.sweeper.timeout)
    loader = context.config_loader
    found = look(loader, arguments) if config.sweeper.look else []
    plan = settle(config, loader, arguments, found)
    total, settings, stop = limit(plan), plan.settings, Stop()
    with disk.full_disk_explained(plan.folder), alone(plan):
        study = Study(plan.folder, plan.mode, settings.storage)
        study.agree(plan.spec())
        plan = replace(plan, warm=warm.points(plan, study))
        study.remember(
            command=report.again(plan),
            total=total,
            max_epochs=plan.max_epochs,
            defaults=plan.defaults,
        )
        hosted = config.hydra.runtime.choices["hydra/launcher"] != "basic"
        report.announce(plan, study, total, settings.slots * (settings.workers if hosted else 1))
        with stop.on_signals(), starter(settings.isolation, settings.preload) as start:
            if hosted:
                gave_up = launch(context, config, plan, total, study, stop)
            else:
                limits = (settings.slots, total, clock.for_trials(plan.settings.ensemble))
                with view(plan, study, total) as seen:
                    loop = Loop(plan, study, seen, *limits, stop, start)
                    loop.run()
                gave_up = loop.gave_up
            leaderboard.save(study)
            try:
                if stop.asked:
                    leave(plan, study)
                return finish(plan, study, start, clock, gave_up=gave_up)
            finally:
                show(study)
                tracked.tell(config, plan, study)


def leave(plan: Plan, study: Study) -> None:
    """Say how to go on, and exit."""
    sys.exit(f"Stopped; {len(study.ended())} trials are done. Go on with:\n  {report.again(plan)}")


def finish(plan: Plan, study: Study, start: Start, clock: Clock, *, gave_up: bool) -> float | None:
    """Show what came out; keep the winner."""
    if gave_up:
        raise UserError(
            "The first trials all failed, so the sweep stopped. The first was "
            + report.failures(study)
        )
    won = leaderboard.winner(study)
    if won is None:
        if any(t.state == "failed" for t in study.trials()):
            raise UserError("No trial completed. The first was " + report.failures(study))
        raise UserError("No trial completed. Raise sweeper.n_trials or sweeper.timeout.")
    record = best.keep(plan, study, won, start)
    report.summarise(plan, study, won, record)
    report.together(plan, together.assemble(plan, study, start, clock))
    return won.value


def show(study: Study) -> None:
    """Write report.html; whatever goes wrong with it costs a line, never the sweep."""
    from quintet.console import say, shortest, warn
    from quintet.report.command import write

    try:
        say("report    [bold]{}[/]", shortest(write(study)))
    except Exception as error:
        warn(f"report.html could not be written: {error}")


def limit(plan: Plan) -> int:
    """Return how many trials the study is to have.

    Raises:
        UserError: nothing says how many.

    """
    wanted = plan.settings.n_trials
    there_are = plan.sampler.total(plan.space)
    scheme = plan.scheduler.total(plan.max_epochs)
    if there_are is not None:
        return min(there_are, wanted) if wanted else there_are
    if (total := wanted or scheme) is None:
        raise UserError("sweeper.n_trials has no value. Give the number of trials.")
    if not plan.space.parameters:
        raise UserError(
            "There is nothing to vary. Give values (optimizer=adam,sgd), a range "
            "(optimizer.lr=tag(log,interval(1e-4,1e-1))) or a preset (search_space=high)."
        )
    return int(total)


@contextmanager
def alone(plan: Plan) -> Iterator[None]:
    """Refuse a second sweep on the same folder.

    Raises:
        UserError: another process is at it.

    """
    plan.folder.mkdir(parents=True, exist_ok=True)
    lock = locks.wait_for(plan.folder / ".sweep.lock", PATIENCE)
    if lock is None:
        raise UserError(
            f"study={plan.folder.name} is being run by another process. Wait for it, stop it, or "
            "give this sweep a study= of its own."
        )
    try:
        yield
    finally:
        os.close(lock)
