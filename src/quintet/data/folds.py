"""Folds for cross-validation, by scikit-learn's splitters."""

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from quintet.data.samples import Samples
from quintet.data.strata import strata
from quintet.errors import UserError


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
        raise UserError(f"{k} folds of {len(pool)} samples: give a number from 2 to {len(pool)}.")
    classes = None if (found := strata(samples)) is None else found[pool]
    groups = None if samples.groups is None else samples.groups.numpy()[pool]
    _enough(k, classes, groups, samples.ordered)
    splitter = _splitter(samples, k, seed)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The least populated class")
            pairs = list(splitter.split(pool, classes, groups))
    except ValueError as problem:
        raise UserError(f"{k} folds do not work here: {problem} Ask for fewer folds.") from problem
    return [
        (torch.from_numpy(pool[train]), torch.from_numpy(pool[valid])) for train, valid in pairs
    ]


def _splitter(samples: Samples, k: int, seed: int) -> Any:
    """Choose the scikit-learn splitter that suits the samples."""
    from sklearn import model_selection as ms

    if samples.ordered:
        return ms.TimeSeriesSplit(k, gap=samples.purge)
    if samples.groups is not None and samples.task == "regression":
        return ms.GroupKFold(k, shuffle=True, random_state=seed)
    if samples.groups is not None:
        return ms.StratifiedGroupKFold(k, shuffle=True, random_state=seed)
    if samples.task == "regression":
        return ms.KFold(k, shuffle=True, random_state=seed)
    return ms.StratifiedKFold(k, shuffle=True, random_state=seed)


def _enough(k: int, classes: Any, groups: Any, ordered: bool) -> None:
    """Check that every class and every group can be dealt to k folds."""
    if ordered:
        return
    if groups is not None:
        if (there := len(np.unique(groups))) < k:
            raise UserError(f"{k} folds need {k} groups, there are {there}. Ask for fewer folds.")
    elif classes is not None and (smallest := np.unique(classes, return_counts=True)[1].min()) < k:
        raise UserError(
            f"{k} folds need {k} samples of every class, the smallest has {smallest}. Ask for at "
            f"most {smallest} folds, or collect more of it."
        )
