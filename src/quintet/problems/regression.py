"""One value or several."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from quintet.base.formatting import number
from quintet.problems.multilabel import check_finite
from quintet.problems.problem import TINY, Array, Comparison, Floats, Problem, numbered

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from torch import Tensor

OUTLIERS = 0.01
"""Share of outliers among the targets above which errors should not be squared."""


class Regression(Problem):
    """Targets and predictions: float32 (N, K), in the target's own units.

    float64 if float32 would blur the differences between targets.
    """

    name = "regression"
    dims, answer_dims = 2, 2
    dtypes = ("float32", "float64")
    shape = "(N, K)"
    defaults: ClassVar = {"metric": "rmse", "loss": "mse"}
    standardised, discrete = True, False
    example: ClassVar = [[0.5, -1], [0, 2], [1, 1], [-2, 0]]
    reported = ("rmse", "mae", "r2")
    sections = ("forecast", "pairs", "errors")
    manner = "at random"
    unit = "error"

    def check_values(self, y: "Tensor", names: Sequence[str]) -> None:
        """Check that all values are finite."""
        check_finite(y)

    def predictions(self, outputs: "Tensor") -> "Tensor":
        """Return the values."""
        return outputs

    def choices(self, class_counts: Sequence[int], targets: "Tensor") -> dict[str, str]:
        """Return RMSE and the mean squared error; with outliers, MAE and the Huber loss."""
        if far_out(targets) >= OUTLIERS:
            return {"metric": "mae", "loss": "huber"}
        return super().choices(class_counts, targets)

    def misfit(self, y: "Tensor", outputs: "Tensor") -> tuple[bool, str]:
        """Compare the targets with the outputs."""
        width = outputs.shape[1]
        seen = f"{number(float(y.min()))} to {number(float(y.max()))}; model outputs: {width}"
        return not bool(y.isfinite().all()) or y.shape[1] != width, seen

    def decided(self, predicted: Array) -> Array:
        """Return the values."""
        return predicted

    def wrongness(self, target: Array, predicted: Array) -> Floats:
        """Return the distance from the target, each in units of its standard deviation."""
        width = np.maximum(target.std(axis=0), TINY)
        distance = np.abs(predicted - target) / width
        return np.asarray(distance.mean(axis=1), dtype=np.float64)

    def compare(self, target: Array, predicted: Array, names: Sequence[str]) -> Comparison:
        """Return both values, with the largest error."""
        true, said = (", ".join(number(float(v)) for v in part) for part in (target, predicted))
        worst = int(np.argmax(np.abs(predicted - target)))
        error = float(predicted[worst]) - float(target[worst])
        size = number(abs(error))
        return Comparison(true, said, abs(error), f"{'−' if error < 0 else '+'}{size}")

    def caption(self, found: Comparison) -> str:
        """Return true value, prediction and error."""
        return f"{found.true}: {found.predicted} ({found.text})"

    def table(self, predicted: Array, names: Sequence[str]) -> Mapping[str, Any]:
        """Return a column for each target."""
        named = list(names) or numbered("target", predicted.shape[1])
        return {name: predicted[:, i] for i, name in enumerate(named)}

    def baselines(self) -> "dict[str, BaseEstimator]":
        """Return ridge regression, a tree, and the mean."""
        from sklearn.dummy import DummyRegressor
        from sklearn.linear_model import Ridge
        from sklearn.tree import DecisionTreeRegressor

        tree = DecisionTreeRegressor(min_samples_leaf=5, random_state=0)
        return {"linear": Ridge(), "tree": tree, "dummy": DummyRegressor()}

    def boosted_trees(self, categorical: Sequence[int]) -> "BaseEstimator":
        """Return scikit-learn's boosted trees with their defaults, one model per target."""
        from sklearn.ensemble import HistGradientBoostingRegressor
        from sklearn.multioutput import MultiOutputRegressor

        trees = HistGradientBoostingRegressor(categorical_features=categorical, random_state=0)
        return MultiOutputRegressor(trees)

    def baseline_predictions(self, model: Any, inputs: Array, num_classes: int) -> Array:
        """Return the values."""
        return np.asarray(model.predict(inputs), dtype=np.float32).reshape(inputs.shape[0], -1)


def far_out(targets: "Tensor") -> float:
    """Return the share of targets (N, K) with a value three quartile ranges outside the quartiles.

    Tukey, 1977, "Exploratory data analysis".
    """
    values = targets.double().reshape(len(targets), -1)
    low, high = values.quantile(0.25, dim=0), values.quantile(0.75, dim=0)
    fence = 3 * (high - low)
    return float(((values < low - fence) | (values > high + fence)).any(dim=1).double().mean())


PROBLEM = Regression()
