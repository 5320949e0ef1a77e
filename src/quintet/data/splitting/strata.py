"""Classes for the splitters: strata that are kept in proportion, and labels that must occur."""

import numpy as np
from numpy.typing import NDArray

from quintet.base.errors import Code, UserError
from quintet.data.samples import Samples
from quintet.problems import problem_of

Index = NDArray[np.int64]


def strata(samples: Samples) -> Index | None:
    """Return the stratum of each sample (N,), or None if there are none."""
    return problem_of(samples.task).strata(samples.y)


def labels(samples: Samples) -> NDArray[np.bool_] | None:
    """Return what must occur in each part, as booleans (N, M); None if nothing must."""
    return problem_of(samples.task).required(samples.y, samples.class_names)


def label_names(samples: Samples) -> list[str]:
    """Name the columns of `labels`."""
    return problem_of(samples.task).required_names(samples.y, samples.class_names)


def share(found: Index, count: int, part: str, left: int) -> Index:
    """Distribute `count` samples over the strata in proportion, at least one each.

    Rounded by largest remainders (Hamilton's method): each stratum differs from its exact share by
    less than one, unless the minimum of one forces more.

    Args:
        found: samples in each stratum, (M,).
        count: samples to draw in all.
        part: name of the part, for messages.
        left: minimum number of samples of each stratum that remain for the other parts.

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
