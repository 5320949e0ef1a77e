"""Classes as the splitters use them: strata that are kept in proportion, labels that must occur."""

import numpy as np
from numpy.typing import NDArray

from quintet.base.errors import Code, UserError
from quintet.data.samples import Samples

Index = NDArray[np.int64]
RARE = 3
"""Label combinations with fewer samples than this cannot be in all three parts: pooled."""


def strata(samples: Samples) -> Index | None:
    """Return the stratum of each sample (N,), or None for a regression.

    A class is a stratum. For multilabel it is the combination of labels, with the combinations
    of fewer than three samples pooled into one stratum.
    """
    if samples.task == "regression":
        return None
    if samples.task != "multilabel":
        return samples.y.numpy().astype(np.int64)
    rows = samples.y.numpy().astype(np.int8)
    _, code, counts = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    code = code.reshape(-1)
    rare = counts[code] < RARE
    if rare.sum() < RARE:
        # Too few to be a stratum of their own: they join the most frequent combination.
        code[rare] = int(np.argmax(counts))
    else:
        code[rare] = len(counts)
    return np.unique(code, return_inverse=True)[1].reshape(-1).astype(np.int64)


def labels(samples: Samples) -> NDArray[np.bool_] | None:
    """Return what must occur in each part as a table (N, M) of booleans; None for regression.

    One column a class, or for multilabel one a label and one a label's absence.
    """
    if samples.task == "regression":
        return None
    if samples.task == "multilabel":
        positive = samples.y.numpy() > 0.5
        return np.concatenate([positive, ~positive], axis=1)
    y = samples.y.numpy()
    count = max(len(samples.class_names), int(y.max(initial=0)) + 1)
    table: NDArray[np.bool_] = y[:, None] == np.arange(count)
    return table


def label_names(samples: Samples) -> list[str]:
    """Name the columns of `labels`."""
    names = list(samples.class_names)
    if samples.task == "multilabel":
        names = names or [str(i) for i in range(samples.y.shape[1])]
        return names + [f"not {name}" for name in names]
    count = max(len(names), int(samples.y.max()) + 1)
    return names + [str(i) for i in range(len(names), count)]


def share(found: Index, count: int, part: str, left: int) -> Index:
    """Share `count` samples among the strata in proportion, at least one each.

    Rounded by largest remainders (Hamilton's method), so that a stratum is off its exact share by
    less than one, unless the minimum of one forces more.

    Args:
        found: samples in each stratum, (M,).
        count: samples to draw in all.
        part: name of the part, for messages.
        left: samples of each stratum that must remain for the other parts.

    Raises:
        UserError: a stratum is too small, or there are more strata than samples to draw.

    """
    there = found > 0
    if (found[there] <= left).any():
        smallest = int(found[there].min())
        raise UserError(
            f"The smallest class has {smallest} sample(s), but each class needs at least "
            f"{left + 1}, one in every part",
            code=Code.DATA,
            hint="Collect more samples of it, leave the class out, or set data.val or data.test "
            "to 0",
        )
    if count < there.sum():
        raise UserError(
            f"A {part} part of {count} samples cannot hold all {int(there.sum())} classes",
            code=Code.OUT_OF_RANGE,
            hint=f"Make data.{'test' if part == 'test' else 'val'} larger",
        )
    exact = found * (count / found.sum())
    quota = np.where(there, np.maximum(np.floor(exact), 1), 0).astype(np.int64)
    room = np.where(there, found - left, 0)
    while (gap := count - int(quota.sum())) != 0:
        step = 1 if gap > 0 else -1
        free = quota < room if gap > 0 else quota > 1
        if not free.any():
            raise UserError(
                f"A {part} part of {count} samples leaves too few of the smallest class for the "
                "rest",
                code=Code.OUT_OF_RANGE,
                hint=f"Make data.{'test' if part == 'test' else 'val'} smaller",
            )
        quota[int(np.argmax(np.where(free, step * (exact - quota), -np.inf)))] += step
    return quota
