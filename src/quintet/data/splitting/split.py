"""Divide a data set into training, validation and test: seeded, disjoint, no leak between parts."""

from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.data.samples import Samples
from quintet.data.splitting.groups import by_group
from quintet.data.splitting.strata import label_names, labels, share, strata
from quintet.problems import problem_of

Index = NDArray[np.int64]
Splits = tuple[Tensor, Tensor, Tensor]
PARTS = ("training", "validation", "test")


def split(samples: Samples, val: float, test: float, seed: int) -> Splits:
    """Return the sample indices of the training, validation and test parts.

    The samples decide how: a given `split` is kept, and missing parts are drawn from its training
    part; a time series (`ordered`) is cut in time order with `purge` samples left out at each
    cut; `groups` stay whole; classes and label combinations keep their shares (every class at
    least once in each part); a plain regression is drawn as scikit-learn's `train_test_split`
    draws it.

    Args:
        samples: the whole data set.
        val: size of the validation part; below 1 a fraction of all samples, else a count.
        test: size of the test part, likewise. 0 leaves a part empty.
        seed: the same seed gives the same parts.

    Raises:
        UserError: the sizes leave nothing to train on, or a class is absent from a part.

    """
    total = len(samples.y)
    n_val, n_test = _count(val, total, "val"), _count(test, total, "test")
    given = _given_parts(samples)
    pool = total - sum(map(len, given.values()))
    if given and _wanted(given, n_val, n_test) >= pool / 2:
        # A share of all samples is too much of a small training part; a count stays a count.
        n_val, n_test = _count(val, pool, "val"), _count(test, pool, "test")
    if _wanted(given, n_val, n_test) >= pool:
        raise UserError(
            f"and data.test={test} leave none of the {pool} samples to train on",
            code=Code.OUT_OF_RANGE,
            key="data.val",
            value=val,
            hint="Make them smaller: values below 1 are fractions, others are counts",
        )
    if samples.split is not None:
        parts = _given(samples, given, n_val, n_test, seed)
    elif samples.ordered:
        parts = _in_time(total, n_val, n_test, samples.purge)
    else:
        parts = _drawn(samples, np.arange(total), n_val, n_test, seed)
    _every_class(samples, parts, given)
    train, valid, tested = (torch.from_numpy(np.sort(part)) for part in parts)
    return train, valid, tested


def summary(samples: Samples, parts: Splits) -> list[str]:
    """Describe how the data's own split was used; nothing if it has none."""
    if samples.split is None:
        return []
    given = _given_parts(samples)
    own = [f"{len(index)} for {PARTS[part]}" for part, index in given.items()]
    drawn = [
        f"{len(parts[part])} for {PARTS[part]}"
        for part in (1, 2)
        if part not in given and len(parts[part])
    ]
    told = [
        f"The data's own split is kept: {len(parts[0])} for training, {', '.join(own)}"
        + (f"; {' and '.join(drawn)} drawn from its training part." if drawn else ".")
    ]
    if (found := labels(samples)) is not None:
        for part, index in given.items():
            missing = np.flatnonzero(~found[index].any(axis=0))
            names = [label_names(samples)[int(i)] for i in missing]
            if names:
                told.append(f"Absent from its {PARTS[part]} part: {', '.join(names[:5])}.")
    return told


def manner(samples: Samples) -> str:
    """Describe in a few words how `split` divides these samples."""
    if samples.split is not None:
        return "as given by the data"
    if samples.ordered:
        gap = f", {samples.purge} samples left out at each cut" if samples.purge else ""
        return f"in time order{gap}"
    if samples.groups is not None:
        return "at random by group, with class shares kept as far as the groups allow"
    return problem_of(samples.task).manner


def subset(samples: Samples, index: Tensor, fraction: float, seed: int) -> Tensor:
    """Keep a fraction of the samples in `index`, for a learning curve over the amount of data.

    Class shares are kept, with at least one sample per class; a time series keeps its latest part.
    The same seed gives nested subsets (except for one sample of rounding per class).
    """
    if not 0 < fraction <= 1:
        raise UserError(
            "must be above 0 and at most 1",
            code=Code.OUT_OF_RANGE,
            key="data.fraction",
            value=fraction,
        )
    count = max(1, round(fraction * len(index)))
    if count == len(index):
        return index
    if samples.ordered:
        return index[-count:]
    pool = index.numpy()
    classes = strata(samples)
    rng = np.random.RandomState(seed)
    if classes is None:
        kept = rng.permutation(pool)[:count]
    else:
        count = max(count, len(np.unique(classes[pool])))
        kept, _ = _stratified(pool, classes[pool], count, rng, "training", left=0)
    return torch.from_numpy(np.sort(kept))


