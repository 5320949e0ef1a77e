"""The report of a sweep, one page written into its folder."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from omegaconf import DictConfig

from quintet.artifacts import untrusted_files
from quintet.artifacts.output_paths import check
from quintet.artifacts.record import REPORT
from quintet.base import console
from quintet.base.errors import Code, UserError
from quintet.report.html.blocks import Block, Commands, Note
from quintet.report.html.frame import Page, Section, is_ours
from quintet.report.live_server import serve
from quintet.report.run import run_page as run
from quintet.report.run.run_commands import warned
from quintet.report.sweep import sweep_head
from quintet.report.sweep.best_model import best_model
from quintet.report.sweep.board import leaderboard
from quintet.report.sweep.choices import choices
from quintet.report.sweep.compute import compute
from quintet.report.sweep.failures import failures
from quintet.report.sweep.history import progress
from quintet.report.sweep.hyperparameters import hyperparameters
from quintet.report.sweep.importance import importance
from quintet.report.sweep.sweep_commands import left_out, next_steps
from quintet.report.sweep.sweep_data import SweepData
from quintet.report.sweep.sweep_warnings import warnings
from quintet.report.sweep.trade_off import trade_off
from quintet.report.sweep.trial_curves import learning
from quintet.study.study import Study

SECTIONS: dict[str, tuple[Callable[[SweepData], list[Block]], str]] = {
    "Leaderboard": (leaderboard, "Click on a title to sort."),
    "Trade-off": (trade_off, ""),
    "Best model": (best_model, ""),
    "What mattered": (importance, ""),
    "Hyperparameters": (hyperparameters, ""),
    "Progress": (progress, ""),
    "Learning curves": (learning, ""),
    "Choices and data": (choices, ""),
    "Compute": (compute, ""),
    "Failures": (failures, ""),
    "Warnings": (lambda sweep: _warnings(sweep), ""),
    "Commands": (lambda sweep: _commands(sweep), "As typed on the machine that wrote this page."),
}
"""The sections after the first screen: title, blocks, and a line under the title."""


def report(cfg: DictConfig) -> Path | None:
    """Write the report of `cfg.sweep`, finished or not, or of `cfg.run`; serve it, if it is live.

    Raises:
        UserError: the folder is missing, both or none are given, or the output is not writable.

    """
    if (cfg.sweep is None) == (cfg.run is None):
        raise UserError(
            f"and run={cfg.run} do not name exactly one folder",
            code=Code.MISSING_VALUE if cfg.run is None else Code.CONFLICT,
            key="sweep",
            value=str(cfg.sweep),
            hint="Give one of the two: sweep=<folder> or run=<folder>.",
        )
    output = Path(cfg.output) if cfg.output else None
    given = {"sweep": cfg.sweep, "run": cfg.run}
    kept = {key: folder for key, folder in given.items() if folder is not None}
    usual = Path(*kept.values(), REPORT)
    overwrite = bool(cfg.get("overwrite"))
    check(output or usual, kept if output else {}, is_ours, overwrite=overwrite)
    if cfg.live:
        follow(cfg)
        return None
    if cfg.run is not None:
        path = run.write(Path(cfg.run), output)
    else:
        with untrusted_files.understood(Path(cfg.sweep)):
            path = write(Study.read(cfg.sweep, cfg.storage), output)
    console.say("report    [bold]{}[/]", console.shortest(path))
    return path


def follow(cfg: DictConfig) -> None:
    """Serve the report of `cfg.sweep` or `cfg.run` until Ctrl-C; it follows trials or epochs.

    Raises:
        UserError: the folder or the port is not usable.

    """
    if cfg.run is not None:
        serve(lambda: replace(run.page_so_far(Path(cfg.run)), live=True), cfg.port or 0)
        return
    with untrusted_files.understood(Path(cfg.sweep)):
        study = Study.read(cfg.sweep, cfg.storage)
        serve(lambda: replace(page(SweepData(study, study.folder)), live=True), cfg.port or 0)


def write(study: Study, path: Path | None = None) -> Path:
    """Write a study's report and return its path, `report.html` in its folder unless given."""
    path = path or study.folder / REPORT
    page(SweepData(study, study.folder)).write(path)
    return path


def _sections(sweep: SweepData) -> list[Section]:
    """Return the sections that have something to show."""
    made = {title: (make(sweep), intro) for title, (make, intro) in SECTIONS.items()}
    return [Section(title, blocks, intro) for title, (blocks, intro) in made.items() if blocks]


def page(sweep: SweepData) -> Page:
    """Return the page."""
    return Page(
        "Sweep",
        sweep.name,
        sweep_head.head(sweep),
        _sections(sweep),
        f"Written {datetime.now():%Y-%m-%d %H:%M} by Quintet. Trials are compared on validation "
        "data; the test set is evaluated once, for the winner. The page needs no network.",
    )


def _commands(sweep: SweepData) -> list[Block]:
    return [Commands(next_steps(sweep)), *warned(left_out(sweep))]


def _warnings(sweep: SweepData) -> list[Block]:
    found = warnings(sweep)
    if not found:
        return [Note("No warnings: ranges, data, libraries and code are in order.", "good")]
    return [Note(text, "warn") for text in found]
