"""The report pages that commands write: of a run, its folds and seeds, a sweep, and its winner.

Runs and sweeps know nothing of pages; they call the functions given here when they end.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from quintet.artifacts.record import REPORT, Record
from quintet.base.process import is_first_rank
from quintet.config import run_nodes
from quintet.config.compatibility import check_choices, check_keys
from quintet.config.initial_config import as_typed
from quintet.study.trial_pipe import is_trial
from quintet.training.run_header import print_header

if TYPE_CHECKING:
    from hydra.types import HydraContext

    from quintet.study.study import Study


def train(cfg: DictConfig) -> Record:
    """Train as configured; each run writes its page, however it ends.

    Raises:
        UserError: the config or the data cannot work.
        DivergedError: the loss is no longer finite.

    """
    if not cfg.resume:  # mistakes that need no torch are reported first
        check_keys(cfg)
        run_nodes.check_typed(cfg, as_typed(cfg.overrides))
        check_choices(cfg)
        run_nodes.check_config(cfg)
        print_header(cfg)
    from quintet.ensembles.cross_validation import run

    return run(cfg, leave_run)


def sweep(context: "HydraContext", config: DictConfig, arguments: list[str]) -> float | None:
    """Run a sweep, with its page and that of its winner; return the metric of the best trial.

    Raises:
        UserError: it cannot start, or no trial completed.
        SystemExit: it was interrupted; the same command continues it.

    """
    from quintet.sweep.pipeline import sweep

    return sweep(context, config, arguments, leave_sweep)


def leave_run(folder: Path) -> None:
    """Write report.html of a run; trials are covered by their sweep's."""
    if is_first_rank() and not is_trial():
        from quintet.report.run.run_page import leave

        leave(folder)


def leave_sweep(study: "Study") -> None:
    """Write report.html of a sweep, and of its winner if that has none.

    An error in them costs a warning, never the sweep.
    """
    from quintet.artifacts.output_paths import check
    from quintet.base.console import say, shortest, warn
    from quintet.report.html.frame import is_ours
    from quintet.report.run.run_page import leave
    from quintet.report.sweep.sweep_page import write
    from quintet.sweep.winner import FOLDER

    try:
        if not (study.folder / FOLDER / REPORT).is_file():
            leave(study.folder / FOLDER)
        check(study.folder / REPORT, {}, is_ours)
        say("report    [bold]{}[/]", shortest(write(study)))
    except Exception as error:
        warn(f"report.html could not be written: {error}")
