"""A sweep from top to bottom: make a plan, open the study, run its trials, keep the best."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from omegaconf import DictConfig

from quintet.artifacts import untrusted_files
from quintet.artifacts.output_paths import check_sweep_folder
from quintet.base import files, hydra_internals, locks, process, secrets, signals
from quintet.base.console import busy, say
from quintet.base.errors import Code, UserError
from quintet.base.formatting import listed, plural
from quintet.study import leaderboard, ranking
from quintet.study.constraints import KEY, described
from quintet.study.storage import JOURNAL, shown
from quintet.study.study import Study
from quintet.sweep import (
    ask,
    console_report,
    final_ensemble,
    foreign_trials,
    full_disk,
    points,
    stagnation,
    sweep_tracking,
    warm_start,
    winner,
)
from quintet.sweep.data_inspection import apply_inspection, inspect_data
from quintet.sweep.fork import starter
from quintet.sweep.interruption import Interruption
from quintet.sweep.live_view import view
from quintet.sweep.plan import Plan, make_plan
from quintet.sweep.preflight import preflight
from quintet.sweep.settings import check
from quintet.sweep.slots import Loop
from quintet.sweep.stacking import Stacking, shared_keys, stacking
from quintet.sweep.time_budget import TimeBudget
from quintet.sweep.trial_process import Start
from quintet.sweep.workers import launch

if TYPE_CHECKING:
    from hydra.types import HydraContext

AtEnd = Callable[[Study], object]
"""Called with a sweep's study after it has ended."""
WRITTEN = {leaderboard.FILE: ",".join(ranking.COLUMNS[:3])}
WRITTEN |= {winner.FOLDER: "", final_ensemble.FOLDER: ""}
"""The outputs that a sweep replaces at its end, and how those that are files begin."""
PATIENCE = 3.0
"""Seconds to wait for the lock of a sweep that is being killed."""


def sweep(
    context: "HydraContext", config: DictConfig, arguments: list[str], at_end: AtEnd
) -> float | None:
    """Run the sweep that a command line asks for, or continue it.

    Args:
        context: Hydra's.
        config: composed from everything that does not vary.
        arguments: the overrides as typed.
        at_end: called with the study at the end, unless the sweep was interrupted or its
            config has `report: false`.

    Returns:
        The metric of the best trial.

    Raises:
        UserError: the sweep cannot start, or no trial completed.
        SystemExit: it was interrupted; the same command continues it.

    """
    secrets.note(hydra_internals.to_yaml(config))
    run = partial(_sweep, context, config, arguments, at_end)
    return ask.answer(config, run) if ask.is_ask_sweep(config) else run(lambda plan, study: None)


def _sweep(
    context: "HydraContext",
    config: DictConfig,
    arguments: list[str],
    at_end: AtEnd,
    opened: Callable[[Plan, Study], None],
) -> float | None:
    """Run a sweep; call `opened` with its plan and study before the first trial."""
    check(config)
    budget = TimeBudget(config.sweeper.timeout, spent=process.command_seconds())
    loader = context.config_loader
    with ExitStack() as started:
        starting = partial(starter, config.sweeper.isolation, config.sweeper.preload)
        start, found = None, list[str]()
        if config.sweeper.look:  # typos are reported before anything is loaded
            start = started.enter_context(starting())
            chosen = inspect_data(loader, arguments, start, config.sweeper.timeout)
            found = apply_inspection(config, chosen)
        plan = make_plan(config, loader, arguments, found)
        total, settings, stop = limit(plan), plan.settings, Interruption()
        hosted = config.hydra.runtime.choices["hydra/launcher"] != "basic"
        started.enter_context(full_disk.reported(plan.folder))
        started.enter_context(locked(plan))
        with busy("loading libraries, and checking what the trials would train"):
            start = start or started.enter_context(starting())
            preflight(plan, start)
        together, reason = stacking(plan, start, total)
        plan, study = open_study(plan, total)
        opened(plan, study)
        if (total := limit(plan)) == 0:  # nothing has been proposed yet
            return None
        slots = settings.slots * (settings.workers if hosted else 1)
        console_report.announce(plan, study, total, min(slots, total))
        if hosted and slots == 1 < total:
            console_report.advise_workers(config.hydra.runtime.choices["hydra/launcher"])
        with stop.on_signals():
            if hosted:
                gave_up = launch(context, config, plan, total, study, stop)
            else:
                if reason:
                    say("  not stacked: {}", reason)
                elif together and (apart := shared_keys(plan.space)):
                    say("  trials of a stack have the same {}", listed(apart))
                gave_up = run(plan, study, total, budget, stop, start, together)
            leaderboard.save(study)
        publish = partial(_publish, config, plan, study, at_end)
        try:
            if stop.asked:
                exit_interrupted(plan, study, publish)
            return conclude(plan, study, start, budget, publish, gave_up=gave_up)
        except KeyboardInterrupt:
            exit_interrupted(plan, study, publish)


