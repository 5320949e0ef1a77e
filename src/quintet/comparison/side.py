"""One side of a comparison: a run, the same setup over several seeds, or a sweep."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from quintet.artifacts import untrusted_files
from quintet.artifacts.untrusted_files import DamagedError
from quintet.base.errors import Code, UserError
from quintet.config.safe_overrides import is_safe
from quintet.report.run.run_data import RunData
from quintet.study.storage import JOURNAL
from quintet.study.study import Study
from quintet.study.trial import Trial, folder_of

Kind = Literal["run", "seeds", "sweep"]


@dataclass
class Side:
    """A folder to compare.

    Args:
        name: shown on the console.
        kind: a run; a sweep over `seed=` alone; any other sweep.
        runs: by trial number, those whose folders exist; a single run has number 0.
        trials: of a sweep, ordered by number.
        spec: the specification of a sweep.

    """

    name: str
    kind: Kind
    runs: dict[int, RunData]
    trials: list[Trial]
    spec: dict[str, Any]

    @property
    def first(self) -> RunData:
        """A representative run, for what all runs share."""
        return next(iter(self.runs.values()))

    def by_seed(self) -> dict[int, float]:
        """Return the validation score by seed, of completed runs."""
        done = [run.record for run in self.runs.values() if run.record.status == "completed"]
        return {r.seed: r.metric.value for r in done if r.metric.value is not None}

    def further(self, name: str) -> dict[int, float]:
        """Return a further metric on validation data by seed, of completed runs that have it."""
        done = [run.record for run in self.runs.values() if run.record.status == "completed"]
        return {r.seed: r.further[name] for r in done if name in r.further}

    def epochs(self) -> int:
        """Return the total number of epochs."""
        return sum(spent for spent, _ in self.spent())

    def seconds(self) -> float:
        """Return the total seconds, summed over slots."""
        if self.kind == "run":
            return self.first.record.seconds
        return sum(float(t.notes.get("seconds", 0.0)) for t in self.trials)

    def spent(self) -> list[tuple[int, float | None]]:
        """Return epochs and score of every trial, in order."""
        if self.kind == "run":
            return [(self.first.record.epochs, self.first.record.metric.value)]
        return [(int(t.notes.get("epochs", 0)), t.value) for t in self.trials]


def side(folder: str, which: str) -> Side:
    """Read a run's or a sweep's folder.

    Args:
        folder: written by train.py, with or without -m; a trial's folder is a run.
        which: a or b, for messages.

    Raises:
        UserError: the folder is neither, or nothing in it has finished.

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
            "is neither a finished run nor a sweep",
            code=Code.NOT_FOUND,
            key=which,
            value=folder,
            hint="Give a folder that train.py wrote, such as logs/train/runs/<run> or "
            "logs/train/sweeps/<study>.",
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
        raise UserError(
            "is a sweep in which no trial has left a result",
            code=Code.NOT_FOUND,
            key=which,
            value=path,
            hint="Continue the sweep, or give another folder.",
        )
    varied = {key for trial in ended for key in trial.params}
    kind: Kind = "seeds" if varied == {"seed"} else "sweep"
    return Side(
        path.resolve().name, kind, runs, ended, dict(study.optuna.user_attrs.get("spec", {}))
    )


def check(a: Side, b: Side) -> None:
    """Refuse sides that cannot be compared.

    Raises:
        UserError: the metrics or the data differ.

    """
    one, two = a.first.record, b.first.record
    if one.metric.name != two.metric.name:
        names = (one.metric.name, two.metric.name)
        again = "Train b again with metric={}, or a with metric={}.".format(*names)
        raise UserError(
            f"a is measured by {one.metric.name}, b by {two.metric.name}, so their scores cannot "
            "be compared",
            code=Code.INCOMPATIBLE,
            hint=again if all(is_safe(f"metric={name}") for name in names) else "",
        )
    if one.facts.get("fingerprint") != two.facts.get("fingerprint"):
        raise UserError(
            f"a and b were trained on different data ({one.choices.get('data')}, fingerprint "
            f"{one.facts.get('fingerprint')}; {two.choices.get('data')}, fingerprint "
            f"{two.facts.get('fingerprint')})",
            code=Code.INCOMPATIBLE,
            hint="Train both on the same data.",
        )
