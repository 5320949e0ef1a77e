"""What a run leaves behind: result.json, typed and versioned."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from quintet.artifacts import untrusted_files
from quintet.base import schema
from quintet.base.files import write_atomically
from quintet.base.formatting import listed

Status = Literal["completed", "pruned", "diverged", "failed", "interrupted"]
RESULT = "result.json"
CONFIG = "config.yaml"
REPORT = "report.html"
ENSEMBLE = "ensemble.json"
"""Lists the models of a folder that has several; see `quintet.ensembles.members`."""
VERSION = 1
"""Of result.json: what a reader must know rises with it. A field that it may ignore does not."""
MOST_CLASSES = 1_000_000
PLACE = re.compile(r"[\w./-]+", re.ASCII)
"""Folder of a run's run; a report links to it."""
FACTS: dict[str, Any] = {
    **dict.fromkeys(("task", "kind", "fingerprint"), str),
    **dict.fromkeys(("num_classes", "num_targets", "vocabulary"), int),
    **dict.fromkeys(("train_size", "val_size", "test_size"), int),
    **dict.fromkeys(("input_shape", "class_counts", "cardinalities"), list[int]),
    "class_names": list[str | int | float | bool],
}
STEERED: dict[str, Any] = {
    **dict.fromkeys(("key", "refused"), str),
    **dict.fromkeys(("before", "after"), float | bool | str | None),
    "epoch": int,
}
"""What readers take for granted of a record's facts (see `quintet.data.samples.Facts`), and of each
change of its steering."""


@dataclass
class Score:
    """P on the validation split."""

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
    loss: float | None = None
    """C of the best checkpoint on the validation split."""
    test: dict[str, float] = field(default_factory=dict)
    checkpoint: str | None = None
    """Whose weights P, loss and test are of; ensemble.json of a run over folds or seeds."""
    best_epoch: int | None = None
    """The epoch, from 1, after which that checkpoint was written; None of several models."""
    choices: dict[str, str | None] = field(default_factory=dict)
    overrides: list[str] = field(default_factory=list)
    epochs: int = 0
    sessions: int = 0
    """How often training began: once, and once more for every time that it was resumed."""
    parameters: int = 0
    layers: dict[str, int] = field(default_factory=dict)
    """Parameters of every layer that has some, by its name and type."""
    facts: dict[str, Any] = field(default_factory=dict)
    columns: list[dict[str, Any]] = field(default_factory=list)
    """What each column of a table was taken for; see `quintet.data.data_summary.ColumnSummary`."""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of the run's process in all sessions, and of those that it started and that have ended."""
    environment: dict[str, Any] = field(default_factory=dict)
    anomalies: list[str] = field(default_factory=list)
    transfer: dict[str, Any] = field(default_factory=dict)
    """What was loaded of `weights`, skipped and why, left `fresh` and `frozen`; rates by layer."""
    repeats: dict[str, float] = field(default_factory=dict)
    """P of the run of each fold and seed, by its folder; empty for a single run. `metric.value` is
    then their mean, `epochs` their sum, and `checkpoint` lists them."""
    parts: dict[str, dict[str, int]] = field(default_factory=dict)
    """The fold and the seed of each of these runs, by its folder; no fold where there are none."""
    spread: dict[str, float] = field(default_factory=dict)
    """Standard deviation of P over folds (seeds, where there are no folds), and the standard error
    of the mean that follows from it."""
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)
    """P of simple models, by split (val, test)."""
    steering: list[dict[str, Any]] = field(default_factory=list)
    """What was asked of the run while it trained, and what became of it; see `steering.Change`."""
    guess: float | None = None
    """Validation loss of a model that knows nothing."""
    diagnosis: list[str] = field(default_factory=list)
    """What the curves say, and what to do; empty where all is well."""
    version: int = VERSION

    def write(self, folder: Path) -> None:
        """Replace the folder's result.json in one step, so that no reader sees half of it."""
        write_atomically(folder / RESULT, json.dumps(asdict(self), indent=2) + "\n")

    def goes_on(self) -> "Record":
        """Return what is true of a run that has ended and goes on: it is not over."""
        reason = "It was resumed, and that session was stopped without a word."
        return replace(self, status="interrupted", reason=reason)

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """Return the record of a run folder; a field that this version does not know is left out.

        Raises:
            FileNotFoundError: the run has not ended.
            DamagedError: it is no record, one of a later version, or names a place outside.

        """
        path, given = folder / RESULT, untrusted_files.read_json(folder, RESULT, dict)
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


def _check(record: Record) -> None:
    """Check what a record says of the data and of steering, as far as a reader counts on it.

    Raises:
        ValueError: something of another type than a run would have written.

    """
    for name, kind in FACTS.items():
        if (value := record.facts.get(name)) is not None:
            schema.fitting(kind, value, f"facts.{name}")
    for name in ("num_classes", "num_targets"):
        if not 0 <= (record.facts.get(name) or 0) <= MOST_CLASSES:
            raise ValueError(f"facts.{name} is {record.facts[name]}, over {MOST_CLASSES:,}")
    if odd := next((name for name in record.repeats if not PLACE.fullmatch(name)), None):
        raise ValueError(f"{schema.shown(odd)} is no folder of a fold or seed")
    for change in record.steering:
        for name, kind in STEERED.items():
            schema.fitting(kind, change[name], f"steering.{name}")


@cache
def _tell_unknown(name: str, keys: tuple[str, ...]) -> None:
    """Say once what of a file is not understood."""
    from quintet.base.console import warn

    warn(f"{name} holds what this version does not know, and leaves out: {', '.join(keys)}")


def _part(name: str) -> dict[str, int]:
    """Return fold and seed of a run of an earlier version, whose folder alone told them."""
    found = re.fullmatch(r"folds/(?P<fold>\d{1,9})(_seed_(?P<seed>\d{1,9}))?", name, re.ASCII)
    found = found or re.fullmatch(r"seeds/(?P<seed>\d{1,9})", name, re.ASCII)
    told = found.groupdict() if found else {}
    return {what: int(number) for what, number in told.items() if number is not None}


def by_fold(parts: Mapping[str, Mapping[str, int]], names: Iterable[str]) -> list[list[str]]:
    """Return the names of runs, those of the same fold together; without folds each alone.

    Args:
        parts: fold and seed by name.
        names: of the runs that count.

    """
    found: dict[object, list[str]] = {}
    for name in names:
        found.setdefault(parts.get(name, {}).get("fold", name), []).append(name)
    return [*found.values()]


def voters(votes: Mapping[str, int]) -> str:
    """Return which trials an ensemble of a sweep's averages, and by how many votes.

    Args:
        votes: by the trial's number.

    """
    if len(votes) == 1:
        return f"trial {next(iter(votes))} alone"
    each = [f"{trial} (x{count})" if count > 1 else trial for trial, count in votes.items()]
    return f"trials {listed(each)}"
