"""What a model answered, sample by sample: `predictions.npz` of a run folder.

Arrays are named by split, `val.` or `test.`: `index` (positions in the split), `target`,
`predicted` (as `quintet.predictions` describes them), `total` (samples of the split), `task` and
`ordered`. `examples.` holds the inputs of the validation samples that went most wrong, as a person
reads them.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quintet.files import replacing

FILE = "predictions.npz"
MOST_SAMPLES, MOST_NUMBERS = 10_000, 1_000_000
"""Kept of a split: evenly spaced samples, no more than these, nor more numbers (4 MB)."""
SHOWN = 16
"""Samples whose inputs are kept."""

Task = Literal["binary", "multiclass", "multilabel", "regression"]


@dataclass(frozen=True)
class Answers:
    """A model's answers for one split, in the split's own order (N kept samples).

    Args:
        task: what is predicted.
        index: positions in the split, (N,).
        target: classes (N,), labels (N, L) or values (N, K).
        predicted: probability of class 1 (N,), of every class (N, C) or label (N, L), or values
            (N, K).
        total: samples of the split; more than N where only evenly spaced ones were kept.
        ordered: whether the samples follow each other in time.

    """

    task: Task
    index: NDArray[np.int64]
    target: NDArray[Any]
    predicted: NDArray[np.float32]
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


def write(folder: Path, answers: dict[str, Answers], examples: Examples | None = None) -> None:
    """Replace the folder's predictions.npz in one step."""
    arrays = {
        f"{split}.{field.name}": np.asarray(getattr(found, field.name))
        for split, found in answers.items()
        for field in fields(Answers)
    }
    if examples is not None:
        arrays["examples.index"] = examples.index
        arrays |= {f"examples.{name}": array for name, array in examples.shown.items()}
    with replacing(folder / FILE) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read(folder: str | Path) -> dict[str, Answers]:
    """Return a run's answers by split, "val" and "test"; {} where there are none."""
    found = _groups(Path(folder))
    found.pop("examples", None)
    return {
        split: Answers(
            task=str(part["task"]),  # type: ignore[arg-type]
            index=part["index"],
            target=part["target"],
            predicted=part["predicted"],
            total=int(part["total"]),
            ordered=bool(part["ordered"]),
        )
        for split, part in found.items()
    }


def read_examples(folder: str | Path) -> Examples | None:
    """Return the kept inputs of the most wrong validation samples, if there are any."""
    part = _groups(Path(folder)).get("examples")
    return None if part is None else Examples(part.pop("index"), part)


def _groups(folder: Path) -> dict[str, dict[str, NDArray[Any]]]:
    path = folder / FILE
    groups: dict[str, dict[str, NDArray[Any]]] = {}
    if path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            for name in stored.files:
                split, _, key = name.partition(".")
                groups.setdefault(split, {})[key] = stored[name]
    return groups