def open_study(plan: Plan, total: int) -> tuple[Plan, Study]:
    """Open the plan's study; return the plan with its warm start."""
    study = Study(plan.folder, plan.mode, plan.settings.storage)
    if not study.trials() and any((plan.folder / "trials").glob("*")):
        raise UserError(
            f"{plan.folder} has trials, but its study has none: {storage_name(plan)} has been "
            "deleted or changed",
            code=Code.DAMAGED,
            hint="Restore it; or start another study=, or move the folder away",
        )
    study.set_or_check_spec(plan.spec())
    foreign_trials.check(plan, study)
    plan = ask.with_proposals(replace(plan, examples=()), study)
    plan = replace(plan, points=points.kept(plan.points, study))
    plan = replace(plan, warm_start=warm_start.params(plan, study))
    study.set_about(
        command=console_report.continue_command(plan),
        total=total,
        max_epochs=plan.max_epochs,
        defaults=plan.defaults,
        stopped=None,
    )
    return plan, study


def storage_name(plan: Plan) -> str:
    """Return the storage of the study, for a message."""
    return shown(plan.settings.storage) if plan.settings.storage else JOURNAL


def run(
    plan: Plan,
    study: Study,
    total: int,
    budget: TimeBudget,
    stop: Interruption,
    start: Start,
    together: Stacking | None,
) -> bool:
    """Run the trials on this machine's slots; return whether the first ones all failed."""
    settings = plan.settings
    with view(plan, study, total) as console:
        seconds = budget.for_trials(settings.ensemble)
        limits = (settings.slots, total, seconds)
        loop = Loop(plan, study, console, *limits, stop, start, together)
        loop.run()
    return loop.gave_up


def exit_interrupted(plan: Plan, study: Study, publish: Callable[[], None]) -> NoReturn:
    """Print how to continue, and exit; after a Ctrl-C, without a report."""
    number = signals.asked()
    if number is None:  # its jobs have ended early
        publish()
    print(
        f"Stopped; {plural(len(study.ended()), 'trial')} done. Continue with:",
        f"  {console_report.continue_command(plan)}",
        f"See them with:\n  {console_report.report_command(plan)}",
        sep="\n",
        file=sys.stderr,
    )
    sys.exit(1 if number is None else 128 + number)


def conclude(
    plan: Plan,
    study: Study,
    start: Start,
    budget: TimeBudget,
    publish: Callable[[], None],
    *,
    gave_up: bool,
) -> float | None:
    """Finish, and publish the results, also of a sweep without a winner."""
    try:
        value = finish(plan, study, start, budget, gave_up=gave_up)
    except Exception:
        publish()
        raise
    publish()
    return value


