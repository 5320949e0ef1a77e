"""All private parts of Optuna that are used.

tests/quintet/study/test_optuna_internals.py fails if an upgrade has changed one.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import optuna
    from optuna.storages import BaseStorage


def storage_of(study: "optuna.Study") -> tuple["BaseStorage", int]:
    """Return the storage that a study writes to, including caches, and the study's id there."""
    return study._storage, study._study_id


def ranks(losses: np.ndarray) -> np.ndarray:
    """Return the front of each point: 0 for those that no other dominates, 1 for the next ...

    Args:
        losses: (points, objectives), each the smaller the better; no NaN.

    """
    from optuna.study._multi_objective import _fast_non_domination_rank

    found: np.ndarray = _fast_non_domination_rank(losses)
    return found


def hypervolume(losses: np.ndarray, reference: np.ndarray) -> float:
    """Return the volume between the points and a reference (Zitzler and Thiele 1998).

    Args:
        losses: (points, objectives), each the smaller the better.
        reference: (objectives,), no better than any of them.

    """
    from optuna._hypervolume import compute_hypervolume

    return float(compute_hypervolume(losses, reference))
