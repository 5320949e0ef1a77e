"""What a model answered, sample by sample: `predictions.npz` of a run folder.

Arrays are named by split, `val.` or `test.`: `index` (positions in the split), `target`,
`predicted` (see `quintet.modules.decoding`), `total` (samples of the split), `task` and
`ordered`. `examples.` holds the inputs of the validation samples that went most wrong, as a person
reads them.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quintet.artifacts import npz_arrays, untrusted_files
from quintet.base.files import replacing

FILE = "predictions.npz"
MOST_SAMPLES, MOST_NUMBERS = 10_000, 1_000_000
"""Kept of a split: evenly spaced samples, no more than these, nor more numbers (4 MB)."""
SHOWN = 16
"""Samples whose inputs are kept."""

Task = Literal["binary", "multiclass", "multilabel", "regression"]


@dataclass(frozen=True)
class Predictions:
    """A model's answers for one split, in the split's own order (N kept samples).

    Args:
        task: what is predicted.
        index: positions in the split, (N,).
        target: classes (N,), labels (N, L) or values (N, K).
        predicted: probability of class 1 (N,), of every class (N, C) or label (N, L), or values
            (N, K). float32, or float64 of values that float32 would blur.
        total: samples of the split; more than N where only evenly spaced ones were kept.
        ordered: whether the samples follow each other in time.

    """

    task: Task
    index: NDArray[np.int64]
    target: NDArray[Any]
    predicted: NDArray[np.floating]
    total: int
    ordered: bool = False

    def __len__(self) -> int:
        return len(self.index)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Probabilities of every class (N, C) of a binary or multiclass task."""
        p = self.predicted.astype(np.float64)
        return np.stack([1 - p, p], axis=1) if self.task == "binary" else p

    @property
    def decided(self) -> NDArray[Any]:
        """The class (N,) or labels (N, L) decided for, or the predicted values (N, K)."""
        if self.task == "multilabel":
            return (self.predicted > 0.5).astype(np.int64)
        if self.task == "regression":
            return self.predicted
        return (self.predicted > 0.5) * 1 if self.task == "binary" else self.predicted.argmax(1)

    def wrongness(self) -> NDArray[np.float64]:
        """Return how wrong each answer is, (N,): the greater, the worse.

        Classes: negative log-likelihood. Labels: its mean over labels. Values: distance from the
        target, each target in units of its standard deviation.
        """
        tiny = float(np.finfo(np.float32).eps)
        if self.task == "regression":
            width = np.maximum(self.target.std(axis=0), tiny)
            distance = np.abs(self.predicted - self.target) / width
            return np.asarray(distance.mean(axis=1), dtype=np.float64)
        if self.task == "multilabel":
            right = np.where(self.target > 0, self.predicted, 1 - self.predicted)
            return np.asarray(-np.log(np.maximum(right, tiny)).mean(axis=1), dtype=np.float64)
        chosen = self.probabilities[np.arange(len(self)), self.target.astype(np.int64)]
        return np.asarray(-np.log(np.maximum(chosen, tiny)))

    def mistakes(self, count: int | None = None) -> NDArray[np.int64]:
        """Return rows of the most wrong answers, the worst first."""
        return np.argsort(-self.wrongness(), kind="stable")[:count]


@dataclass(frozen=True)
class Examples:
    """Inputs of validation samples as a person reads them.

    Args:
        index: their positions in the split, (M,), the most wrong first.
        shown: by kind: `image` uint8 (M, H, W) or (M, H, W, 3); `columns` (F,) and `cells` (M, F)
            of a table; `window` (M, T, F) of a series; `text` (M,).

    """

    index: NDArray[np.int64]
    shown: dict[str, NDArray[Any]]


def stride(total: int, width: int) -> int:
    """Return n where every n-th of `total` samples with `width` numbers each is kept."""
    return max(1, -(-total // MOST_SAMPLES), -(-total * width // MOST_NUMBERS))


def write(folder: Path, answers: dict[str, Predictions], examples: Examples | None = None) -> None:
    """Replace the folder's predictions.npz in one step."""
    named = {
        f"{split}.{field.name}": np.asarray(getattr(found, field.name))
        for split, found in answers.items()
        for field in fields(Predictions)
    }
    if examples is not None:
        named["examples.index"] = examples.index
        named |= {f"examples.{name}": array for name, array in examples.shown.items()}
    with replacing(folder / FILE) as temporary, temporary.open("wb") as file:
        np.savez(file, **named)  # type: ignore[arg-type]


def read(folder: str | Path) -> dict[str, Predictions]:
    """Return a run's answers by split, "val" and "test"; {} where there are none.

    Raises:
        DamagedError: the file is not what `write` wrote.

    """
    found = _groups(Path(folder))
    found.pop("examples", None)
    with untrusted_files.understood(Path(folder) / FILE):
        return {split: _answers(part) for split, part in found.items()}


def _precision(values: NDArray[Any]) -> type[np.floating]:
    return np.float64 if values.dtype == np.float64 else np.float32


def _answers(part: dict[str, NDArray[Any]]) -> Predictions:
    """Return a split's answers, whose parts fit each other.

    Raises:
        ValueError, KeyError: they do not.

    """
    found = Predictions(
        task=str(part["task"]),  # type: ignore[arg-type]
        index=part["index"].astype(np.int64, casting="safe"),
        target=part["target"],
        predicted=part["predicted"].astype(_precision(part["predicted"]), casting="same_kind"),
        total=int(part["total"]),
        ordered=bool(part["ordered"]),
    )
    shapes, count = (found.target.shape, found.predicted.shape), len(found.index)
    wide = {"binary": (1, 1), "multiclass": (1, 2), "multilabel": (2, 2), "regression": (2, 2)}
    if found.task not in wide or tuple(map(len, shapes)) != wide[found.task]:
        raise ValueError(f"answers of shapes {shapes} are none of a task {found.task[:20]!r}")
    if found.index.ndim != 1 or {shape[0] for shape in shapes} != {count} or not count:
        raise ValueError(f"{count} positions have answers of shapes {shapes}")
    if found.target.dtype.kind not in "biuf":
        raise ValueError(f"its targets are of type {found.target.dtype}")
    if len(shapes[0]) == 2 and shapes[0] != shapes[1]:
        raise ValueError(f"targets {shapes[0]} and answers {shapes[1]} have other shapes")
    if found.task in ("binary", "multiclass"):
        most = 2 if found.task == "binary" else shapes[1][1]
        if not ((found.target >= 0) & (found.target < most)).all():
            raise ValueError(f"a target is none of {most} classes")
    if found.total < count or found.index.min() < 0 or found.index.max() >= found.total:
        raise ValueError(f"positions do not lie in a split of {found.total} samples")
    return found


def read_examples(folder: str | Path) -> Examples | None:
    """Return the kept inputs of the most wrong validation samples, if there are any.

    Raises:
        DamagedError: as `read`.

    """
    if (part := _groups(Path(folder)).get("examples")) is None:
        return None
    with untrusted_files.understood(Path(folder) / FILE):
        index = part.pop("index").astype(np.int64, casting="safe")
        if any(len(array) != len(index) for name, array in part.items() if name != "columns"):
            raise ValueError("it has examples of unequal numbers")
    return Examples(index, part)


def _groups(folder: Path) -> dict[str, dict[str, NDArray[Any]]]:
    groups: dict[str, dict[str, NDArray[Any]]] = {}
    if untrusted_files.has(folder, FILE):
        for name, array in npz_arrays.read(folder, FILE).items():
            split, _, key = name.partition(".")
            groups.setdefault(split, {})[key] = array
    return groups
