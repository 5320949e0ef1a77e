"""The contents of a run folder, read once, without torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from quintet.analysis.bootstrap import ConfidenceInterval
from quintet.analysis.intervals import intervals, of_value
from quintet.artifacts import untrusted_files
from quintet.artifacts.predictions_file import Examples, Predictions, read, read_examples
from quintet.artifacts.record import CONFIG, RESULT, Record
from quintet.base import plain_yaml, schema
from quintet.base.errors import Code, UserError
from quintet.config.run_folder import is_training
from quintet.diagnostics.training_curves import Row
from quintet.diagnostics.training_curves import read as read_rows

CHECKS, RATES, STEPS = "check.json", "lr_range.csv", "steps.csv"
FINDING = ("verdict", "name", "seen", "cure")
SPLITS = {"val": "validation", "test": "test"}


@dataclass
class RunData:
    """A run folder.

    Args:
        folder: written by train.py.
        record: its result.json.
        config: its config.yaml, as text.
        is_training: whether it is still training.

    """

    folder: Path
    record: Record
    config: str
    is_training: bool = False

    @classmethod
    def read(cls, folder: Path) -> "RunData":
        """Read a run folder.

        Raises:
            UserError: the folder is not a run's, or the run has not ended.

        """
        for name in (CONFIG, RESULT):
            if not untrusted_files.has(folder, name):
                raise UserError(
                    f"has no {name}",
                    code=Code.NOT_FOUND,
                    key="run",
                    value=folder,
                    hint="Give the folder of a finished run, as train.py writes it.",
                )
        return cls(folder, Record.read(folder), untrusted_files.read_text(folder, CONFIG))

    @classmethod
    def underway(cls, folder: Path) -> "RunData":
        """Read the folder of a run that may still be training, with its output so far.

        Raises:
            UserError: the folder is not a run's, or that of several runs which train in turn.

        """
        ended = untrusted_files.has(folder, RESULT)
        if not untrusted_files.has(folder, CONFIG) or (ended and not is_training(folder)):
            return cls.read(folder)
        config = untrusted_files.read_text(folder, CONFIG)
        cfg = plain_yaml.mapping(config, folder / CONFIG)
        with untrusted_files.understood(folder / CONFIG):
            record = Record.read(folder) if ended else Record.begun(cfg)
            _refuse_several(cfg, folder)
        run = cls(folder, replace(record, reason=None, diagnosis=[]), config, is_training(folder))
        run.record.epochs = len(run.rows)
        run.record.metric.value = run.best_value
        return run

    @property
    def metric(self) -> str:
        """Name of the primary metric."""
        return self.record.metric.name

    @property
    def model(self) -> str:
        """The model's name on the command line."""
        return self.record.trained

    @property
    def facts(self) -> dict[str, Any]:
        """Facts of the data."""
        return self.record.facts

    @cached_property
    def cfg(self) -> dict[str, Any]:
        """The config as plain data."""
        return plain_yaml.mapping(self.config, self.folder / CONFIG)

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of metrics.csv."""
        return read_rows(self.folder / "metrics.csv")

    @cached_property
    def steps(self) -> list[Row]:
        """The rows of steps.csv; [] if no steps were logged."""
        if not untrusted_files.has(self.folder, STEPS):
            return []
        table = untrusted_files.read_table(self.folder, STEPS)
        with untrusted_files.understood(self.folder / STEPS):
            return [{key: float(value) for key, value in row.items() if value} for row in table]

    @property
    def by_sample(self) -> bool:
        """Whether the predictions for each sample are known, as for a supervised module."""
        return self.record.by_sample

    @cached_property
    def answers(self) -> dict[str, Predictions]:
        """The predictions by split; {} if they were not saved."""
        return read(self.folder)

    @cached_property
    def examples(self) -> Examples | None:
        """The inputs with the largest errors."""
        return read_examples(self.folder)

    @cached_property
    def checks(self) -> list[dict[str, str]]:
        """The findings of check.py, if it checked this folder."""
        if not untrusted_files.has(self.folder, CHECKS):
            return []
        found = untrusted_files.read_json(self.folder, CHECKS, list)
        with untrusted_files.understood(self.folder / CHECKS):
            plain = schema.fitting(list[dict[str, str | None]], found, "findings")
            return [{key: each[key] or "" for key in FINDING} for each in plain]

    @cached_property
    def scores(self) -> dict[str, dict[str, ConfidenceInterval]]:
        """Measures with their intervals, by split; the primary and the further metrics first.

        A recorded metric is included if the saved predictions reproduce its value: one with custom
        settings, or a custom metric, has no interval.
        """
        own = [self.metric, *self.record.metrics]
        return {
            split: self._measured(split, [*own, *answers.problem.reported])
            for split, answers in self.answers.items()
        }

    def interval(self, split: str) -> ConfidenceInterval | None:
        """Return the interval of the metric on a split, from its predictions or else its size."""
        if split in self.answers:
            return self._measured(split, [self.metric]).get(self.metric)
        return of_value(self.metric, self.recorded(split), self.facts.get(f"{split}_size"))

    def _measured(self, split: str, names: list[str]) -> dict[str, ConfidenceInterval]:
        if (answers := self.answers.get(split)) is None:
            return {}
        measured = intervals(answers, list(dict.fromkeys(names)))
        whole = answers.total == len(answers)
        for name in {self.metric, *self.record.metrics} & measured.keys():
            if (recorded := self.recorded(split, name)) is None:
                continue
            if whole and not np.isclose(measured[name].value, recorded, rtol=1e-3):
                del measured[name]
            else:
                drawn = measured[name]
                measured[name] = ConfidenceInterval(recorded, drawn.low, drawn.high)
        return measured

    def recorded(self, split: str, name: str | None = None) -> float | None:
        """Return the recorded value of a metric on a split, by default the primary one."""
        if split == "test":
            return self.record.test.get(name or self.metric)
        own = name in (None, self.metric)
        return self.record.metric.value if own else self.record.validation.get(str(name))

    @property
    def best_value(self) -> float | None:
        """The best value of P over the epochs so far; None where there is none."""
        values = [row[key] for row in self.rows if (key := f"val/{self.metric}") in row]
        best = max if self.record.metric.mode == "max" else min
        return best(filter(math.isfinite, values), default=None)

    @cached_property
    def best_epoch(self) -> int | None:
        """The epoch, from 1, whose checkpoint was kept; on ties, the latest."""
        key = f"val/{self.metric}"
        sign = 1 if self.record.metric.mode == "max" else -1
        ranked = [(sign * row[key], row["epoch"]) for row in self.rows if key in row]
        return int(max(ranked)[1]) + 1 if ranked else None

    @property
    def names(self) -> list[str]:
        """Names of classes, labels or targets, or their indices."""
        named = [str(name) for name in self.facts.get("class_names") or []]
        count = (
            self.facts.get("num_classes") or self.facts.get("num_targets") or self._num_outputs()
        )
        return named or [str(i) for i in range(int(count))]

    def _num_outputs(self) -> int:
        """Return the number of outputs from the predictions, for records that lack it."""
        found = next(iter(self.answers.values()), None)
        if found is None:
            return 1
        return int(found.probabilities.shape[1])

    @property
    def latest(self) -> str | None:
        """The test split if it was used, else validation."""
        return next((split for split in ("test", "val") if split in self.answers), None)


def _refuse_several(cfg: Mapping[str, Any], folder: Path) -> None:
    """Reject a run over folds or seeds, whose curves are those of its parts.

    Raises:
        UserError: it is such a run.

    """
    cv = schema.fitting(dict[str, Any], cfg.get("cv") or {}, "cv")
    parts = {"folds": cv.get("folds") or 1, "seeds": cv.get("seeds") or 1}
    if (kind := next((each for each, count in parts.items() if count != 1), None)) is None:
        return
    raise UserError(
        f"trains its {kind} in turn",
        code=Code.INCOMPATIBLE,
        key="run",
        value=folder,
        hint=f"Follow one of them: run={folder / kind}/<name>.",
    )
