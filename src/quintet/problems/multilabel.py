"""Yes-no labels that may occur together."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from quintet.base.errors import Code, UserError
from quintet.problems.problem import TINY, Array, Comparison, Floats, Index, Problem, numbered

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from torch import Tensor

RARE = 3
"""Label combinations with fewer samples cannot be in all three parts, and are pooled."""


class Multilabel(Problem):
    """Targets: zeros and ones, float32 (N, L). Predictions: a probability of each label, (N, L)."""

    name = "multilabel"
    dims, answer_dims = 2, 2
    dtypes = ("float32",)
    defaults: ClassVar = {"metric": "f1", "loss": "bce"}
    yes_no = True
    example: ClassVar = [[0.0, 1, 1], [1, 1, 0], [0, 0, 0], [1, 0, 1]]
    shape = "(N, K)"
    reported = ("accuracy", "hamming_loss", "f1")
    sections = ("labels",)
    manner = "at random, stratified by label combination"
    claim = "probability of a label"

    def check_values(self, y: "Tensor", names: Sequence[str]) -> None:
        """Check that all values are zeros and ones."""
        check_finite(y)
        if not ((y == 0) | (y == 1)).all():
            raise UserError(
                "Multilabel targets are zeros and ones, but other values were found", code=Code.DATA
            )

    def class_counts(self, y: "Tensor", num_classes: int) -> list[int]:
        """Count the positives of each label."""
        return [int(n) for n in y.sum(dim=0).round().tolist()]

    def strata(self, y: "Tensor") -> Index | None:
        """Return the combination of labels; those with fewer than three samples are pooled."""
        rows = y.numpy().astype(np.int8)
        _, code, counts = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
        code = code.reshape(-1)
        rare = counts[code] < RARE
        if rare.sum() < RARE:
            # Too few to be a stratum of their own: they join the most frequent combination.
            code[rare] = int(np.argmax(counts))
        else:
            code[rare] = len(counts)
        return np.unique(code, return_inverse=True)[1].reshape(-1).astype(np.int64)

    def required(self, y: "Tensor", names: Sequence[str]) -> NDArray[np.bool_] | None:
        """Require every label, and the absence of each."""
        positive = y.numpy() > 0.5
        return np.concatenate([positive, ~positive], axis=1)

    def required_names(self, y: "Tensor", names: Sequence[str]) -> list[str]:
        """Name the labels and their absence."""
        own = list(names) or [str(i) for i in range(y.shape[1])]
        return own + [f"not {name}" for name in own]

    def predictions(self, outputs: "Tensor") -> "Tensor":
        """Turn logits (N, L) into probabilities (N, L)."""
        return outputs.sigmoid()

    def metric_target(self, y: "Tensor") -> "Tensor":
        """Return integers, as metrics expect."""
        return y.long()

    def misfit(self, y: "Tensor", outputs: "Tensor") -> tuple[bool, str]:
        """Compare the labels with the outputs."""
        width = outputs.shape[1]
        seen = f"{y.shape[1]} labels, {float(y.min()):g} to {float(y.max()):g}; {width} outputs"
        return not bool(((y == 0) | (y == 1)).all()) or y.shape[1] != width, seen

    def decided(self, predicted: Array) -> Array:
        """Return the labels that are more probable than not, (N, L)."""
        return (predicted > 0.5).astype(np.int64)

    def wrongness(self, target: Array, predicted: Array) -> Floats:
        """Return the negative log-likelihood of each target, its mean over labels."""
        right = np.where(target > 0, predicted, 1 - predicted)
        return np.asarray(-np.log(np.maximum(right, TINY)).mean(axis=1), dtype=np.float64)

    def claims(self, target: Array, predicted: Array) -> tuple[Array, Array] | None:
        """Return each label's probability, whatever was predicted, and whether it is present."""
        return predicted.ravel(), target.ravel() > 0

    def compare(self, target: Array, predicted: Array, names: Sequence[str]) -> Comparison:
        """List the labels, with the probability of the true ones (their geometric mean)."""
        parts = (target, self.decided(predicted))
        true, said = (
            ", ".join(n for n, on in zip(names, part, strict=True) if on) or "none"
            for part in parts
        )
        p = float(np.exp(-self.wrongness(target[None], predicted[None]))[0])
        return Comparison(true, said, p, f"{p:.3f}")

    def table(self, predicted: Array, names: Sequence[str]) -> Mapping[str, Any]:
        """Return the labels that are at least as probable as not, and all probabilities."""
        named = list(names) or numbered("class", predicted.shape[1])
        labels = [
            ";".join(n for n, p in zip(named, row, strict=True) if p >= 0.5) for row in predicted
        ]
        columns = {f"p({name})": predicted[:, i] for i, name in enumerate(named)}
        return {"prediction": labels} | columns

    def likelihood(self, predicted: "Tensor", truth: "Tensor") -> float:
        """Return the mean log-likelihood of a label."""
        from torch.nn import functional

        return -float(functional.binary_cross_entropy(predicted, truth.to(predicted.dtype)))

    def baselines(self) -> "dict[str, BaseEstimator]":
        """Return a logistic regression for each label, a tree, and label frequencies."""
        from sklearn.dummy import DummyClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.tree import DecisionTreeClassifier

        return {
            "linear": OneVsRestClassifier(LogisticRegression(max_iter=200)),
            "tree": DecisionTreeClassifier(min_samples_leaf=5, random_state=0),
            "dummy": DummyClassifier(strategy="prior"),
        }

    def baseline_predictions(self, model: Any, inputs: Array, num_classes: int) -> Array:
        """Return a probability for each label."""
        found = model.predict_proba(inputs)
        if isinstance(found, list):  # one array per label, with a column for each of its values
            columns = zip(found, model.classes_, strict=True)
            found = np.stack([p[:, -1] * float(c[-1]) for p, c in columns], axis=1)
        return np.asarray(found, dtype=np.float32)


def check_finite(y: "Tensor") -> None:
    """Reject targets (N, K) that are NaN or infinite."""
    if not y.isfinite().all():
        row = int((~y.isfinite()).any(dim=1).nonzero()[0])
        raise UserError(f"The target of sample {row} (from 0) is NaN or infinite", code=Code.DATA)


PROBLEM = Multilabel()
