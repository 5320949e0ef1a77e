"""The record of a run: result.json, typed and versioned."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from quintet.artifacts import untrusted_files
from quintet.base import schema
from quintet.base.files import write_json
from quintet.base.formatting import listed

Status = Literal["completed", "pruned", "diverged", "failed", "interrupted"]
RESULT = "result.json"
CONFIG = "config.yaml"
REPORT = "report.html"
PROFILE = "profile"
"""Part of the file names of profiler reports, such as fit-profile.txt."""
ENSEMBLE = "ensemble.json"
"""File that lists the models of a folder with several; see `quintet.ensembles.members`."""
VERSION = 1
"""Version of result.json; raised for incompatible changes, not for new fields."""
MOST_CLASSES = 1_000_000
PLACE = re.compile(r"[\w./-]+", re.ASCII)
"""Folder of the individual runs over folds or seeds, to which the report links."""
FACTS: dict[str, Any] = {
    **dict.fromkeys(("task", "kind", "fingerprint"), str),
    **dict.fromkeys(("num_classes", "num_targets", "vocabulary"), int),
    **dict.fromkeys(("train_size", "val_size", "test_size"), int),
    **dict.fromkeys(("input_shape", "class_counts", "cardinalities"), list[int]),
    "class_names": list[str | int | float | bool],
}
MEASURES = ("validation", "test", "spread", "repeats", "baselines")
"""Fields whose numbers may be undefined, such as the AUC of a single class."""
STEERED: dict[str, Any] = {
    **dict.fromkeys(("key", "refused"), str),
    **dict.fromkeys(("before", "after"), float | bool | str | None),
    "epoch": int,
}
"""Types on which readers rely in a record's facts (see `quintet.data.samples.Facts`) and in each
change by steering."""


@dataclass
class Score:
    """The metric on the validation split."""

    name: str
    mode: Literal["min", "max"]
    value: float | None = None


@dataclass
class Record:
    """The outcome of one run, written to `result.json` in its folder.

    Times are in seconds, paths relative to the run folder.
    """

    metric: Score
    seed: int
    status: Status = "failed"
    reason: str | None = None
    code: str | None = None
    """Code of the error that ended a failed run; see `quintet.base.errors.Code`."""
    loss: float | None = None
    """Loss of the best checkpoint on the validation split."""
    validation: dict[str, float] = field(default_factory=dict)
    """Everything logged for the best checkpoint on the validation split, including metric and loss;
    for a run over folds or seeds, the means."""
    metrics: list[str] = field(default_factory=list)
    """Names of the further metrics in `validation` and `test`, which are not used for selection."""
    test: dict[str, float] = field(default_factory=dict)
    checkpoint: str | None = None
    """The evaluated checkpoint; ensemble.json for a run over folds or seeds."""
    best_epoch: int | None = None
    """Epoch, counted from 1, after which that checkpoint was written; None for several models."""
    choices: dict[str, str | None] = field(default_factory=dict)
    overrides: list[str] = field(default_factory=list)
    epochs: int = 0
    sessions: int = 0
    """Number of sessions: one, and one more for each resume."""
    parameters: int = 0
    layers: dict[str, int] = field(default_factory=dict)
    """Number of parameters of every layer with parameters, by name and type."""
    facts: dict[str, Any] = field(default_factory=dict)
    columns: list[dict[str, Any]] = field(default_factory=list)
    """Interpretation of each table column; see `quintet.data.data_summary.ColumnSummary`."""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """CPU time of the run's process in all sessions and of its child processes that have ended."""
    environment: dict[str, Any] = field(default_factory=dict)
    anomalies: list[str] = field(default_factory=list)
    transfer: dict[str, Any] = field(default_factory=dict)
    """Tensors loaded from `weights`, skipped and why, `fresh` and `frozen`; rates by layer."""
    repeats: dict[str, float] = field(default_factory=dict)
    """Metric of the run of each fold and seed, by folder; empty for a single run.

    `metric.value` is their mean, `epochs` their sum, and `checkpoint` lists them.
    """
    parts: dict[str, dict[str, int]] = field(default_factory=dict)
    """Fold and seed of each of these runs, by folder; only the seed if there are no folds."""
    by_sample: bool = True
    """Whether prediction and target of every sample are known. If so, `test` of several models is
    computed on their averaged predictions, else it is the mean of their scores."""
    spread: dict[str, float] = field(default_factory=dict)
    """Standard deviation of the metric over folds, or seeds, and standard error of the mean."""
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)
    """Metric of simple baseline models by split (val, test); further metrics as `test/f1`."""
    baseline_rows: int | None = None
    """Number of training samples that the baselines were fitted on; None if there are none."""
    steering: list[dict[str, Any]] = field(default_factory=list)
    """Steering requests and their outcomes; see `steering_files.Change`."""
    guess: float | None = None
    """Validation loss of a constant prediction."""
    diagnosis: list[str] = field(default_factory=list)
    """Diagnosis of the curves with remedies; empty if there is no problem."""
    version: int = VERSION

    @property
    def trained(self) -> str:
        """Name of what was trained: the module; for a supervised one, the model."""
        return trained(self.choices)

    @property
    def further(self) -> dict[str, float]:
        """Values of the further metrics on the validation split."""
        return {name: self.validation[name] for name in self.metrics if name in self.validation}

    @property
    def baselines_summary(self) -> str:
        """Text on the number of samples that baselines were fitted on; "" if on all."""
        size = self.facts.get("train_size") or 0
        if self.baseline_rows is None or self.baseline_rows >= size:
            return ""
        return f"baselines: fitted on {self.baseline_rows:,} of {size:,} samples, drawn at random"

    def write(self, folder: Path) -> None:
        """Replace the folder's result.json atomically."""
        write_json(folder / RESULT, asdict(self))

    @classmethod
    def begun(cls, config: Mapping[str, Any]) -> "Record":
        """Return the record of a run that has only written its config so far.

        Args:
            config: resolved config of the run.

        Raises:
            TypeError, ValueError: it is not the config of a run.

        """
        taken = {key: config.get(key) for key in ("seed", "choices", "facts", "overrides")}
        metric = schema.fitting(dict[str, Any], config.get("metric"), "metric")
        score = {key: metric.get(key) for key in ("name", "mode")}
        record = schema.build(cls, {**taken, "metric": score, "status": "interrupted"})
        _check(record)
        return record

    def as_resumed(self) -> "Record":
        """Return the record of a run that is being resumed: interrupted until the run ends."""
        reason = "It was resumed, and that session ended without recording an outcome."
        return replace(self, status="interrupted", reason=reason)

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """Return the record of a run folder; unknown fields are ignored with a warning.

        Raises:
            FileNotFoundError: the run has not ended.
            DamagedError: it is not a record, is of a later version, or names an outside path.

        """
        path = folder / RESULT
        given = untrusted_files.read_json(folder, RESULT, dict)
        given |= {name: schema.with_nan(given[name]) for name in MEASURES if name in given}
        with untrusted_files.understood(path):
            if (version := given.get("version", VERSION)) != VERSION:
                raise ValueError(
                    f"version {schema.shown(version)} of it is not known here, only {VERSION}"
                )
            record = schema.build(cls, given)
            _check(record)
            if "parts" not in given:
                record.parts = {name: _part(name) for name in record.repeats}
        for name in (*record.repeats, *filter(None, [record.checkpoint])):
            untrusted_files.inside(folder, name)
        if more := schema.unknown(cls, given):
            _tell_unknown(path.name, tuple(more))
        return record


