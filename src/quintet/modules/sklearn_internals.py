"""Access to private parts of scikit-learn: the trees of a fitted HistGradientBoosting."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

CATEGORIES = 256
"""Maximum number of categories in a column of these trees."""


def trees(model: Any) -> list[list[tuple[NDArray[Any], NDArray[np.bool_]]]]:
    """Return the trees of a model, by iteration and output.

    Returns:
        the nodes of each tree as a structured array, and a row (256,) for each set of categories
        that a node sends to the left.

    """
    return [
        [(each.nodes, _unpacked(each.raw_left_cat_bitsets)) for each in iteration]
        for iteration in model._predictors
    ]


def prior(model: Any) -> NDArray[np.float64]:
    """Return a model's raw predictions before its first tree, (outputs,)."""
    return np.asarray(model._baseline_prediction, np.float64).reshape(-1)


def _unpacked(bitsets: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return bitsets (M, 8) as booleans (M, 256)."""
    bits = bitsets[:, :, None] >> np.arange(32, dtype=np.uint32) & 1
    return bits.reshape(len(bitsets), CATEGORIES).astype(bool)
