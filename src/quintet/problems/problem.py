"""The interface of a problem type; each is implemented in a file of its own in this package."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from quintet.base.errors import Code, UserError

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from torch import Tensor

Array = NDArray[Any]
Index = NDArray[np.int64]
Floats = NDArray[np.float64]
Section = Literal[
    "forecast", "pairs", "errors", "confusion", "ranking", "classes", "labels", "pixels"
]
"""Parts of a run's page that show predictions; `calibration` follows from `claims`."""

TINY = float(np.finfo(np.float32).eps)
"""Probabilities are clipped to at least this before their logarithm is taken."""


@dataclass(frozen=True)
class Comparison:
    """A target and its prediction, in words.

    Args:
        true: the target.
        predicted: what was predicted.
        number: how good or bad the prediction is, in the problem's `unit`.
        text: the number as displayed.

    """

    true: str
    predicted: str
    number: float
    text: str


class Problem(ABC):
    """A problem type: what a target is, and everything that follows from it.

    Targets y are tensors (N, ...) as `quintet.data.samples.Samples` has them; `predicted` is what
    `predictions` makes of a model's outputs, as in metrics and predictions.npz.
    """

    name: ClassVar[str]
    """As in `data.task` and in `fits:`."""
    dims: ClassVar[int]
    """Dimensions of y."""
    answer_dims: ClassVar[int]
    """Dimensions of predictions."""
    dtypes: ClassVar[tuple[str, ...]] = ("int64",)
    """Types that y may have, the usual one first."""
    shape: ClassVar[str] = "(N,)"
    """Shape of y, for messages."""
    defaults: ClassVar[Mapping[str, str]] = {"metric": "accuracy", "loss": "cross_entropy"}
    """Options that fit by default, by group."""
    exclusive: ClassVar[bool] = False
    """Whether a sample belongs to exactly one class."""
    dense: ClassVar[bool] = False
    """Whether targets, outputs and predictions are maps of classes over an image."""
    standardised: ClassVar[bool] = False
    """Whether models are trained on the target's standardised scale."""
    readable_columns: ClassVar[bool] = True
    """Whether the target can be columns of a table."""
    discrete: ClassVar[bool] = True
    """Whether targets are classes or labels, rather than values."""
    yes_no: ClassVar[bool] = False
    """Whether columns of a table are yes-no labels."""
    most_classes: ClassVar[int | None] = None
    """Smallest and largest number of classes."""
    reported: ClassVar[tuple[str, ...]]
    """Measures that a run's page reports in addition to the primary metric."""
    sections: ClassVar[tuple[Section, ...]]
    """What a run's page shows of the predictions."""
    manner: ClassVar[str] = "at random, stratified by class"
    """How samples are divided, in words."""
    unit: ClassVar[str] = "p(true)"
    """Unit of `Comparison.number`."""
    claim: ClassVar[str] = "confidence in the prediction"
    """Axis label of `claims`."""

    takes_one_hot: ClassVar[bool] = False
    """Whether a class may be given as the place of a single 1 among zeros."""
    example: ClassVar[list[Any]]
    """Four targets or fewer, as nested lists, with which options are tried."""
    example_input: ClassVar[Mapping[str, Any] | None] = None
    """Facts of an input, where a model has to list the problem under `fits:`; else None."""

    # --- data

    def check(self, y: "Tensor", names: Sequence[str]) -> None:
        """Check targets (N, ...) whose classes or columns have these names.

        Raises:
            UserError: wrong type, shape or values.

        """
        dtype = str(y.dtype).removeprefix("torch.")
        if y.dim() != self.dims or dtype not in self.dtypes:
            raise UserError(
                f"Targets of a {self.name} task are {self.dtypes[0]} {self.shape}, but these are "
                f"{dtype} of shape {tuple(y.shape)}",
                code=Code.DATA,
            )
        self.check_values(y, names)

    @abstractmethod
    def check_values(self, y: "Tensor", names: Sequence[str]) -> None:
        """Check the values of targets whose type and shape are right; raises as `check` does."""

    def num_classes(self, y: "Tensor", names: Sequence[str]) -> int:
        """Return the number of classes; 0 if there are none."""
        return 0

    def num_targets(self, y: "Tensor") -> int:
        """Return how many numbers describe one target."""
        return int(y.shape[1])

    def class_counts(self, y: "Tensor", num_classes: int) -> list[int]:
        """Return how often each class or label occurs in training; [] if there are none."""
        return []

    def positives(self, class_counts: Sequence[int]) -> Sequence[int]:
        """Return the part of `class_counts` for each label, or for the positive class."""
        return class_counts

    def strata(self, y: "Tensor") -> Index | None:
        """Return each sample's stratum, shared equally by all parts; None without strata."""
        return None

    def required(self, y: "Tensor", names: Sequence[str]) -> NDArray[np.bool_] | None:
        """Return what must occur in each part, as booleans (N, M); None if nothing must."""
        return None

    def required_names(self, y: "Tensor", names: Sequence[str]) -> list[str]:
        """Name the columns of `required`."""
        return []

    # --- learning

    def output_shape(self, input_shape: Sequence[int], num_outputs: int) -> list[int]:
        """Return the shape of a model's outputs for one sample."""
        return [num_outputs]

    @abstractmethod
    def predictions(self, outputs: "Tensor") -> "Tensor":
        """Turn raw outputs into probabilities or values."""

    def loss_target(self, outputs: "Tensor", y: "Tensor") -> "Tensor":
        """Return targets as a loss takes them together with these outputs."""
        return y

    def blank(self, y: "Tensor", num_outputs: int) -> "Tensor":
        """Return outputs of zeros for these targets, those of an uninformed model."""
        return y.new_zeros(()).float().expand(len(y), num_outputs)

    def metric_target(self, y: "Tensor") -> "Tensor":
        """Return targets as a metric takes them."""
        return y

    def choices(self, class_counts: Sequence[int], targets: "Tensor") -> dict[str, str]:
        """Return recommended options by group, given the training targets."""
        return dict(self.defaults)

    @abstractmethod
    def misfit(self, y: "Tensor", outputs: "Tensor") -> tuple[bool, str]:
        """Return whether targets do not fit a model with such outputs, with a description."""

    def imbalance(self, class_counts: Sequence[int]) -> float | None:
        """Return the share of the most frequent class, if classes exclude each other."""
        return None

    # --- predictions

    @abstractmethod
    def decided(self, predicted: Array) -> Array:
        """Return the predicted classes, labels or values."""

    def probabilities(self, predicted: Array) -> Floats:
        """Return a probability for every class, (N, C)."""
        return predicted.astype(np.float64)

    @abstractmethod
    def wrongness(self, target: Array, predicted: Array) -> Floats:
        """Return the error of each prediction, (N,): higher is worse."""

    def stored(self, predicted: "Tensor") -> "Tensor":
        """Return the form in which predictions.npz stores predictions."""
        return predicted

    def counts(self, target: Array, predicted: Array) -> tuple[Array, Array, Array]:
        """Return hits, predictions and targets of each class or label per sample, (N, C) each."""
        decided, true = (
            self.members(classes, predicted) for classes in (self.decided(predicted), target)
        )
        return decided * true, decided, true

    def members(self, classes: Array, predicted: Array) -> Array:
        """Return targets or decisions as zeros and ones, (N, C) for C classes or labels."""
        return classes

    def scores(self, predicted: Array) -> Array:
        """Return a score for every class or label, (N, C), by which samples are ranked."""
        return predicted

    def check_stored(self, target: Array, predicted: Array) -> None:
        """Check predictions read from a file; their numbers of dimensions are already checked.

        Raises:
            ValueError: targets and predictions do not match.

        """
        if target.shape != predicted.shape:
            raise ValueError(
                f"targets {target.shape} and predictions {predicted.shape} have different shapes"
            )

    def claims(self, target: Array, predicted: Array) -> tuple[Array, Array] | None:
        """Return claimed probabilities (M,) and whether they came true; None if there are none."""
        return None

    @abstractmethod
    def compare(self, target: Array, predicted: Array, names: Sequence[str]) -> Comparison:
        """Compare a sample's target with its prediction, in words."""

    def caption(self, found: Comparison) -> str:
        """Return a comparison as the caption of a picture."""
        if found.true == found.predicted:
            return f"{found.true}, uncertain: p {found.text}"
        return f"{found.true} predicted as {found.predicted}: p {found.text}"

    @abstractmethod
    def table(self, predicted: Array, names: Sequence[str]) -> Mapping[str, Any]:
        """Return predictions as the columns of a table, by title."""

    def likelihood(self, predicted: "Tensor", truth: "Tensor") -> float:
        """Return the mean log-likelihood of the targets in nats; 0 if there is none."""
        return 0.0

    # --- simple models

    def baselines(self) -> "dict[str, BaseEstimator]":
        """Return simple models by name; {} if there are none."""
        return {}

    def boosted_trees(self, categorical: Sequence[int]) -> "BaseEstimator | None":
        """Return boosted trees for a table whose columns `categorical` hold codes, if any fit."""
        return None

    def baseline_predictions(self, model: Any, inputs: Array, num_classes: int) -> Array:
        """Return the predictions of a fitted baseline, in the form of `predictions`."""
        raise NotImplementedError(f"{self.name} has no baselines")


def numbered(stem: str, count: int) -> list[str]:
    """Return default names: class_0, class_1 ..."""
    return [f"{stem}_{i}" for i in range(count)]
