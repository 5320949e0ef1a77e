"""One side of a comparison: a run, the same setup over several seeds, or a sweep."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from quintet.artifacts import untrusted_files
from quintet.artifacts.untrusted_files import DamagedError
from quintet.base.errors import UserError
from quintet.report.run.run_data import RunData
from quintet.study.storage import JOURNAL
from quintet.study.study import Study
from quintet.study.trial import Trial, folder_of

Kind = Literal["run", "seeds", "sweep"]


@dataclass
class Side:
    """A folder to compare.

    Args:
        name: as it is called on the console.
        kind: a run; a sweep over nothing but `seed=`; any other sweep.
        runs: by trial number, those whose folders are there; a run's own number is 0.
        trials: of a sweep, in the order of their numbers.
        spec: what a sweep is about.

    """

    name: str
    kind: Kind
    runs: dict[int, RunData]
    trials: list[Trial]
    spec: dict[str, Any]

    @property
    def first(self) -> RunData:
        """A run that stands for all where only what they share is asked for."""
        return next(iter(self.runs.values()))

    def by_seed(self) -> dict[int, float]:
        """Return P on validation by seed, of runs that completed."""
        done = [run.record for run in self.runs.values() if run.record.status == "completed"]
        return {r.seed: r.metric.value for r in done if r.metric.value is not None}

    def epochs(self) -> int:
        """Return the epochs trained in all."""
        return sum(spent for spent, _ in self.spent())

    def seconds(self) -> float:
        """Return the seconds spent in all, summed over slots."""
        if self.kind == "run":
            return self.first.record.seconds
        return sum(float(t.notes.get("seconds", 0.0)) for t in self.trials)

    def spent(self) -> list[tuple[int, float | None]]:
        """Return epochs and P of every trial, in order."""
        if self.kind == "run":
            return [(self.first.record.epochs, self.first.record.metric.value)]
        return [(int(t.notes.get("epochs", 0)), t.value) for t in self.trials]


def side(folder: str, which: str) -> Side:
    """Read a run's or a sweep's folder.

    Args:
        folder: that train.py wrote, with -m or without; a trial's is a run's.
        which: a or b, for messages.

    Raises:
        UserError: it is neither, or nothing in it has ended.

    """
    path = Path(folder)
    if untrusted_files.has(path, JOURNAL):
        return _sweep(path, which)
    try:
        return Side(path.resolve().name, "run", {0: RunData.read(path)}, [], {})
    except DamagedError:
        raise
    except UserError:
        raise UserError(
            f"{which}={folder} is neither a run nor a sweep that has ended. Allowed: a folder that "
            "train.py wrote, such as logs/train/runs/<run> or logs/train/sweeps/<study>."
        ) from None


def _sweep(path: Path, which: str) -> Side:
    study = Study.read(path)
    ended = [t for t in study.trials() if t.state != "running"]
    runs = {}
    for trial in ended:
        try:
            place = untrusted_files.inside(path, str(folder_of(Path(), trial.number)))
            runs[trial.number] = RunData.read(place)
        except UserError:
            continue
    if not runs:
        raise UserError(f"{which}={path}: no trial of this sweep has left a result to compare.")
    varied = {key for trial in ended for key in trial.params}
    kind: Kind = "seeds" if varied == {"seed"} else "sweep"
    return Side(
        path.resolve().name, kind, runs, ended, dict(study.optuna.user_attrs.get("spec", {}))
    )


def check(a: Side, b: Side) -> None:
    """Refuse sides whose numbers mean different things.

    Raises:
        UserError: another P, or other data.

    """
    one, two = a.first.record, b.first.record
    if one.metric.name != two.metric.name:
        raise UserError(
            f"a is measured by {one.metric.name}, b by {two.metric.name}: their numbers cannot be "
            f"compared. Train one of them again with metric={one.metric.name}."
        )
    if one.facts.get("fingerprint") != two.facts.get("fingerprint"):
        raise UserError(
            f"a and b were trained on different data ({one.choices.get('data')}, fingerprint "
            f"{one.facts.get('fingerprint')}; {two.choices.get('data')}, "
            f"{two.facts.get('fingerprint')}). Train both on the same."
        )
