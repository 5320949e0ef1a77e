"""The same slot loop, carried further: jobs of a Hydra launcher (joblib, submitit, Ray) host it."""

import os
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from quintet.errors import UserError
from quintet.sweep.fork import starter
from quintet.sweep.plan import Plan
from quintet.sweep.report import Lines
from quintet.sweep.slots import Loop
from quintet.sweep.stop import Stop
from quintet.sweep.study import Study

if TYPE_CHECKING:
    from hydra.types import HydraContext


@dataclass
class Worker:
    """What a job runs: the slot loop, on the storage that all jobs share.

    Args:
        plan: of the sweep.
        total: how many trials the study is to have.

    """

    plan: Plan
    total: int

    def __call__(self, cfg: DictConfig) -> bool:
        """Run trials until none is left; return whether the first few all failed."""
        plan, settings, stop = self.plan, self.plan.settings, Stop()
        study = Study(plan.folder, plan.mode, settings.storage)
        main = threading.current_thread() is threading.main_thread()
        with (
            stop.on_signals() if main else nullcontext(),
            starter(settings.isolation, settings.preload) as start,
        ):
            view = Lines(plan, study, self.total)
            loop = Loop(
                plan, study, view, settings.slots, self.total, settings.timeout, stop, start
            )
            loop.run()
        return loop.gave_up


def launch(context: "HydraContext", config: DictConfig, plan: Plan, total: int) -> bool:
    """Start the jobs and wait for them; return whether all of them gave up.

    Raises:
        UserError: the launcher's package is missing, or a job failed to start.

    """
    from hydra.core.plugins import Plugins

    worker = Worker(plan, total)
    launcher = Plugins.instance().instantiate_launcher(
        hydra_context=context, task_function=worker, config=config
    )
    # A job's process may start anywhere: it finds the sources, and so the plugins, by this.
    sources = os.path.dirname(plan.command[1])
    paths = [sources, *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    place = f"hydra.sweep.dir='{plan.folder}'"
    jobs = [[*plan.fixed, place] for _ in range(plan.settings.workers)]
    results: Any = launcher.launch(jobs, initial_job_idx=0)
    try:
        return all(result.return_value for result in results)
    except Exception as error:
        raise UserError(f"A job of hydra/launcher failed: {error}") from error
