"""The leaderboard: every trial, its folder, and the command to rerun it."""

from quintet.base.formatting import rounded, score, short
from quintet.report.cells import scored
from quintet.report.html.blocks import Block, Text
from quintet.report.html.table import Cell, Copy, Link, Number, Table
from quintet.report.sweep.sweep_commands import rerun
from quintet.report.sweep.sweep_data import SweepData
from quintet.study.constraints import FEASIBLE
from quintet.study.ranking import FRONT, STEERED, feasible, measured_names, measures, state
from quintet.study.trial import SOURCES, Trial

SHOWN = 15
"""Rows before "show all" is pressed."""
INHERITED = (
    "The parameters are those that each run began with. Population-based training changes them as "
    "it goes on; a trial's folder has the changes in steering.csv, and its page shows them."
)


def leaderboard(sweep: SweepData) -> list[Block]:
    """Return the table, and how to read it where runs were taken over."""
    inherited = any(SOURCES in trial.notes for trial in sweep.trials)
    return [_table(sweep), *([Text(INHERITED)] if inherited else [])]


def _table(sweep: SweepData) -> Table:
    """Return the table, best trial first; trials that did not complete are dimmed."""
    keys = varying(sweep)
    further = measured_names(sweep.trials, sweep.objectives, sweep.constraints)
    order = [*([FRONT] if sweep.objectives else []), *([FEASIBLE] if sweep.constraints else [])]
    shown = [sweep.metric, *further, *order, *short_names(keys)]
    titles = ["trial", "state", *shown, "epochs", "time (s)", "rerun"]
    rows = [_row(sweep, trial, keys, further) for trial in sweep.ranked]
    tones = [_tone(sweep, t) for t in sweep.ranked]
    keys_of_rows = [str(t.number) for t in sweep.ranked]
    return Table("All trials, the best first", titles, rows, tones, SHOWN, keys_of_rows)


def short_names(keys: list[str]) -> list[str]:
    """Return the last parts of keys; keys with the same last part are not shortened."""
    last = [short(key) for key in keys]
    return [s if last.count(s) == 1 else key for s, key in zip(last, keys, strict=True)]


def varying(sweep: SweepData) -> list[str]:
    """Return the parameters that vary, the most important first."""
    keys = dict.fromkeys(key for trial in sweep.ranked for key in trial.params)
    first = [key for key in sweep.importance if key in keys]
    ordered = list(dict.fromkeys([*first, *keys]))
    several = [k for k in ordered if len({t.params.get(k) for t in sweep.trials}) > 1]
    return several or ordered


def _row(sweep: SweepData, trial: Trial, keys: list[str], further: list[str]) -> list[Cell]:
    values = measures(trial, sweep.objectives, sweep.constraints)
    value = None if trial.value is None else Number(trial.value, score(trial.value))
    seconds = float(trial.notes.get("seconds", 0.0))
    return [
        Link(f"{trial.number}", f"trials/{trial.number:04d}/"),
        state(trial) + _further(trial),
        value,
        *(scored(values.get(name)) for name in further),
        *([sweep.front.get(trial.number)] if sweep.objectives else []),
        *([_feasible(trial)] if sweep.constraints else []),
        *(_setting(trial.params.get(key)) for key in keys),
        int(trial.notes.get("epochs", len(trial.reports))),
        Number(seconds, f"{seconds:.1f}"),
        Copy(rerun(sweep, trial)),
    ]


def _further(trial: Trial) -> str:
    """Return what a trial's parameters do not tell: whose run it continued; that it was steered."""
    if sources := trial.notes.get(SOURCES):
        return f", took over trial {sources[-1]}"
    return ", steered" if STEERED in trial.notes else ""


def _feasible(trial: Trial) -> Cell:
    holds = feasible(trial)
    return None if holds is None else "yes" if holds else "no"


def _setting(value: str | None) -> Cell:
    if value is None:
        return None
    try:
        return Number(float(value), rounded(value))
    except ValueError:
        return value


def _tone(sweep: SweepData, trial: Trial) -> str:
    if sweep.winner and trial.number == sweep.winner.number:
        return "best"
    return "" if trial.state == "completed" and trial.feasible else "faded"
