"""The data of a sweep's report, read from its study and its folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from quintet.artifacts import untrusted_files
from quintet.artifacts.record import CONFIG, Record
from quintet.artifacts.untrusted_files import DamagedError
from quintet.base import plain_yaml
from quintet.base.errors import UserError
from quintet.config.safe_overrides import split_by_safety
from quintet.diagnostics import training_curves
from quintet.study import leaderboard
from quintet.study.fronts import front_of
from quintet.study.ranking import ranked
from quintet.study.space import Space
from quintet.study.spec import metric_name, space_from_spec
from quintet.study.study import Study
from quintet.study.trial import Trial, folder_of
from quintet.sweep.winner import PASSED_OVER


@dataclass
class SweepData:
    """A sweep, finished or not.

    Args:
        study: the Optuna study with its trials.
        folder: of the sweep, which may have been moved.

    """

    study: Study
    folder: Path

    @property
    def name(self) -> str:
        """Name of the sweep."""
        return self.folder.name

    @cached_property
    def about(self) -> Mapping[str, Any]:
        """What the sweep recorded of its command line; {} for older studies."""
        return dict(self.study.optuna.user_attrs.get("about", {}))

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """The specification: metric, space, strategy, and fixed overrides."""
        return dict(self.study.optuna.user_attrs.get("spec", {}))

    @property
    def metric(self) -> str:
        """Name of the primary metric."""
        return metric_name(self.spec) or "P"

    @property
    def mode(self) -> str:
        """Direction of the metric, min or max."""
        return self.study.mode

    @property
    def objectives(self) -> dict[str, str]:
        """The direction of each objective by name, the metric first; {} of a sweep with one."""
        return self.study.objectives

    @property
    def constraints(self) -> dict[str, dict[str, float]]:
        """The bounds of each constrained measure by name; {} of a sweep without constraints."""
        return self.study.constraints

    @cached_property
    def front(self) -> dict[int, int]:
        """The front of each trial that has all objectives: 0 if no other dominates it."""
        return front_of(self.trials, self.objectives)

    @cached_property
    def trials(self) -> list[Trial]:
        """All trials, by number."""
        return self.study.trials()

    def spent(self, what: str) -> float:
        """Return the sum over all trials of epochs, seconds or cpu_seconds."""
        return sum(float(t.notes.get(what, 0)) for t in self.trials)

    @cached_property
    def ranked(self) -> list[Trial]:
        """All trials, the best first."""
        return ranked(self.trials, self.mode, self.front)

    @cached_property
    def valued(self) -> list[Trial]:
        """Trials that ended with a value, in the order in which they ended."""
        ended = [t for t in self.trials if t.state in ("completed", "pruned")]
        return sorted((t for t in ended if t.value is not None), key=self._ended)

    def _ended(self, trial: Trial) -> tuple[datetime, int]:
        return self.times[trial.number][1] or datetime.max, trial.number

    @cached_property
    def times(self) -> dict[int, tuple[datetime | None, datetime | None]]:
        """Start and end of each trial."""
        frozen = self.study.optuna.get_trials(deepcopy=False)
        return {t.number: (t.datetime_start, t.datetime_complete) for t in frozen}

    @cached_property
    def winner(self) -> Trial | None:
        """The best trial so far; None before any has ended."""
        best = next(iter(self.ranked), None)
        return best if best and best.can_win else None

    @cached_property
    def runner_up(self) -> Trial | None:
        """The second best completed trial."""
        ended = [t for t in self.ranked if t.state == "completed" and t.value is not None]
        others = [t for t in ended if t.feasible]
        others = [t for t in others if self.winner and t.number != self.winner.number]
        return others[0] if others else None

    @cached_property
    def defaults(self) -> Trial | None:
        """The trial with the config's default values."""
        point = self.about.get("defaults")
        found = (t for t in self.trials if t.params == point and t.value is not None)
        return next(found, None) if point else None

    def better(self, a: float, b: float) -> bool:
        """Return whether one value of the metric is better than another."""
        return a < b if self.mode == "min" else a > b

    def gain(self, a: float, b: float) -> float:
        """Return by how much `a` is better than `b`."""
        return b - a if self.mode == "min" else a - b

    def trial_folder(self, number: int) -> Path:
        """Return a trial's run folder."""
        return untrusted_files.inside(self.folder, str(folder_of(Path(), number)))

    @cached_property
    def records(self) -> dict[int, Record]:
        """The records of the trials' folders; deleted folders are skipped."""
        found = ((t.number, read_record(self.trial_folder(t.number))) for t in self.trials)
        return {number: record for number, record in found if record is not None}

    @cached_property
    def best(self) -> Record | None:
        """The record of `best/`, if it is the winner's."""
        kept = self.study.optuna.user_attrs.get("best")
        if self.winner is None or kept != [self.winner.number, self.winner.value]:
            return None
        return read_record(untrusted_files.inside(self.folder, "best"))

    @property
    def winner_is_lost(self) -> bool:
        """Whether the winner's checkpoint was deleted, so that `best/` is another trial."""
        lost = self.study.optuna.user_attrs.get(PASSED_OVER, ())
        return self.winner is not None and self.winner.number in lost

    @property
    def record(self) -> Record | None:
        """A record that represents the sweep: the winner's, or any trial's."""
        own = self.records.get(self.winner.number) if self.winner else None
        return self.best or own or next(iter(self.records.values()), None)

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """The config of the best run that has one, as plain data; {} if none has."""
        order = [t.number for t in self.ranked if t.number in self.records]
        for folder in map(self.trial_folder, order):
            try:
                text = untrusted_files.read_text(folder, CONFIG)
                return plain_yaml.mapping(text, folder / CONFIG)
            except (UserError, FileNotFoundError):
                continue
        return {}

    @cached_property
    def space(self) -> Space:
        """The search space stored in the study."""
        return space_from_spec(self.spec)

    @cached_property
    def fixed(self) -> list[str]:
        """The overrides of every trial that may be copied."""
        words = (word for word in self.spec.get("fixed", []) if not word.startswith("sweeper="))
        return split_by_safety(words)[0]

    @cached_property
    def importance(self) -> dict[str, float]:
        """Each parameter's measured importance, largest first."""
        return leaderboard.importance(self.study)

    @cached_property
    def curves(self) -> dict[int, dict[int, float]]:
        """The metric by epoch of each trial that reported it or has a metrics.csv."""
        found = {t.number: t.reports or self._curve(t.number) for t in self.trials}
        return {number: curve for number, curve in found.items() if curve}

    def _curve(self, number: int) -> dict[int, float]:
        folder = self.trial_folder(number)
        if number in self.records and (names := self.records[number].repeats):
            each = [self._from_file(folder / name) for name in names]
            shared = set(each[0]).intersection(*each)
            return {epoch: fmean(curve[epoch] for curve in each) for epoch in sorted(shared)}
        return self._from_file(folder)

    def _from_file(self, folder: Path) -> dict[int, float]:
        name = f"val/{self.metric}"
        rows = training_curves.read(folder / "metrics.csv")
        return {int(row["epoch"]) + 1: row[name] for row in rows if name in row}

    @property
    def several(self) -> bool:
        """Whether each trial trained once per fold or seed."""
        return any(record.repeats for record in self.records.values())

    @property
    def max_epochs(self) -> int:
        """Epochs of a trial that is not stopped early."""
        seen = max((int(t.notes.get("epochs", 0)) for t in self.trials), default=0)
        return int(self.about.get("max_epochs") or seen)

    @property
    def total(self) -> int:
        """Planned number of trials."""
        return max(int(self.about.get("total") or 0), len(self.trials))


def read_record(folder: Path) -> Record | None:
    """Return a run folder's record; None if it is missing or unreadable."""
    try:
        return Record.read(folder)
    except (OSError, DamagedError):
        return None
