"""Type checks of a study's stored attributes: its journal may come from another person."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from quintet.artifacts import untrusted_files
from quintet.base import schema
from quintet.study.space import Scale

if TYPE_CHECKING:
    import optuna


@dataclass
class Metric:
    """The metric's name and direction."""

    name: str
    mode: str


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
    objectives: dict[str, Literal["min", "max"]] = field(default_factory=dict)
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
    """A trial of another study; see `warm_start.HeadStart`. Formerly stored by folder."""

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


def check(study: "optuna.Study", path: Path) -> None:
    """Check the types of everything stored in a study.

    Args:
        study: to check.
        path: of its journal, or of its folder if the storage is elsewhere; for the message.

    Raises:
        DamagedError: a value has another type than the one that is written.

    """
    with untrusted_files.understood(path):
        schema.build(Attributes, study.user_attrs)
        for trial in study.get_trials(deepcopy=False):
            try:
                schema.build(Notes, trial.user_attrs)
                for epoch, value in trial.intermediate_values.items():
                    schema.fitting(int, epoch, "an epoch")
                    schema.fitting(float, value, f"the value after epoch {epoch}")
            except ValueError as error:
                raise ValueError(f"trial {trial.number}: {error}") from error
