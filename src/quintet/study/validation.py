"""Checks of a study's stored attributes: its journal may come from another person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from quintet.artifacts import untrusted_files
from quintet.base import schema
from quintet.study.fronts import AT, KEY
from quintet.study.space import Choice, Scale
from quintet.study.spec import space_from_spec

if TYPE_CHECKING:
    import optuna


Mode = Literal["min", "max"]


@dataclass
class Metric:
    """The metric's name and direction."""

    name: str
    mode: Mode


@dataclass
class ChoiceFields:
    """A parameter with listed values; see `space.Choice`."""

    values: list[str]
    when: dict[str, list[str]]
    ordered: bool
    prior: str | None = None


@dataclass
class IntervalFields:
    """A number between two bounds; see `space.Interval`."""

    low: float
    high: float
    scale: Scale
    integer: bool
    when: dict[str, list[str]]
    prior: str | None = None


@dataclass
class Spec:
    """The spec of a study; see `Plan.spec`. Earlier versions stored metric and space as text."""

    metric: str | Metric = ""
    fixed: list[str] = field(default_factory=list)
    space: dict[str, str | ChoiceFields | IntervalFields] = field(default_factory=dict)
    strategy: dict[str, Any] = field(default_factory=dict)
    objectives: dict[str, Mode] = field(default_factory=dict)
    constraints: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass
class SweepAbout:
    """Facts about a study's latest start."""

    command: str = ""
    total: int = 0
    max_epochs: int = 0
    defaults: dict[str, str] | None = None
    stopped: str | None = None


@dataclass
class WarmStartTrial:
    """A trial of another study; see `warm_start.WarmStart`. Formerly stored by folder."""

    study: str
    trial: int
    point: dict[str, str]


@dataclass
class Attributes:
    """The attributes of a study."""

    spec: Spec = field(default_factory=Spec)
    about: SweepAbout = field(default_factory=SweepAbout)
    warm_start: list[WarmStartTrial] | dict[str, dict[str, str]] | None = None
    best: list[int | float | None] | None = None
    best_closed: list[int | float | bool | None] | None = None
    passed_over: list[int] = field(default_factory=list)
    tried_first: list[dict[str, str]] | None = None
    untested: str | None = None
    ensemble: int | None = None
    ensemble_of: int | None = None


@dataclass
class Stop:
    """The report at which a trial's scheduler stopped it."""

    epochs: int
    value: float


@dataclass
class Notes:
    """The attributes of a trial."""

    point: dict[str, str] = field(default_factory=dict)
    value: float | None = None
    status: str = ""
    reason: str = ""
    log: str = ""
    steered: str = ""
    epochs: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    spread: float | None = None
    budget: int | None = None
    paused_at: int | None = None
    bracket: int | None = None
    explored: dict[str, str] = field(default_factory=dict)
    sources: list[int] = field(default_factory=list)
    stop: Stop | None = None
    further: dict[str, float] = field(default_factory=dict)
    objectives: dict[str, float] = field(default_factory=dict)
    ends_at: int | None = None
    cut: bool = False
    parts: int = 1


COUNTS = ("epochs", "seconds", "cpu_seconds", "budget", "paused_at", "bracket", "ends_at", "parts")
"""Notes that cannot be negative."""


def check(study: "optuna.Study", path: Path) -> None:
    """Check the types of everything stored in a study.

    Args:
        study: to check.
        path: of its journal, or of its folder if the storage is elsewhere; for the message.

    Raises:
        DamagedError: a value has another type than the one that is written, or a count is negative.

    """
    with untrusted_files.understood(path):
        attributes = schema.build(Attributes, study.user_attrs)
        traded = attributes.spec.objectives
        _check_space(study.user_attrs.get("spec", {}))
        trials = study.get_trials(deepcopy=False)
        for trial in trials:
            try:
                _check_counts(schema.build(Notes, trial.user_attrs), len(trials))
                _check_objectives(trial.user_attrs, traded)
                for epoch, value in trial.intermediate_values.items():
                    schema.fitting(int, epoch, "an epoch")
                    schema.fitting(float, value, f"the value after epoch {epoch}")
            except ValueError as error:
                raise ValueError(f"trial {trial.number}: {error}") from error


def _check_space(spec: Mapping[str, Any]) -> None:
    """Check that a space can be made of its stored fields, or texts.

    Raises:
        ValueError: a parameter has no values, or a string does not describe a parameter.

    """
    try:
        parameters = space_from_spec(spec).parameters
    except Exception as error:  # also of Hydra's grammar
        raise ValueError(f"spec.space: {str(error).strip().splitlines()[0]}") from error
    if empty := [p.key for p in parameters if isinstance(p, Choice) and not p.values]:
        raise ValueError(f"spec.space.{empty[0]} has no values")


def _check_objectives(notes: Mapping[str, Any], traded: Mapping[str, str]) -> None:
    """Check a trial's objectives, at its end and at its reports.

    Raises:
        ValueError: they are not numbers, or one that the study trades off is missing at the end.

    """
    for key, values in notes.items():
        if key.startswith(AT):
            schema.fitting(dict[str, float], values, key)
    if KEY in notes and (missing := traded.keys() - notes[KEY].keys()):
        raise ValueError(f"{KEY} has no {min(missing)}")


def _check_counts(notes: Notes, trials: int) -> None:
    """Check what a scheduler counts by, and the runs that it took over.

    Raises:
        ValueError: a count from which it would count up for ever, or a trial that does not exist.

    """
    for name in COUNTS:
        if (count := getattr(notes, name)) is not None and not count >= 0:
            raise ValueError(f"{name} is {count}, and should not be below 0")
    if odd := [number for number in notes.sources if not 0 <= number < trials]:
        raise ValueError(f"sources has {odd[0]}, and there are {trials} trials")