def trained(choices: Mapping[str, str | None]) -> str:
    """Return the name of what the choices train: the model for the default module, else the module.

    Examples:
        >>> trained({"module": "supervised", "model": "mlp"}), trained({"module": "gan"})
        ('mlp', 'gan')

    """
    module, model = choices.get("module"), choices.get("model")
    if module in (None, "supervised"):
        return model or "model"
    return f"{module} of {model}" if model else str(module)


def _check(record: Record) -> None:
    """Check the fields about data and steering on which readers rely.

    Raises:
        ValueError: a value has the wrong type.

    """
    for name, kind in FACTS.items():
        if (value := record.facts.get(name)) is not None:
            schema.fitting(kind, value, f"facts.{name}")
    for name in ("num_classes", "num_targets"):
        if not 0 <= (record.facts.get(name) or 0) <= MOST_CLASSES:
            raise ValueError(f"facts.{name} is {record.facts[name]}, over {MOST_CLASSES:,}")
    if odd := next((name for name in record.repeats if not PLACE.fullmatch(name)), None):
        raise ValueError(f"{schema.shown(odd)} is not the folder of a fold or seed")
    for change in record.steering:
        for name, kind in STEERED.items():
            schema.fitting(kind, change[name], f"steering.{name}")


@cache
def _tell_unknown(name: str, keys: tuple[str, ...]) -> None:
    """Warn once about unknown fields of a file."""
    from quintet.base.console import warn

    warn(f"{name} holds what this version does not know, and leaves out: {', '.join(keys)}")


def _part(name: str) -> dict[str, int]:
    """Return fold and seed from a folder name, as stored by earlier versions."""
    found = re.fullmatch(r"folds/(?P<fold>\d{1,9})(_seed_(?P<seed>\d{1,9}))?", name, re.ASCII)
    found = found or re.fullmatch(r"seeds/(?P<seed>\d{1,9})", name, re.ASCII)
    told = found.groupdict() if found else {}
    return {what: int(number) for what, number in told.items() if number is not None}


def by_fold(parts: Mapping[str, Mapping[str, int]], names: Iterable[str]) -> list[list[str]]:
    """Return the names of runs grouped by fold; without folds, each is its own group.

    Args:
        parts: fold and seed of each run by name.
        names: names of the runs to group.

    """
    found: dict[object, list[str]] = {}
    for name in names:
        found.setdefault(parts.get(name, {}).get("fold", name), []).append(name)
    return [*found.values()]


def voters(votes: Mapping[str, int]) -> str:
    """Return the trials of an ensemble with their votes as text.

    Args:
        votes: votes by trial number.

    """
    if len(votes) == 1:
        return f"trial {next(iter(votes))} alone"
    each = [f"{trial} (x{count})" if count > 1 else trial for trial, count in votes.items()]
    return f"trials {listed(each)}"