def _count(size: float, total: int, name: str) -> int:
    """Turn a fraction or a count into a count, as scikit-learn rounds: up."""
    if isinstance(size, bool) or size < 0 or (size > 1 and size != int(size)):
        raise UserError(
            "must be a fraction below 1 or an integer number of samples",
            code=Code.OUT_OF_RANGE,
            key=f"data.{name}",
            value=size,
        )
    return int(size) if size >= 1 else ceil(round(size * total, 6))


def _wanted(given: dict[int, Index], n_val: int, n_test: int) -> int:
    """Return the numbers of samples to draw for the parts that the data does not come with."""
    return (0 if 1 in given else n_val) + (0 if 2 in given else n_test)


def _given_parts(samples: Samples) -> dict[int, Index]:
    """Return the validation and test parts that the data came with."""
    if samples.split is None:
        return {}
    where = samples.split.numpy()
    found = {part: np.flatnonzero(where == part) for part in (1, 2)}
    return {part: index for part, index in found.items() if len(index)}


def _given(
    samples: Samples, given: dict[int, Index], n_val: int, n_test: int, seed: int
) -> list[Index]:
    """Keep the parts that the data came with; missing ones are drawn from the training part."""
    assert samples.split is not None
    train = np.flatnonzero(samples.split.numpy() == 0)
    n_val, n_test = 0 if 1 in given else n_val, 0 if 2 in given else n_test
    if samples.ordered:
        cut = _in_time(len(train), n_val, n_test, samples.purge)
        parts = [train[index] for index in cut]
    elif n_val or n_test:
        parts = _drawn(samples, train, n_val, n_test, seed)
    else:
        parts = [train, train[:0], train[:0]]
    return [given.get(part, index) for part, index in enumerate(parts)]


def _in_time(total: int, n_val: int, n_test: int, purge: int) -> list[Index]:
    """Cut [0, total) at two times; `purge` samples before each cut belong to no part."""
    test_from = total - n_test
    val_to = test_from - purge if n_test else total
    val_from = val_to - n_val
    train_to = val_from - purge if n_val else val_to
    if train_to < 1:
        raise UserError(
            f"{total} samples in time order are too few for {n_val} of validation, {n_test} of "
            f"test and {purge} left out at each cut",
            code=Code.DATA,
            hint="Make data.val, data.test or data.horizon smaller",
        )
    return [np.arange(train_to), np.arange(val_from, val_to), np.arange(test_from, total)]


def _drawn(samples: Samples, pool: Index, n_val: int, n_test: int, seed: int) -> list[Index]:
    """Draw the test part from `pool`, then the validation part from the rest."""
    rng = np.random.RandomState(seed)
    if samples.groups is not None:
        return by_group(samples, pool, n_val, n_test, rng)
    classes = strata(samples)
    if classes is None:
        order = pool[rng.permutation(len(pool))]
        return [order[n_test + n_val :], order[n_test : n_test + n_val], order[:n_test]]
    tested, rest = _stratified(pool, classes[pool], n_test, rng, "test", left=1 + (n_val > 0))
    valid, train = _stratified(rest, classes[rest], n_val, rng, "validation", left=1)
    return [train, valid, tested]


def _stratified(
    pool: Index, classes: Index, count: int, rng: np.random.RandomState, part: str, *, left: int
) -> tuple[Index, Index]:
    """Draw `count` of `pool`, stratified by class; return the drawn samples and the rest."""
    if not count:
        return pool[:0], pool
    found = np.bincount(classes)
    quota = share(found, count, part, left)
    drawn = [rng.permutation(np.flatnonzero(classes == c))[:q] for c, q in enumerate(quota) if q]
    chosen = np.zeros(len(pool), dtype=bool)
    chosen[np.concatenate(drawn)] = True
    return pool[chosen], pool[~chosen]


def _every_class(samples: Samples, parts: list[Index], given: dict[int, Index]) -> None:
    """Reject parts in which a class, or a label's positives or negatives, is absent.

    For a part that the data came with, this is only reported (`summary`), as it is never redrawn.
    """
    found = labels(samples)
    if found is None:
        return
    for part, name in [(parts[i], name) for i, name in enumerate(PARTS) if i not in given]:
        absent = np.flatnonzero(~found[part].any(axis=0))
        if len(part) and len(absent):
            label = label_names(samples)[int(absent[0])]
            raise UserError(
                f"Class '{label}' ({int(found[:, absent[0]].sum())} of {len(found)} samples) is "
                f"absent from the {name} part, split {manner(samples)}",
                code=Code.DATA,
                hint="Collect more samples of it, leave the class out, or change data.val, "
                "data.test or data.seed",
            )
