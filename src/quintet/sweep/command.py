"""A sweep, read top to bottom: settle -> open the study -> run the slots -> keep the best."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from quintet.errors import UserError
from quintet.sweep import best, leaderboard, locks, report
from quintet.sweep.fork import starter
from quintet.sweep.plan import Plan, settle
from quintet.sweep.slots import Loop
from quintet.sweep.study import Study

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader

PATIENCE = 3.0
"""Seconds that a killed sweep's last breath is waited for."""


def sweep(config: DictConfig, loader: "ConfigLoader", arguments: list[str]) -> float | None:
    """Run the sweep that a command line asks for, or go on with it.

    Returns:
        P of the best trial.

    Raises:
        UserError: it cannot begin, or no trial completed.
        SystemExit: it was interrupted; the same command goes on.

    """
    plan = settle(config, loader, arguments)
    with alone(plan):
        study = Study(plan.folder, plan.mode, plan.settings.storage)
        study.agree(plan.spec())
        total = limit(plan)
        report.announce(plan, study, total, plan.settings.slots)
        stop = Stop()
        with stop.on_signals(), starter(plan.settings.isolation, plan.settings.preload) as start:
            loop = Loop(
                plan=plan,
                study=study,
                view=report.Lines(plan, study, total),
                slots=plan.settings.slots,
                limit=total,
                seconds=plan.settings.timeout,
                stopping=lambda: stop.asked,
                start=start,
            )
            loop.run()
            leaderboard.save(study)
            return finish(plan, study, loop, stop)


def finish(plan: Plan, study: Study, loop: Loop, stop: "Stop") -> float | None:
    """Show what came out; keep the winner."""
    if stop.asked:
        done = sum(t.state != "running" for t in study.trials())
        sys.exit(f"Stopped; {done} trials are done. Go on with:\n  {report.again(plan)}")
    if loop.gave_up:
        raise UserError(
            f"The first {len(loop.told)} trials all failed, so the sweep stopped. The first was "
            + report.failures(study)
        )
    won = leaderboard.winner(study)
    if won is None:
        if any(t.state == "failed" for t in study.trials()):
            raise UserError("No trial completed. The first was " + report.failures(study))
        raise UserError("No trial completed. Raise sweeper.n_trials or sweeper.timeout.")
    record = best.keep(plan, study, won, loop.start)
    report.summarise(plan, study, won, record)
    return won.value


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
    import os

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


class Stop:
    """Whether somebody has asked the sweep to stop: Ctrl-C, a closed terminal, a scheduler."""

    def __init__(self) -> None:
        self.asked = False

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Listen for as long as the block runs."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._ask) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask(self, number: int, frame: object) -> None:
        self.asked = True
