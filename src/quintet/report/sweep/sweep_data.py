"""All that a sweep's report tells, gathered from its study and its folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml

from quintet.artifacts import untrusted_files
from quintet.artifacts.record import CONFIG, Record
from quintet.artifacts.untrusted_files import DamagedError
from quintet.base import schema
from quintet.diagnostics import training_curves
from quintet.study import leaderboard
from quintet.study.space import Space
from quintet.study.spec import metric_of, space_of
from quintet.study.study import Study
from quintet.study.trial import Trial, folder_of
from quintet.sweep.winner import PASSED_OVER


@dataclass
class SweepData:
    """A sweep as it stands, finished or not.

    Args:
        study: its trials.
        folder: of the sweep, wherever it has been moved to.

    """

    study: Study
    folder: Path

    @property
    def name(self) -> str:
        """What the sweep is called."""
        return self.folder.name

    @cached_property
    def about(self) -> Mapping[str, Any]:
        """What the sweep has noted of its command line; {} of one from before it did."""
        return dict(self.study.optuna.user_attrs.get("about", {}))

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """What the study is about: metric, space, strategy, and what is fixed."""
        return dict(self.study.optuna.user_attrs.get("spec", {}))

    @property
    def metric(self) -> str:
        """P's name."""
        return metric_of(self.spec) or "P"

    @property
    def mode(self) -> str:
        """P's direction, min or max."""
        return self.study.mode

    @cached_property
    def trials(self) -> list[Trial]:
        """All trials, by number."""
        return self.study.trials()

    def spent(self, what: str) -> float:
        """Return what all trials took together: epochs, seconds or cpu_seconds."""
        return sum(float(t.notes.get(what, 0)) for t in self.trials)

    @cached_property
    def ranked(self) -> list[Trial]:
        """All trials, the best first."""
        return leaderboard.ranked(self.study)

    @cached_property
    def valued(self) -> list[Trial]:
        """Trials that ended with a value of P, in the order in which they ended."""
        ended = [t for t in self.trials if t.state in ("completed", "pruned")]
        return sorted((t for t in ended if t.value is not None), key=self._ended)

    def _ended(self, trial: Trial) -> tuple[datetime, int]:
        return self.times[trial.number][1] or datetime.max, trial.number

    @cached_property
    def times(self) -> dict[int, tuple[datetime | None, datetime | None]]:
        """When each trial began and ended."""
        frozen = self.study.optuna.get_trials(deepcopy=False)
        return {t.number: (t.datetime_start, t.datetime_complete) for t in frozen}

    @cached_property
    def winner(self) -> Trial | None:
        """The best trial so far; None before the first has ended."""
        best = leaderboard.winner(self.study)
        return best if best is not None and best.value is not None else None

    @cached_property
    def runner_up(self) -> Trial | None:
        """The second best of the completed trials."""
        others = [t for t in self.ranked if t is not self.winner and t.state == "completed"]
        others = [t for t in others if self.winner and t.number != self.winner.number]
        return others[0] if others else None

    @cached_property
    def defaults(self) -> Trial | None:
        """The trial that has the config's own values."""
        point = self.about.get("defaults")
        found = (t for t in self.trials if t.params == point and t.value is not None)
        return next(found, None) if point else None

    def better(self, a: float, b: float) -> bool:
        """Tell whether one value of P is better than another."""
        return a < b if self.mode == "min" else a > b

    def gain(self, a: float, b: float) -> float:
        """Return by how much `a` is better than `b`."""
        return b - a if self.mode == "min" else a - b

    def trial_folder(self, number: int) -> Path:
        """Return a trial's run folder."""
        return untrusted_files.inside(self.folder, str(folder_of(Path(), number)))

    @cached_property
    def records(self) -> dict[int, Record]:
        """What the trials' own folders say; a deleted folder says nothing."""
        found = ((t.number, read_record(self.trial_folder(t.number))) for t in self.trials)
        return {number: record for number, record in found if record is not None}

    @cached_property
    def best(self) -> Record | None:
        """The record of `best/`, where that is the winner's."""
        kept = self.study.optuna.user_attrs.get("best")
        if self.winner is None or kept != [self.winner.number, self.winner.value]:
            return None
        return read_record(untrusted_files.inside(self.folder, "best"))

    @property
    def winner_is_lost(self) -> bool:
        """Whether somebody has deleted the winner's model, so that `best/` is another trial's."""
        lost = self.study.optuna.user_attrs.get(PASSED_OVER, ())
        return self.winner is not None and self.winner.number in lost

    @property
    def record(self) -> Record | None:
        """The record that speaks for the sweep: of the winner, or of any trial."""
        own = self.records.get(self.winner.number) if self.winner else None
        return self.best or own or next(iter(self.records.values()), None)

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """The config of the best run that has left one, as plain data; {} where none has."""
        order = [t.number for t in self.ranked if t.number in self.records]
        for folder in map(self.trial_folder, order):
            try:
                text = untrusted_files.read_text(folder, CONFIG)
                with untrusted_files.understood(folder / CONFIG):
                    plain = schema.fitting(dict[str, Any], yaml.safe_load(text), "the config")
                    return dict(plain)
            except (DamagedError, FileNotFoundError):
                continue
        return {}

    @cached_property
    def space(self) -> Space:
        """What varies, as the study has kept it."""
        return space_of(self.spec)

    @cached_property
    def importance(self) -> dict[str, float]:
        """Each parameter's measured share, the greatest first."""
        return leaderboard.importance(self.study)

    @cached_property
    def curves(self) -> dict[int, dict[int, float]]:
        """P after so many epochs, of each trial that has told it or left a metrics.csv."""
        found = {t.number: t.reports or self._curve(t.number) for t in self.trials}
        return {number: curve for number, curve in found.items() if curve}

    def _curve(self, number: int) -> dict[int, float]:
        folder = self.trial_folder(number)
        if number in self.records and (names := self.records[number].repeats):
            each = [self._told(folder / name) for name in names]
            shared = set(each[0]).intersection(*each)
            return {epoch: fmean(curve[epoch] for curve in each) for epoch in sorted(shared)}
        return self._told(folder)

    def _told(self, folder: Path) -> dict[int, float]:
        name = f"val/{self.metric}"
        rows = training_curves.read(folder / "metrics.csv")
        return {int(row["epoch"]) + 1: row[name] for row in rows if name in row}

    @property
    def several(self) -> bool:
        """Whether each trial trained once a fold or seed."""
        return any(record.repeats for record in self.records.values())

    @property
    def max_epochs(self) -> int:
        """Epochs of a trial that nothing stops."""
        seen = max((int(t.notes.get("epochs", 0)) for t in self.trials), default=0)
        return int(self.about.get("max_epochs") or seen)

    @property
    def total(self) -> int:
        """How many trials the sweep is to have."""
        return max(int(self.about.get("total") or 0), len(self.trials))


def read_record(folder: Path) -> Record | None:
    """Return a run folder's record; None where there is none that can be read."""
    try:
        return Record.read(folder)
    except (OSError, DamagedError):
        return None
