"""Pages that commands leave: of a run, each of its folds and seeds, a sweep, and its winner.

Runs and sweeps know nothing of pages. They call what is given here when they have ended.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from quintet.process import is_first_rank
from quintet.record import REPORT, Record
from quintet.trial import is_trial

if TYPE_CHECKING:
    from hydra.types import HydraContext

    from quintet.sweep.study import Study


def train(cfg: DictConfig) -> Record:
    """Train as the config says; each run leaves its page, however it ends.

    Raises:
        UserError: the config or the data cannot work.
        DivergedError: the loss is no longer finite.

    """
    from quintet.repeats import run

    return run(cfg, leave_run)


def sweep(context: "HydraContext", config: DictConfig, arguments: list[str]) -> float | None:
    """Run a sweep, which leaves its page and that of its winner; return P of the best trial.

    Raises:
        UserError: it cannot begin, or no trial completed.
        SystemExit: it was interrupted; the same command goes on.

    """
    from quintet.sweep.command import sweep

    return sweep(context, config, arguments, leave_sweep)


def leave_run(folder: Path) -> None:
    """Write report.html of a run; a sweep's trials have the sweep's."""
    if is_first_rank() and not is_trial():
        from quintet.report.run.page import leave

        leave(folder)


def leave_sweep(study: "Study") -> None:
    """Write report.html of a sweep, and of its winner where that has none.

    Whatever goes wrong with them costs a line, never the sweep.
    """
    from quintet.console import say, shortest, warn
    from quintet.report.command import write
    from quintet.report.run.page import leave
    from quintet.sweep.best import FOLDER

    try:
        if not (study.folder / FOLDER / REPORT).is_file():
            leave(study.folder / FOLDER)
        say("report    [bold]{}[/]", shortest(write(study)))
    except Exception as error:
        warn(f"report.html could not be written: {error}")