def finish(
    plan: Plan, study: Study, start: Start, budget: TimeBudget, *, gave_up: bool
) -> float | None:
    """Keep the winner, test it, and print the results."""
    if gave_up:
        raise UserError(
            "The first trials all failed, so the sweep stopped. The first was "
            + console_report.failures(study),
            code=Code.FAILED,
        )
    won = leaderboard.winner(study)
    if won is None:
        if any(not t.feasible for t in study.trials()):
            raise UserError(
                f"is satisfied by no trial; {console_report.closest(study)}",
                code=Code.FAILED,
                key=KEY,
                value=described(study.constraints),
                hint="Widen the space or the bounds",
            )
        if any(t.state == "failed" for t in study.trials()):
            raise UserError(
                "No trial completed. The first was " + console_report.failures(study),
                code=Code.FAILED,
            )
        raise UserError(
            "seconds were too short for the first epoch of any trial",
            code=Code.FAILED,
            key="sweeper.timeout",
            value=plan.settings.timeout,
            hint="Raise it",
        )
    if stopped := stagnation.why(plan, study, limit(plan)):
        study.set_about(stopped=stopped)
        console_report.say_stopped(stopped)
    kept = winner.keep(plan, study, start)
    console_report.summarise(plan, study, won, kept[1] if kept else None)
    console_report.print_ensemble(plan, final_ensemble.assemble(plan, study, start, budget))
    console_report.print_outlook(plan, study)
    return won.value


def _publish(config: DictConfig, plan: Plan, study: Study, at_end: AtEnd) -> None:
    """Call `at_end`, unless `report=false`, and log the sweep to its trackers."""
    if plan.report:
        at_end(study)
    sweep_tracking.log(config, plan, study)


def limit(plan: Plan) -> int:
    """Return how many trials the study is to have.

    Raises:
        UserError: neither the settings nor the strategy define it.

    """
    wanted = plan.settings.n_trials
    available = plan.sampler.total(plan.space)
    scheme = plan.scheduler.total(plan.max_epochs)
    if not plan.space.parameters and (available is None or wanted is None):
        raise UserError(
            "There is nothing to vary",
            code=Code.MISSING_VALUE,
            hint="Give values (optimizer=adam,sgd), a range "
            "(optimizer.lr=tag(log,interval(1e-4,1e-1))) or a preset (search_space=high); or train "
            "one model without -m",
        )
    if available is not None:
        return min(available, wanted) if wanted else available
    if (total := wanted or scheme) is None:
        raise UserError(
            "has no value",
            code=Code.MISSING_VALUE,
            key="sweeper.n_trials",
            hint="Give the number of trials",
        )
    return int(total)


@contextmanager
def locked(plan: Plan) -> Iterator[None]:
    """Hold the lock of the sweep's folder.

    Raises:
        UserError: another process holds it.

    """
    new = not plan.folder.exists()
    untrusted_files.check_links(plan.folder)
    for name in (winner.FOLDER, final_ensemble.FOLDER):
        if (plan.folder / name).is_symlink():
            untrusted_files.refuse(plan.folder / name, "is a link, and this sweep writes there")
    if not any((plan.folder / "trials").glob("*")):
        check_sweep_folder(plan.folder, WRITTEN)
    plan.folder.mkdir(parents=True, exist_ok=True)
    lock = locks.wait_for(plan.folder / ".sweep.lock", PATIENCE)
    if lock is None:
        raise UserError(
            "is being run by another process",
            code=Code.IN_USE,
            key="study",
            value=plan.folder.name,
            hint="Wait for it, stop it, or give this sweep its own study=",
        )
    for left in plan.folder.glob(f".*{files.SUFFIX}"):  # by a sweep that was killed
        left.unlink(missing_ok=True)
    try:
        yield
    except (UserError, KeyboardInterrupt):
        if new and not (plan.folder / "trials").exists():  # a mistake leaves nothing behind
            shutil.rmtree(plan.folder, ignore_errors=True)
        raise
    finally:
        os.close(lock)
