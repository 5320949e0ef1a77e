"""Charts and files of a finished run for trackers, in addition to its curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quintet.artifacts.record import REPORT, Record

MOST_CLASSES = 100
"""Maximum number of classes for which a confusion matrix is logged."""


@dataclass(frozen=True)
class Confusion:
    """Confusion matrix on validation data.

    Args:
        names: names of the C classes.
        counts: numbers of samples (C, C); rows are true classes.

    """

    names: Sequence[str]
    counts: Sequence[Sequence[int]]

    def markdown(self) -> str:
        """Return a Markdown table whose rows are true classes."""
        head = ["true \\ predicted", *self.names]
        rows = [[name, *map(str, row)] for name, row in zip(self.names, self.counts, strict=True)]
        lines = [head, ["---"] * len(head), *rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def confusion(folder: Path, record: Record) -> Confusion | None:
    """Return the confusion matrix of the best checkpoint; None for other tasks."""
    from quintet.artifacts.predictions_file import read

    found = read(folder).get("val")
    if found is None or not found.problem.exclusive:
        return None
    target, decided = found.target.astype(int), found.decided.astype(int)
    size = int(max(target.max(), decided.max(), found.probabilities.shape[1] - 1)) + 1
    if size > MOST_CLASSES:
        return None
    counts = np.zeros((size, size), dtype=int)
    np.add.at(counts, (target, decided), 1)
    names = [str(n) for n in record.facts.get("class_names") or ()]
    return Confusion(names if len(names) == size else [*map(str, range(size))], counts.tolist())


def files(folder: Path, record: Record) -> list[Path]:
    """Return the files of a run folder to upload: the best checkpoint and the report."""
    wanted = [*filter(None, [record.checkpoint]), REPORT]
    return [path for name in wanted if (path := folder / name).is_file()]
