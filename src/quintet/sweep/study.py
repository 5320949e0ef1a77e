"""A sweep's memory: its trials, on a storage that survives whatever happens to the sweep."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from quintet import artifacts
from quintet.errors import UserError
from quintet.sweep import locks
from quintet.sweep.changed import differences
from quintet.sweep.checked import check
from quintet.sweep.space import Point, Space
from quintet.sweep.storage import JOURNAL, storage

if TYPE_CHECKING:
    import optuna
    import pandas as pd

State = Literal["running", "completed", "pruned", "failed"]
STOP = "stop"
"""A trial's note of the report at which its scheduler stopped it: epochs and value."""


@dataclass
class Trial:
    """One trial as it stands.

    Args:
        number: from 0.
        state: running covers paused ones, and those whose process has died.
        value: P; of a pruned trial, its P so far.
        point: what varies.
        reports: P after so many epochs.
        notes: what the sweep has written about it: status, reason, epochs, seconds, budget ...

    """

    number: int
    state: State
    value: float | None
    point: Point
    reports: dict[int, float] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def paused(self) -> bool:
        """Whether it waits for the scheduler to let it go on."""
        at, budget = self.notes.get("paused_at"), self.notes.get("budget")
        return self.state == "running" and at is not None and at == budget

    def stopped_by(self, epochs: int) -> bool:
        """Tell whether its scheduler has stopped it after so many epochs, or before."""
        if (stop := self.notes.get(STOP)) is None:
            return False
        # A budget that was raised since then has let the trial go on.
        return bool(self.notes.get("budget", 0) <= stop["epochs"] <= epochs)


class Study:
    """The trials of a sweep folder.

    In a notebook: `Study.read("logs/train/sweeps/<study>").frame()`.
    """

    def __init__(self, folder: Path, direction: str | None = None, url: str | None = None) -> None:
        """Open the study, making it where there is none.

        Args:
            folder: of the sweep.
            direction: min or max; None to read a study that exists.
            url: of the storage, as of `quintet.sweep.storage.storage`.

        Raises:
            UserError: the study is to be read and there is none, or it is damaged.

        """
        optuna = quiet_optuna()
        self.folder = folder
        kept = storage(folder, url)
        name = _name(folder, kept, url)
        if direction is None:
            try:
                self.optuna = optuna.load_study(study_name=name, storage=kept)
            except KeyError:
                raise UserError(f"{folder} holds no study.") from None
        else:
            self.optuna = optuna.create_study(
                storage=kept,
                study_name=name,
                direction={"min": "minimize", "max": "maximize"}[direction],
                load_if_exists=True,
            )
        self._storage, self._id = self.optuna._storage, self.optuna._study_id
        check(self.optuna, folder if url else folder / JOURNAL)

    @classmethod
    def read(cls, folder: str | Path, storage: str | None = None) -> "Study":
        """Open the study of a sweep folder to look at it.

        Args:
            folder: that `train.py -m` wrote.
            storage: its `sweeper.storage`, where it had one.

        Raises:
            UserError: there is no study in the folder.

        """
        path = Path(folder).resolve()
        if not path.is_dir() or (storage is None and not artifacts.has(path, JOURNAL)):
            raise UserError(f"sweep={folder} is no sweep folder: {path / JOURNAL} is missing.")
        return cls(path, url=storage)

    @property
    def mode(self) -> str:
        """P's direction, min or max."""
        return "min" if self.optuna.direction.name == "MINIMIZE" else "max"

    def trials(self) -> list[Trial]:
        """Return all trials, by number."""
        return [_seen(t) for t in self.optuna.get_trials(deepcopy=False)]

    def ended(self) -> set[int]:
        """Return the numbers of the trials that have ended, well or not."""
        return {t.number for t in self.trials() if t.state != "running"}

    def frame(self) -> "pd.DataFrame":
        """Return the leaderboard as a table: one row a trial, the best first."""
        import pandas as pd

        from quintet.sweep.leaderboard import COLUMNS, rows

        table = rows(self)
        return pd.DataFrame(table, columns=None if table else COLUMNS).set_index("trial")

    @contextmanager
    def claiming(self) -> Iterator[None]:
        """Hold off every other process that would claim a trial of this study."""
        with locks.held(self.folder / ".claim.lock"):
            yield

    def agree(self, spec: Mapping[str, Any]) -> None:
        """Keep what the study is about, or compare it with what was kept.

        Raises:
            UserError: another space, strategy or P than the study began with.

        """
        before = self.optuna.user_attrs.get("spec")
        if before is None or not self.trials():
            self.optuna.set_user_attr("spec", dict(spec))
        elif changes := list(differences(before, spec)):
            raise UserError(
                f"study={self.folder.name} exists and is about something else:\n  "
                + "\n  ".join(changes)
                + "\nTake that back to go on with it, or give the new sweep a study= of its own."
            )

    def remember(self, **about: Any) -> None:
        """Keep what a report tells of the sweep's latest start."""
        self.optuna.set_user_attr("about", about)

    def create(self, point: Point, space: Space, notes: Mapping[str, Any]) -> int:
        """Add a running trial in one step; return its number."""
        from optuna.trial import TrialState, create_trial

        chosen = [space[key] for key in point]
        template = create_trial(
            state=TrialState.RUNNING,
            params={p.key: p.to_optuna(point[p.key]) for p in chosen},
            distributions={p.key: p.distribution() for p in chosen},
            user_attrs={"point": point, **notes},
        )
        trial_id = self._storage.create_new_trial(self._id, template_trial=template)
        return int(self._storage.get_trial(trial_id).number)

    def note(self, number: int, **notes: Any) -> None:
        """Write something about a trial."""
        trial_id = self._trial_id(number)
        for key, value in notes.items():
            self._storage.set_trial_user_attr(trial_id, key, value)

    def report(self, number: int, epochs: int, value: float, *, stop: bool) -> None:
        """Write P after so many epochs, and whether the trial stops there.

        Both are one write, which a kill cannot part: a report alone says that the trial goes on;
        one that stops it is a note, and stands beside it for other readers of the storage.
        """
        if stop:
            self.note(number, **{STOP: {"epochs": epochs, "value": value}})
        self._storage.set_trial_intermediate_value(self._trial_id(number), epochs, value)

    def tell(self, number: int, state: State, value: float | None = None) -> None:
        """End a trial; one that has ended stays as it is."""
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
    """Return the study's name: the folder's, or what a journal knows it by since it was moved."""
    names = [] if url else [s.study_name for s in kept.get_all_studies()]
    return folder.name if folder.name in names or len(names) != 1 else str(names[0])


def quiet_optuna() -> Any:
    """Import Optuna without its own log lines and warnings about experimental parts."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


def _seen(frozen: "optuna.trial.FrozenTrial") -> Trial:
    states: dict[str, State] = {"COMPLETE": "completed", "PRUNED": "pruned", "FAIL": "failed"}
    notes, reports = dict(frozen.user_attrs), dict(frozen.intermediate_values)
    if (stop := notes.get(STOP)) is not None:
        reports[stop["epochs"]] = stop["value"]
    return Trial(
        number=frozen.number,
        state=states.get(frozen.state.name, "running"),
        value=notes.get("value"),
        point=notes.get("point", {}),
        reports=reports,
        notes=notes,
    )


def folder_of(sweep: Path, number: int) -> Path:
    """Return the run folder of a trial."""
    return sweep / "trials" / f"{number:04d}"
