"""The report of a run, one page written into its folder."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from quintet.artifacts import untrusted_files
from quintet.artifacts.output_paths import check
from quintet.artifacts.record import CONFIG, REPORT, RESULT
from quintet.base import console
from quintet.report.html.blocks import Block
from quintet.report.html.frame import Page, Section, is_ours
from quintet.report.run import cross_validated, setup_sections
from quintet.report.run.curves import curves
from quintet.report.run.prediction_sections import predictions
from quintet.report.run.run_data import RunData
from quintet.report.run.run_head import head
from quintet.report.run.sample_section import samples
from quintet.report.run.scores import baseline_scores, scores
from quintet.report.run.worst_cases import largest_errors

SECTIONS: dict[str, Callable[[RunData], list[Block]]] = {
    "Scores": scores,
    "Curves": curves,
    "Predictions": predictions,
    "Largest errors": largest_errors,
    "Samples": samples,
    "Checks": setup_sections.checks,
    "Data and model": setup_sections.data_and_model,
    "Config": setup_sections.config,
    "Profile": setup_sections.profile,
    "Environment": setup_sections.environment,
}
"""The sections after the first screen."""
AT_THE_END = {"Predictions", "Largest errors", "Samples", "Profile", "Environment"}
"""The sections that are empty while a run trains."""
SEVERAL: dict[str, Callable[[RunData], list[Block]]] = {
    "Runs": lambda run: [*cross_validated.table(run), *baseline_scores(run)],
    "Curves": cross_validated.curves,
    "Data and model": setup_sections.data_and_model,
    "Config": setup_sections.config,
    "Environment": setup_sections.environment,
}
"""The sections for runs over folds or seeds; predictions are on the page of each."""


def write(folder: Path, path: Path | None = None) -> Path:
    """Write the report of a run folder and return its path, `report.html` in it unless given.

    Raises:
        UserError: the folder is not a run's or is damaged, or the page cannot be written.

    """
    path = path or folder / REPORT
    with untrusted_files.understood(folder):
        made = page(RunData.read(folder))
    made.write(path)
    return path


def page_so_far(folder: Path) -> Page:
    """Return the page of a run that may still be training.

    Raises:
        UserError: the folder is not a run's or is damaged.

    """
    with untrusted_files.understood(folder):
        return page(RunData.underway(folder))


def leave(folder: Path) -> None:
    """Write the report of a run that has started, unless its config has `report: false`.

    An error here is logged as a warning and never fails the run.
    """
    if not (folder / CONFIG).is_file() or not (folder / RESULT).is_file():
        return
    try:
        run = RunData.read(folder)
        if run.cfg.get("report", True):
            check(folder / REPORT, {}, is_ours)
            page(run).write(folder / REPORT)
    except Exception as error:
        console.warn(f"report.html could not be written: {error!r}")


def page(run: RunData) -> Page:
    """Return the page."""
    made = SEVERAL if run.record.repeats else SECTIONS
    left_out = ({"Checks"} if not run.checks else set()) | (
        AT_THE_END if run.is_training else set()
    )
    wanted = {title: make(run) for title, make in made.items() if title not in left_out}
    sections = [Section(title, found) for title, found in wanted.items() if found]
    foot = f"Written {datetime.now():%Y-%m-%d %H:%M} by Quintet. The page needs no network."
    return Page("Run", run.folder.resolve().name, head(run), sections, foot)
