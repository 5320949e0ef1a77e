"""A run's report: gathered, put on one page, written beside the run."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from quintet import artifacts, console
from quintet.page.blocks import Block
from quintet.page.frame import Page, Section
from quintet.record import CONFIG, REPORT, RESULT
from quintet.report.run import about, several
from quintet.report.run.answered import answered
from quintet.report.run.curves import curves
from quintet.report.run.head import head
from quintet.report.run.mistakes import mistakes
from quintet.report.run.scores import beside, scores
from quintet.report.run.seen import Run

SECTIONS: dict[str, Callable[[Run], list[Block]]] = {
    "Scores": scores,
    "Curves": curves,
    "Answers": answered,
    "Most wrong": mistakes,
    "Checks": about.checks,
    "Data and model": about.data_and_model,
    "Config": about.config,
    "Environment": about.environment,
}
"""What follows the first screen."""
SEVERAL: dict[str, Callable[[Run], list[Block]]] = {
    "Runs": lambda run: [*several.table(run), *beside(run)],
    "Curves": several.curves,
    "Data and model": about.data_and_model,
    "Config": about.config,
    "Environment": about.environment,
}
"""The same of a run over folds or seeds; what the models answered is on the page of each."""


def write(folder: Path, path: Path | None = None) -> Path:
    """Write the report of a run folder and return its path, `report.html` in it unless given.

    Raises:
        UserError: the folder is not a run's, or is damaged, or there is no place to write to.

    """
    path = path or folder / REPORT
    with artifacts.understood(folder):
        made = page(Run.read(folder))
    made.write(path)
    return path


def leave(folder: Path) -> None:
    """Write the report of a run that has begun, unless its config says `report: false`.

    Whatever goes wrong with it costs a line, never the run.
    """
    if not (folder / CONFIG).is_file() or not (folder / RESULT).is_file():
        return
    try:
        run = Run.read(folder)
        if run.cfg.get("report", True):
            page(run).write(folder / REPORT)
    except Exception as error:
        console.warn(f"report.html could not be written: {error!r}")


def page(run: Run) -> Page:
    """Return the page."""
    made = SEVERAL if run.record.repeats else SECTIONS
    left_out = set() if run.checks else {"Checks"}
    sections = [Section(title, make(run)) for title, make in made.items() if title not in left_out]
    foot = f"Written {datetime.now():%Y-%m-%d %H:%M} by Quintet. The page needs no network."
    return Page("Run", run.folder.resolve().name, head(run), sections, foot)
