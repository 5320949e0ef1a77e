"""Predictions of a model for each sample: `predictions.npz` of a run folder.

Names of arrays begin with the split, `val.` or `test.`: `index` (positions in the split), `target`,
`predicted` (see `quintet.problems`), `total` (samples of the split), `task`, `ordered` and `row`.
Arrays under `examples.` are readable inputs of the validation samples with the largest errors.
"""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quintet.artifacts import npz_arrays, untrusted_files
from quintet.base import schema
from quintet.base.files import replacing
from quintet.problems import PROBLEMS, Problem, Task, problem_of

FILE = "predictions.npz"
SPLITS = ("val", "test")
MOST_SAMPLES, MOST_NUMBERS = 10_000, 1_000_000
"""Maximum number of evenly spaced samples, and of values (4 MB), kept per split."""
SHOWN = 16
"""Number of samples whose inputs are kept."""


@dataclass(frozen=True)
class Predictions:
    """Predictions of a model for the N kept samples of a split, in the order of the split.

    Args:
        task: problem type.
        index: positions in the split, (N,).
        target: classes (N,), labels (N, L) or values (N, K).
        predicted: probability of class 1 (N,), of every class (N, C) or label (N, L), or values
            (N, K).
        total: number of samples in the split; more than N if only evenly spaced ones were kept.
        ordered: whether the samples are ordered in time.
        row: row numbers in a table's file, from 1 after the header, (N,); empty for other data.

    """

    task: Task
    index: NDArray[np.int64]
    target: NDArray[Any]
    predicted: NDArray[np.floating]
    total: int
    ordered: bool = False
    row: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.index)

    @property
    def problem(self) -> Problem:
        """The problem type, with everything that depends on it."""
        return problem_of(self.task)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Probabilities of every class, (N, C)."""
        return self.problem.probabilities(self.predicted)

    @property
    def decided(self) -> NDArray[Any]:
        """The predicted class (N,), labels (N, L) or values (N, K)."""
        return self.problem.decided(self.predicted)

    def wrongness(self) -> NDArray[np.float64]:
        """Return the error of each prediction, (N,); greater is worse."""
        return self.problem.wrongness(self.target, self.predicted)

    def mistakes(self, count: int | None = None) -> NDArray[np.int64]:
        """Return the positions of the largest errors, the worst first."""
        return np.argsort(-self.wrongness(), kind="stable")[:count]


@dataclass(frozen=True)
class Examples:
    """Inputs of validation samples in readable form.

    Args:
        index: positions in the split, (M,), the largest error first.
        shown: arrays by kind: `image` uint8 (M, H, W) or (M, H, W, 3); `columns` (F,) and `cells`
            (M, F) of a table; `window` (M, T, F) of a series; `text` (M,).

    """

    index: NDArray[np.int64]
    shown: dict[str, NDArray[Any]]


def stride(total: int, width: int) -> int:
    """Return n such that every n-th of `total` samples, with `width` values each, is kept."""
    return max(1, -(-total // MOST_SAMPLES), -(-total * width // MOST_NUMBERS))


def write(folder: Path, answers: dict[str, Predictions], examples: Examples | None = None) -> None:
    """Replace the folder's predictions.npz atomically."""
    named = {
        f"{split}.{each.name}": np.asarray(getattr(found, each.name))
        for split, found in answers.items()
        for each in fields(Predictions)
    }
    if examples is not None:
        named["examples.index"] = examples.index
        named |= {f"examples.{name}": array for name, array in examples.shown.items()}
    with replacing(folder / FILE) as temporary, temporary.open("wb") as file:
        np.savez(file, **named)  # type: ignore[arg-type]


def read(folder: str | Path) -> dict[str, Predictions]:
    """Return the predictions of a run by split, "val" and "test"; {} if there are none.

    Raises:
        DamagedError: the file was not written by `write`.

    """
    found = _groups(Path(folder))
    found.pop("examples", None)
    with untrusted_files.understood(Path(folder) / FILE):
        if odd := found.keys() - {*SPLITS}:
            raise ValueError(f"{schema.shown(min(odd))} is not a split")
        return {split: _answers(part) for split, part in found.items()}


def _precision(values: NDArray[Any]) -> type[np.floating]:
    return np.float64 if values.dtype == np.float64 else np.float32


def _answers(part: dict[str, NDArray[Any]]) -> Predictions:
    """Return the predictions of a split after checking that the arrays match.

    Raises:
        ValueError, KeyError: they do not.

    """
    found = Predictions(
        task=str(part["task"]),
        index=part["index"].astype(np.int64, casting="safe"),
        target=part["target"],
        predicted=part["predicted"].astype(_precision(part["predicted"]), casting="same_kind"),
        total=int(part["total"]),
        ordered=bool(part["ordered"]),
        row=part.get("row", np.empty(0, dtype=np.int64)).astype(np.int64, casting="safe"),
    )
    shapes, count = (found.target.shape, found.predicted.shape), len(found.index)
    problem = PROBLEMS.get(found.task)
    if problem is None or tuple(map(len, shapes)) != (problem.dims, problem.answer_dims):
        raise ValueError(f"answers of shapes {shapes} do not fit a task {found.task[:20]!r}")
    if found.index.ndim != 1 or {shape[0] for shape in shapes} != {count} or not count:
        raise ValueError(f"{count} positions have answers of shapes {shapes}")
    if found.row.shape not in ((0,), (count,)):
        raise ValueError(f"{count} positions have rows of shape {found.row.shape}")
    if found.target.dtype.kind not in "biuf":
        raise ValueError(f"its targets are of type {found.target.dtype}")
    problem.check_stored(found.target, found.predicted)
    if found.total < count or found.index.min() < 0 or found.index.max() >= found.total:
        raise ValueError(f"positions do not lie in a split of {found.total} samples")
    return found


def read_examples(folder: str | Path) -> Examples | None:
    """Return the kept inputs of the validation samples with the largest errors, if any.

    Raises:
        DamagedError: as in `read`.

    """
    if (part := _groups(Path(folder)).get("examples")) is None:
        return None
    with untrusted_files.understood(Path(folder) / FILE):
        index = part.pop("index").astype(np.int64, casting="safe")
        if any(len(array) != len(index) for name, array in part.items() if name != "columns"):
            raise ValueError("it has examples of unequal numbers")
        _check_shown(part)
    return Examples(index, part)


def _check_shown(shown: dict[str, NDArray[Any]]) -> None:
    """Check the dimensions and types of examples.

    Raises:
        ValueError: they do not match their kind.

    """
    wide = {"image": (3, 4), "columns": (1,), "cells": (2,), "window": (3,), "text": (1,)}
    for name, array in shown.items():
        if array.ndim not in wide.get(name, (array.ndim,)):
            raise ValueError(f"its examples' {name} is of shape {array.shape}")
    image, cells, columns = (shown.get(name) for name in ("image", "cells", "columns"))
    if image is not None and (image.dtype != np.uint8 or image.shape[3:] not in ((), (3,))):
        raise ValueError(f"its pictures are of type {image.dtype} and shape {image.shape}")
    if cells is not None and (columns is None or cells.shape[1] != len(columns)):
        raise ValueError(f"its examples have cells of shape {cells.shape}, and other columns")


def _groups(folder: Path) -> dict[str, dict[str, NDArray[Any]]]:
    groups: dict[str, dict[str, NDArray[Any]]] = {}
    if untrusted_files.has(folder, FILE):
        for name, array in npz_arrays.read(folder, FILE).items():
            split, _, key = name.partition(".")
            groups.setdefault(split, {})[key] = array
    return groups
