"""Assign whole groups to the three parts, so that no group is in two of them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quintet.base.errors import Code, UserError
from quintet.data.samples import Samples
from quintet.data.splitting.strata import strata

Index = NDArray[np.int64]


def missing_group(column: str) -> UserError:
    """Return the error for a column of groups with missing values."""
    return UserError(
        "is missing in some rows",
        code=Code.DATA,
        key="data.group",
        value=column,
        hint="Fill them",
    )


def by_group(
    samples: Samples, pool: Index, n_val: int, n_test: int, rng: np.random.RandomState
) -> list[Index]:
    """Assign whole groups; of 200 random assignments keep the one closest to sizes and shares."""
    assert samples.groups is not None
    names, group = np.unique(samples.groups.numpy()[pool], return_inverse=True)
    sizes = np.array([len(pool) - n_val - n_test, n_val, n_test])
    if len(names) < np.count_nonzero(sizes):
        raise UserError(
            f"The group column has {len(names)} group(s), too few for "
            f"{np.count_nonzero(sizes)} parts",
            code=Code.DATA,
            hint="Leave data.group out, or set data.val or data.test to 0",
        )
    classes = strata(samples)
    table = np.zeros((len(names), 1 if classes is None else int(classes.max()) + 1))
    np.add.at(table, (group, np.zeros_like(group) if classes is None else classes[pool]), 1)
    deals = [_deal(table, sizes, rng) for _ in range(200)]
    best = min(deals, key=_misfit(table, sizes))
    return [pool[best[group] == part] for part in range(3)]


def _deal(
    table: NDArray[np.float64], sizes: NDArray[np.int64], rng: np.random.RandomState
) -> Index:
    """Give each group, in random order, to the part that still lacks the largest share."""
    lacking = sizes.astype(float)
    part_of = np.zeros(len(table), dtype=np.int64)
    for group in rng.permutation(len(table)):
        open_parts = np.where(sizes > 0, lacking / np.maximum(sizes, 1), -np.inf)
        part_of[group] = int(np.argmax(open_parts + 1e-9 * rng.rand(3)))
        lacking[part_of[group]] -= table[group].sum()
    return part_of


def _misfit(
    table: NDArray[np.float64], sizes: NDArray[np.int64]
) -> Callable[[Index], tuple[int, float]]:
    """Rate an assignment by the classes absent from a part, then by distance from the shares."""
    wanted = np.outer(sizes / sizes.sum(), table.sum(axis=0))
    used = sizes > 0

    def rate(part_of: Index) -> tuple[int, float]:
        dealt = np.stack([table[part_of == part].sum(axis=0) for part in range(3)])
        return int((dealt[used] == 0).sum()), float(np.abs(dealt - wanted).sum())

    return rate
