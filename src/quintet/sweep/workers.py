"""The slot loop hosted by jobs of a Hydra launcher: joblib, submitit, Ray."""

import os
import secrets
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, open_dict

from quintet.base import locks, redacted_output, signals
from quintet.base.console import say
from quintet.base.errors import Code, UserError
from quintet.base.files import write_atomically
from quintet.base.process import die_with
from quintet.base.quoting import quoted
from quintet.base.secrets import note, note_environment
from quintet.study.study import Study
from quintet.sweep.console_report import PlainView
from quintet.sweep.fork import starter
from quintet.sweep.interruption import Interruption
from quintet.sweep.plan import Plan
from quintet.sweep.slots import Loop
from quintet.sweep.time_budget import TimeBudget

if TYPE_CHECKING:
    from hydra.types import HydraContext

PERMIT, LOCK = ".workers", ".workers.lock"
"""Files in the sweep's folder. Workers share the lock, and end when the permit is deleted."""
PATIENCE = 30.0
"""Seconds that workers have to end; a cluster's file system may show the deletion late."""

OWN_RAY = "workers_ray"
"""The launcher that starts a Ray of its own. By default Ray listens on every network, to anyone."""


@dataclass
class Worker:
    """The function that a job runs: the slot loop, on the storage that all jobs share.

    Args:
        plan: of the sweep.
        total: number of trials of the study.
        sweep: process id of the sweep. A job that is its child ends with it; other jobs continue.

    """

    plan: Plan
    total: int
    sweep: int = field(default_factory=os.getpid)

    def __call__(self, cfg: DictConfig) -> bool:
        """Run trials until none is left; return whether the first trials all failed.

        A job that was still queued when its sweep ended does nothing.
        """
        plan, settings, stop = self.plan, self.plan.settings, Interruption()
        redacted_output.install()
        note_environment()
        note("\n".join(plan.fixed))
        if os.getppid() == self.sweep:
            die_with(self.sweep)
        main = threading.current_thread() is threading.main_thread()
        with locks.held(plan.folder / LOCK, shared=True):
            if not self.permitted():
                return False
            study = Study(plan.folder, plan.mode, settings.storage)
            view = PlainView(plan, study, self.total)
            seconds = TimeBudget(settings.timeout).for_trials(settings.ensemble)
            limits = (settings.slots, self.total, seconds)
            with (
                stop.on_signals() if main else nullcontext(),
                starter(settings.isolation, settings.preload) as start,
            ):
                stopping = lambda: stop() or not self.permitted()  # noqa: E731
                loop = Loop(plan, study, view, *limits, stopping, start)
                loop.run()
        return loop.gave_up

    def permitted(self) -> bool:
        """Return whether the sweep still needs its workers."""
        return (self.plan.folder / PERMIT).exists()


def launch(
    context: "HydraContext",
    config: DictConfig,
    plan: Plan,
    total: int,
    study: Study,
    stop: Interruption,
) -> bool:
    """Start the jobs and wait for all of them; return whether all of them gave up.

    If a job dies, the others continue its trials. If trials are left after the last job, the sweep
    is stopped through `stop`.

    Raises:
        UserError: the launcher's package is missing.

    """
    if len(study.ended()) >= total:
        return False
    launcher = _launcher(context, config, Worker(plan, total))
    place = f"hydra.sweep.dir={quoted(plan.folder)}"
    jobs = [[*plan.fixed, place] for _ in range(plan.settings.workers)]
    permit, gave_up = plan.folder / PERMIT, False
    write_atomically(permit, "")
    signals.listen()  # launchers wait for their jobs until an exception is raised
    try:
        gave_up = _outcome(launcher, jobs)
        with locks.held(plan.folder / LOCK):  # jobs that outlived the others, or were requeued
            pass
    except KeyboardInterrupt:
        stop.asked = True
    finally:
        permit.unlink(missing_ok=True)
    if stop.asked:
        lock = locks.wait_for(plan.folder / LOCK, PATIENCE)
        if lock is not None:
            os.close(lock)
    left = len(study.ended()) < total and plan.settings.timeout is None
    stop.asked |= left and not gave_up
    return gave_up


def _launcher(context: "HydraContext", config: DictConfig, worker: Worker) -> Any:
    from hydra.core.plugins import Plugins

    # A job's process may start in any folder; it finds the sources and the plugins through this.
    sources = os.path.dirname(worker.plan.command[1])
    paths = [sources, *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    name = config.hydra.runtime.choices["hydra/launcher"]
    if name == OWN_RAY:
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    with open_dict(config):
        config.hydra.sweep.dir = str(worker.plan.folder)
    try:
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=context, task_function=worker, config=config
        )
    except (ImportError, RuntimeError) as error:  # Hydra's message for a missing plugin
        raise UserError(
            "needs a package that is not installed",
            code=Code.UNAVAILABLE,
            key="hydra/launcher",
            value=name,
            hint="Run pip install -e '.[launchers]', or leave it out: the sweep then runs on this "
            "machine",
        ) from error
    if isinstance(options := getattr(launcher, "joblib", None), dict):
        # Its processes wait minutes for work; those that have none end with a killed sweep too.
        options.update(initializer=die_with, initargs=(os.getpid(),))
    return launcher


def _outcome(launcher: Any, jobs: list[list[str]]) -> bool:
    """Run the jobs; return whether all of them gave up, False where one died."""
    try:
        results = launcher.launch(jobs, initial_job_idx=0)
        return all(result.return_value for result in results)
    except Exception as error:  # launchers raise different errors for a dead job
        said = str(error).strip().splitlines() or [type(error).__name__]
        say("[yellow]note[/]  a job of hydra/launcher failed: {}", said[-1])
        return False
