"""A sweep's study: its trials, in a persistent storage."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quintet.artifacts import untrusted_files
from quintet.base import locks
from quintet.base.errors import Code, UserError
from quintet.base.secrets import redacted
from quintet.study import constraints, fronts
from quintet.study.optuna_internals import storage_of
from quintet.study.ranking import COLUMNS, rows
from quintet.study.space import Params, Space
from quintet.study.spec import differences
from quintet.study.storage import JOURNAL, storage
from quintet.study.trial import STOP, State, Trial
from quintet.study.validation import check

if TYPE_CHECKING:
    import optuna
    import pandas as pd


DIRECTIONS = {"min": "minimize", "max": "maximize"}
"""Optuna's word for each direction of a metric."""


class Study:
    """The trials of a sweep folder.

    In a notebook: `Study.read("logs/train/sweeps/<study>").frame()`.
    """

    def __init__(self, folder: Path, direction: str | None = None, url: str | None = None) -> None:
        """Open the study; create it if it does not exist.

        Args:
            folder: of the sweep.
            direction: min or max; None to open an existing study only.
            url: of the storage, as for `quintet.study.storage.storage`.

        Raises:
            UserError: there is no such study, or it is damaged.

        """
        optuna = quiet_optuna()
        self.folder = folder
        kept = storage(folder, url)
        name = _name(folder, kept, url)
        if direction is None:
            try:
                self.optuna = optuna.load_study(study_name=name, storage=kept)
            except KeyError:
                raise UserError(
                    "has no study", code=Code.NOT_FOUND, key="sweep", value=folder
                ) from None
        else:
            self.optuna = optuna.create_study(
                storage=kept,
                study_name=name,
                direction=DIRECTIONS[direction],
                load_if_exists=True,
            )
        self._storage, self._id = storage_of(self.optuna)
        check(self.optuna, folder if url else folder / JOURNAL)

    @classmethod
    def read(cls, folder: str | Path, storage: str | None = None) -> "Study":
        """Open the study of a sweep folder for reading.

        Args:
            folder: written by `train.py -m`.
            storage: its `sweeper.storage`, if it had one.

        Raises:
            UserError: there is no study in the folder.

        """
        path = Path(folder).resolve()
        if not path.is_dir() or (storage is None and not untrusted_files.has(path, JOURNAL)):
            raise UserError(
                f"is not a sweep folder: {path / JOURNAL} is missing",
                code=Code.NOT_FOUND,
                key="sweep",
                value=folder,
                hint="Give the folder of a sweep, and storage=<its sweeper.storage> if it had one.",
            )
        return cls(path, url=storage)

    @property
    def mode(self) -> str:
        """The metric's direction, min or max."""
        return "min" if self.optuna.direction.name == "MINIMIZE" else "max"

    @property
    def objectives(self) -> dict[str, str]:
        """The direction of each objective by name, the metric first; {} of a sweep with one."""
        return dict(self.optuna.user_attrs.get("spec", {}).get(fronts.KEY) or {})

    @property
    def constraints(self) -> dict[str, dict[str, float]]:
        """The bounds of each constrained measure by name; {} of a sweep without constraints."""
        return dict(self.optuna.user_attrs.get("spec", {}).get(constraints.KEY) or {})

    def trials(self) -> list[Trial]:
        """Return all trials, by number."""
        bounds = self.constraints
        return [_trial(t, bounds) for t in self.optuna.get_trials(deepcopy=False)]

    def ended(self) -> set[int]:
        """Return the numbers of all trials that have ended, whatever the outcome."""
        return {t.number for t in self.trials() if t.state != "running"}

    def frame(self) -> "pd.DataFrame":
        """Return the leaderboard as a table: one row per trial, best first."""
        import pandas as pd

        table = rows(self.trials(), self.mode, self.folder, self.objectives, self.constraints)
        return pd.DataFrame(table, columns=None if table else COLUMNS).set_index("trial")

    @contextmanager
    def claiming(self) -> Iterator[None]:
        """Hold the lock under which a process claims a trial of this study."""
        with locks.held(self.folder / ".claim.lock"):
            yield

    def set_or_check_spec(self, spec: Mapping[str, Any]) -> None:
        """Store the spec of the study, or compare it with the stored one.

        Raises:
            UserError: the space, strategy or metric differs from the stored one.

        """
        before, spec = self.optuna.user_attrs.get("spec"), redacted(spec, places=False)
        if before is None or not self.trials():
            self.optuna.set_user_attr("spec", spec)
        elif changes := list(differences(before, spec)):
            raise UserError(
                "exists with another setup:\n  " + "\n  ".join(changes) + "\n",
                code=Code.EXISTS,
                key="study",
                value=self.folder.name,
                hint="Undo that to continue it, or give the new sweep its own study=",
            )

    def set_about(self, **about: Any) -> None:
        """Store facts about the sweep's latest start, for its report; those not given stay."""
        before = self.optuna.user_attrs.get("about", {})
        self.optuna.set_user_attr("about", before | redacted(about, places=False))

    def create(self, params: Params, space: Space, notes: Mapping[str, Any]) -> int:
        """Add a running trial in one step; return its number."""
        from optuna.trial import TrialState, create_trial

        chosen = [space[key] for key in params]
        template = create_trial(
            state=TrialState.RUNNING,
            params={p.key: p.to_optuna(params[p.key]) for p in chosen},
            distributions={p.key: p.distribution() for p in chosen},
            user_attrs={"point": params, **redacted(notes, places=False)},
        )
        trial_id = self._storage.create_new_trial(self._id, template_trial=template)
        return int(self._storage.get_trial(trial_id).number)

    def note(self, number: int, **notes: Any) -> None:
        """Store notes about a trial."""
        trial_id = self._trial_id(number)
        for key, value in notes.items():
            self._storage.set_trial_user_attr(trial_id, key, redacted(value, places=False))

    def report(self, number: int, epochs: int, value: float, *, stop: bool) -> None:
        """Store the metric after `epochs` epochs, and whether the trial stops there.

        A single write decides, so a kill cannot separate the two: a plain report means that the
        trial continues; a stop is a note that holds the report as well. The intermediate value that
        follows it is for other readers of the storage.
        """
        if stop:
            self.note(number, **{STOP: {"epochs": epochs, "value": value}})
        self._storage.set_trial_intermediate_value(self._trial_id(number), epochs, value)

    def tell(self, number: int, state: State, value: float | None = None) -> None:
        """Set the final state of a trial; one that has ended is left unchanged."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        states = {
            "completed": TrialState.COMPLETE,
            "pruned": TrialState.PRUNED,
            "failed": TrialState.FAIL,
        }
        values = None if value is None else [value]
        try:
            self._storage.set_trial_state_values(self._trial_id(number), states[state], values)
        except UpdateFinishedTrialError:
            return

    def _trial_id(self, number: int) -> int:
        return int(self._storage.get_trial_id_from_study_id_trial_number(self._id, number))


def _name(folder: Path, kept: Any, url: str | None) -> str:
    """Return the study's name: the folder's, or the journal's if the folder was renamed."""
    names = [] if url else [s.study_name for s in kept.get_all_studies()]
    return folder.name if folder.name in names or len(names) != 1 else str(names[0])


def quiet_optuna() -> Any:
    """Import Optuna with its log lines and experimental warnings disabled."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


def _trial(frozen: "optuna.trial.FrozenTrial", bounds: constraints.Constraints) -> Trial:
    states: dict[str, State] = {"COMPLETE": "completed", "PRUNED": "pruned", "FAIL": "failed"}
    notes, reports = dict(frozen.user_attrs), dict(frozen.intermediate_values)
    if (stop := notes.get(STOP)) is not None:
        reports[stop["epochs"]] = stop["value"]
    return Trial(
        number=frozen.number,
        state=states.get(frozen.state.name, "running"),
        value=notes.get("value"),
        params=notes.get("point", {}),
        reports=reports,
        notes=notes,
        violation=constraints.violation(notes[fronts.KEY], bounds) if fronts.KEY in notes else 0.0,
    )
