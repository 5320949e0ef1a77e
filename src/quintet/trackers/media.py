"""What trackers draw of a finished run beside its curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quintet.artifacts.record import REPORT, Record

MOST_CLASSES = 100
"""From more of them nobody reads a matrix."""


@dataclass(frozen=True)
class Confusion:
    """How often each class was taken for each, on validation data.

    Args:
        names: of the classes, C of them.
        counts: of samples, C rows of true classes by C predicted ones.

    """

    names: Sequence[str]
    counts: Sequence[Sequence[int]]

    def markdown(self) -> str:
        """Return a table, true classes downward."""
        head = ["true \\ predicted", *self.names]
        rows = [[name, *map(str, row)] for name, row in zip(self.names, self.counts, strict=True)]
        lines = [head, ["---"] * len(head), *rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def confusion(folder: Path, record: Record) -> Confusion | None:
    """Return the confusion matrix of a run's best checkpoint; None where its task has none."""
    from quintet.artifacts.predictions_file import read

    answers = read(folder).get("val")
    if answers is None or answers.task not in ("binary", "multiclass"):
        return None
    target, decided = answers.target.astype(int), answers.decided.astype(int)
    size = int(max(target.max(), decided.max(), answers.probabilities.shape[1] - 1)) + 1
    if size > MOST_CLASSES:
        return None
    counts = np.zeros((size, size), dtype=int)
    np.add.at(counts, (target, decided), 1)
    names = [str(n) for n in record.facts.get("class_names") or ()]
    return Confusion(names if len(names) == size else [*map(str, range(size))], counts.tolist())


def files(folder: Path, record: Record) -> list[Path]:
    """Return what of a run folder is worth keeping elsewhere: the best checkpoint, and its page."""
    wanted = [*filter(None, [record.checkpoint]), REPORT]
    return [path for name in wanted if (path := folder / name).is_file()]
