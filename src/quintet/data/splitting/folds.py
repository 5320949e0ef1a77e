"""Folds for cross-validation, by scikit-learn's splitters."""

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.data.samples import Samples
from quintet.data.splitting.strata import label_names, labels, strata


def one_fold(
    samples: Samples, train: Tensor, val: Tensor, k: int, index: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Return the training and validation indices of one fold of the non-test samples.

    Args:
        samples: the whole data set.
        train: indices of the training part, as returned by `split`.
        val: indices of its validation part, which joins the pool.
        k: number of folds.
        index: index of the fold, from 0.
        seed: of the folds.

    Raises:
        UserError: as `folds`; no such fold; data with its own validation part.

    """
    if not 0 <= index < k:
        raise UserError(
            f"is not one of the data.folds={k} folds",
            code=Code.OUT_OF_RANGE,
            key="data.fold",
            value=index,
            hint=f"Give a number from 0 to {k - 1}",
        )
    if samples.split is not None and bool((samples.split == 1).any()):
        raise UserError(
            "does not apply: the data comes with its own validation part",
            code=Code.INCOMPATIBLE,
            key="cv.folds",
            value=k,
            hint="Leave cv.folds out (cv.seeds= repeats the training on this split), or give "
            "data without that part",
        )
    pool = torch.cat([train, val]).sort().values
    if samples.ordered:  # the samples left out at the cut between the two are available again
        pool = torch.arange(int(pool.min()), int(pool.max()) + 1)
    pairs = folds(samples, k, seed, within=pool)
    _every_class(samples, pairs)
    fitted, held_out = pairs[index]
    return fitted.sort().values, held_out.sort().values


def folds(
    samples: Samples, k: int, seed: int, within: Tensor | None = None
) -> list[tuple[Tensor, Tensor]]:
    """Return k pairs (training indices, validation indices).

    Each sample is validated once. A class or label combination of n samples has n / k of them in
    each fold, rounded down or up; groups stay whole; a time series gets growing training parts,
    each validated on the samples that follow it (its first part is never validated).

    Args:
        samples: the whole data set.
        k: number of folds, at least 2.
        seed: the same seed gives the same folds.
        within: indices to work on, for example all but the test part; default all.

    Raises:
        UserError: k is too small, or larger than the smallest class or the number of groups.

    """
    pool = np.arange(len(samples.y)) if within is None else within.numpy()
    if not 2 <= k <= len(pool):
        raise UserError(
            f"cannot divide {len(pool)} samples",
            code=Code.OUT_OF_RANGE,
            key="cv.folds",
            value=k,
            hint=f"Give a number from 2 to {len(pool)}",
        )
    classes = None if (found := strata(samples)) is None else found[pool]
    groups = None if samples.groups is None else samples.groups.numpy()[pool]
    _enough(samples, k, pool, groups)
    splitter = _splitter(samples, k, seed)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The least populated class")
            pairs = list(splitter.split(pool, classes, groups))
    except ValueError as problem:
        raise UserError(
            f"is not possible: {problem}",
            code=Code.INCOMPATIBLE,
            key="cv.folds",
            value=k,
            hint="Ask for fewer folds",
        ) from problem
    return [
        (torch.from_numpy(pool[train]), torch.from_numpy(pool[valid])) for train, valid in pairs
    ]


def _splitter(samples: Samples, k: int, seed: int) -> Any:
    """Choose the scikit-learn splitter that suits the samples."""
    from sklearn import model_selection as ms

    if samples.ordered:
        return ms.TimeSeriesSplit(k, gap=samples.purge)
    stratified = strata(samples) is not None
    if samples.groups is not None:
        by_group = ms.StratifiedGroupKFold if stratified else ms.GroupKFold
        return by_group(k, shuffle=True, random_state=seed)
    plain = ms.StratifiedKFold if stratified else ms.KFold
    return plain(k, shuffle=True, random_state=seed)


def _enough(samples: Samples, k: int, pool: Any, groups: Any) -> None:
    """Check that there are enough time steps, or enough of every class or group, for k folds."""
    if samples.ordered:
        if len(pool) - k * (len(pool) // (k + 1)) <= samples.purge or len(pool) <= k:
            raise UserError(
                f"cuts a series into {k + 1} parts and leaves out {samples.purge} samples at each "
                f"cut: {len(pool)} samples are too few",
                code=Code.INCOMPATIBLE,
                key="cv.folds",
                value=k,
                hint="Ask for fewer folds",
            )
    elif groups is not None:
        if (there := len(np.unique(groups))) < k:
            raise UserError(
                f"needs at least {k} groups, and there are {there}",
                code=Code.INCOMPATIBLE,
                key="cv.folds",
                value=k,
                hint="Ask for fewer folds",
            )
    elif (found := labels(samples)) is not None and (counts := found[pool].sum(axis=0)).min() < k:
        smallest = int(counts.min())
        raise UserError(
            f"needs {k} samples of every class; the smallest, "
            f"'{label_names(samples)[int(counts.argmin())]}', has {smallest}",
            code=Code.INCOMPATIBLE,
            key="cv.folds",
            value=k,
            hint=f"Ask for at most {smallest} folds, or collect more samples of it",
        )


def _every_class(samples: Samples, pairs: list[tuple[Tensor, Tensor]]) -> None:
    """Reject folds in which a class is absent; groups or time order can cause that."""
    if (found := labels(samples)) is None:
        return
    for index, parts in enumerate(pairs):
        for part, name in zip(parts, ("training", "validation"), strict=True):
            absent = np.flatnonzero(~found[part.numpy()].any(axis=0))
            if len(absent):
                raise UserError(
                    f"Class '{label_names(samples)[int(absent[0])]}' is absent from the {name} "
                    f"part of fold {index} of {len(pairs)}",
                    code=Code.DATA,
                    hint="Ask for fewer folds, collect more samples of it, or leave the class out",
                )
