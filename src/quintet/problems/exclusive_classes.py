"""What binary and multiclass problems share: a sample belongs to exactly one class."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quintet.base.errors import Code, UserError
from quintet.problems.problem import TINY, Array, Comparison, Floats, Index, Problem, numbered

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from torch import Tensor


class ExclusiveClasses(Problem):
    """Class indices as targets, int64 (N,)."""

    dims = 1
    exclusive = True

    @abstractmethod
    def highest(self, count: int) -> int:
        """Return the highest index where `count` classes have names or occur."""

    def check_values(self, y: "Tensor", names: Sequence[str]) -> None:
        """Check that there are at least two classes, in range, each with at least two samples."""
        found = np.unique(y.numpy())
        if len(found) < 2:
            raise UserError(
                f"The target has only one class ({int(found[0])}): there is nothing to learn",
                code=Code.DATA,
            )
        highest = self.highest(len(names) or len(found))
        if int(found[0]) < 0 or int(found[-1]) > highest:
            raise UserError(
                f"Class indices of this {self.name} task lie in 0..{highest}, but these range from "
                f"{int(found[0])} to {int(found[-1])}",
                code=Code.DATA,
            )
        for index in (y[y >= 0].bincount() == 1).nonzero()[:, 0].tolist():
            raise UserError(
                f"Class {names[index] if index < len(names) else index!r} has a single sample, so "
                "it cannot be trained on and validated",
                code=Code.DATA,
                hint="Collect more samples of it, or leave the class out",
            )

    def num_classes(self, y: "Tensor", names: Sequence[str]) -> int:
        """Return the number of names, or of indices."""
        return len(names) or int(y.max()) + 1

    def num_targets(self, y: "Tensor") -> int:
        """Return 1: a class."""
        return 1

    def class_counts(self, y: "Tensor", num_classes: int) -> list[int]:
        """Count the samples of each class."""
        return [int(n) for n in y.bincount(minlength=num_classes).tolist()]

    def strata(self, y: "Tensor") -> Index | None:
        """Return the classes."""
        return y.numpy().astype(np.int64)

    def required(self, y: "Tensor", names: Sequence[str]) -> NDArray[np.bool_] | None:
        """Require every class."""
        classes = y.numpy()
        count = max(len(names), int(classes.max(initial=0)) + 1)
        table: NDArray[np.bool_] = classes[:, None] == np.arange(count)
        return table

    def required_names(self, y: "Tensor", names: Sequence[str]) -> list[str]:
        """Name the classes."""
        count = max(len(names), int(y.max()) + 1)
        return [*names, *(str(i) for i in range(len(names), count))]

    def choices(self, class_counts: Sequence[int], targets: "Tensor") -> dict[str, str]:
        """Return accuracy and cross-entropy; F1 and the weighted loss where classes are rare."""
        if imbalanced(class_counts):
            return {"metric": "f1", "loss": "weighted_cross_entropy"}
        return super().choices(class_counts, targets)

    def misfit(self, y: "Tensor", outputs: "Tensor") -> tuple[bool, str]:
        """Compare class indices with the model's classes."""
        low, high = int(y.min()), int(y.max())
        classes = self.most_classes or outputs.shape[1]
        seen = f"classes {low} to {high}; the model has {classes} classes, 0 to {classes - 1}"
        return low < 0 or high >= classes, seen

    def imbalance(self, class_counts: Sequence[int]) -> float | None:
        """Return the share of the most frequent class."""
        return max(class_counts) / sum(class_counts) if sum(class_counts) else None

    def wrongness(self, target: Array, predicted: Array) -> Floats:
        """Return the negative log-likelihood of each target."""
        rows = np.arange(len(target))
        chosen = self.probabilities(predicted)[rows, target.astype(np.int64)]
        return np.asarray(-np.log(np.maximum(chosen, TINY)))

    def check_stored(self, target: Array, predicted: Array) -> None:
        """Check that every target is a class."""
        most = self.most_classes or predicted.shape[1]
        if not ((target >= 0) & (target < most)).all():
            raise ValueError(f"a target is not one of {most} classes")

    def claims(self, target: Array, predicted: Array) -> tuple[Array, Array] | None:
        """Return the probability of the predicted class, and whether it is right."""
        p = self.probabilities(predicted)
        return p.max(axis=1), p.argmax(axis=1) == target

    def compare(self, target: Array, predicted: Array, names: Sequence[str]) -> Comparison:
        """Name the two classes, with the probability of the true one."""
        p = float(np.exp(-self.wrongness(target[None], predicted[None]))[0])
        decided = self.decided(predicted[None])[0]
        return Comparison(names[int(target)], names[int(decided)], p, f"{p:.3f}")

    def table(self, predicted: Array, names: Sequence[str]) -> Mapping[str, Any]:
        """Return the predicted class and the probability of every class."""
        values = predicted if predicted.ndim > 1 else np.stack([1 - predicted, predicted], axis=1)
        named = list(names) or numbered("class", values.shape[1])
        columns = {f"p({name})": values[:, i] for i, name in enumerate(named)}
        return {"prediction": [named[i] for i in values.argmax(1)]} | columns

    def baselines(self) -> "dict[str, BaseEstimator]":
        """Return logistic regression, a tree, and class frequencies."""
        from sklearn.dummy import DummyClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.tree import DecisionTreeClassifier

        return {
            "linear": LogisticRegression(max_iter=200),
            "tree": DecisionTreeClassifier(min_samples_leaf=5, random_state=0),
            "dummy": DummyClassifier(strategy="prior"),
        }

    def boosted_trees(self, categorical: Sequence[int]) -> "BaseEstimator":
        """Return scikit-learn's boosted trees with their defaults (after Ke et al., 2017)."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(categorical_features=categorical, random_state=0)

    def baseline_predictions(self, model: Any, inputs: Array, num_classes: int) -> Array:
        """Return a probability for every class, including those absent from training."""
        whole = np.zeros((inputs.shape[0], num_classes), dtype=np.float32)
        whole[:, model.classes_] = model.predict_proba(inputs)
        return whole


def imbalanced(counts: Sequence[int]) -> bool:
    """Return whether always predicting the largest class would give a high accuracy."""
    share = max(counts) / max(1, sum(counts))
    return share >= 0.8 or (len(counts) > 2 and share >= 0.5)
