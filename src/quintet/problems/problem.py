"""What every problem type states and does; each has a file of its own beside this one."""

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
"""Probabilities are kept so far away from 0 before their logarithm is taken."""


@dataclass(frozen=True)
class Comparison:
    """A target beside its prediction, in words.

    Args:
        true: the target.
        predicted: what was predicted.
        number: how good or bad the prediction is, in the problem's `unit`.
        text: the number as it is shown.

    """

    true: str
    predicted: str
    number: float
    text: str


class Problem(ABC):
    """A problem type: what a target is, and what follows from it.

    Targets y are tensors (N, ...) as `quintet.data.samples.Samples` has them; `predicted` is what
    `predictions` makes of a model's outputs, as metrics and predictions.npz have it.
    """

    name: ClassVar[str]
    """As in `data.task` and under `fits:`."""
    dims: ClassVar[int]
    """Dimensions of y."""
    answer_dims: ClassVar[int]
    """Dimensions of predictions."""
    dtypes: ClassVar[tuple[str, ...]] = ("int64",)
    """Types that y may have, the usual one first."""
    shape: ClassVar[str] = "(N,)"
    """Shape of y, for messages."""
    defaults: ClassVar[Mapping[str, str]] = {"metric": "accuracy", "loss": "cross_entropy"}
    """Options that fit, by group, where nothing else is known."""
    exclusive: ClassVar[bool] = False
    """Whether a sample is of exactly one class."""
    dense: ClassVar[bool] = False
    """Whether a target is a map of classes over an image, and so are outputs and predictions."""
    standardised: ClassVar[bool] = False
    """Whether models learn the target on its standardised scale."""
    readable_columns: ClassVar[bool] = True
    """Whether the target can be columns of a table."""
    discrete: ClassVar[bool] = True
    """Whether targets are classes or labels; else values."""
    yes_no: ClassVar[bool] = False
    """Whether columns of a table are yes-no labels."""
    most_classes: ClassVar[int | None] = None
    """How many classes there may be."""
    reported: ClassVar[tuple[str, ...]]
    """Measures that a run's page reports beside the primary metric."""
    sections: ClassVar[tuple[Section, ...]]
    """What a run's page shows of the predictions."""
    manner: ClassVar[str] = "at random, stratified by class"
    """How samples are divided, in words."""
    unit: ClassVar[str] = "p(true)"
    """What `Comparison.number` is."""
    claim: ClassVar[str] = "confidence in the prediction"
    """What `claims` are, for an axis."""

    takes_one_hot: ClassVar[bool] = False
    """Whether a class may be given as the place of a single 1 among zeros."""
    example: ClassVar[list[Any]]
    """Four targets or fewer, as nested lists, with which options are tried."""
    example_input: ClassVar[Mapping[str, Any] | None] = None
    """Facts of an input, where a model has to list the problem under `fits:`; else None."""

    # --- data

    def check(self, y: "Tensor", names: Sequence[str]) -> None:
        """Check targets (N, ...) of classes or columns with these names.

        Raises:
            UserError: wrong type, shape or values.

        """
        dtype = str(y.dtype).removeprefix("torch.")
        if y.dim() != self.dims or dtype not in self.dtypes:
            raise UserError(
                f"Targets of a {self.name} task are {self.dtypes[0]} {self.shape}, these are "
                f"{dtype} of shape {tuple(y.shape)}",
                code=Code.DATA,
            )
        self.check_values(y, names)

    @abstractmethod
    def check_values(self, y: "Tensor", names: Sequence[str]) -> None:
        """Check the values of targets whose type and shape are right; raise as `check`."""

    def num_classes(self, y: "Tensor", names: Sequence[str]) -> int:
        """Return the number of classes; 0 where there are none."""
        return 0

    def num_targets(self, y: "Tensor") -> int:
        """Return the numbers that describe one target."""
        return int(y.shape[1])

    def class_counts(self, y: "Tensor", num_classes: int) -> list[int]:
        """Return how often each class or label occurs in training; [] where there are none."""
        return []

    def positives(self, class_counts: Sequence[int]) -> Sequence[int]:
        """Return of `class_counts` how often each label, or the positive class, occurs."""
        return class_counts

    def strata(self, y: "Tensor") -> Index | None:
        """Return each sample's stratum, whose share is the same in all parts; None without any."""
        return None

    def required(self, y: "Tensor", names: Sequence[str]) -> NDArray[np.bool_] | None:
        """Return what must occur in each part as a table (N, M) of booleans; None for nothing."""
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
        """Return targets as a loss takes them beside these outputs."""
        return y

    def blank(self, y: "Tensor", num_outputs: int) -> "Tensor":
        """Return outputs of zeros for these targets: an uninformed model's."""
        return y.new_zeros(()).float().expand(len(y), num_outputs)

    def metric_target(self, y: "Tensor") -> "Tensor":
        """Return targets as a metric takes them."""
        return y

    def choices(self, class_counts: Sequence[int], targets: "Tensor") -> dict[str, str]:
        """Return the options to start with by group, given the training targets."""
        return dict(self.defaults)

    @abstractmethod
    def misfit(self, y: "Tensor", outputs: "Tensor") -> tuple[bool, str]:
        """Return whether targets do not suit a model with such outputs, and what was seen."""

    def imbalance(self, class_counts: Sequence[int]) -> float | None:
        """Return the share of the most frequent class, where classes exclude each other."""
        return None

    # --- predictions

    @abstractmethod
    def decided(self, predicted: Array) -> Array:
        """Return the classes, labels or values decided for."""

    def probabilities(self, predicted: Array) -> Floats:
        """Return a probability for every class, (N, C)."""
        return predicted.astype(np.float64)

    @abstractmethod
    def wrongness(self, target: Array, predicted: Array) -> Floats:
        """Return how wrong each prediction is, (N,): the greater, the worse."""

    def stored(self, predicted: "Tensor") -> "Tensor":
        """Return what predictions.npz keeps of predictions."""
        return predicted

    def counts(self, target: Array, predicted: Array) -> tuple[Array, Array, Array]:
        """Return hits, predictions and members of each class or label per sample, (N, C) each."""
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
        """Check predictions that a file holds, whose numbers of dimensions are right.

        Raises:
            ValueError: targets and predictions do not fit each other.

        """
        if target.shape != predicted.shape:
            raise ValueError(
                f"targets {target.shape} and answers {predicted.shape} have other shapes"
            )

    def claims(self, target: Array, predicted: Array) -> tuple[Array, Array] | None:
        """Return claimed probabilities (M,) and whether they came true; None without claims."""
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
        """Return predictions as columns of a table, by title."""

    def likelihood(self, predicted: "Tensor", truth: "Tensor") -> float:
        """Return the mean log-likelihood of the truth in nats; 0 where there is none."""
        return 0.0

    # --- simple models

    def baselines(self) -> "dict[str, BaseEstimator]":
        """Return simple models by name; {} where there are none."""
        return {}

    def boosted_trees(self, categorical: Sequence[int]) -> "BaseEstimator | None":
        """Return boosted trees for a table whose columns `categorical` hold codes; None without."""
        return None

    def baseline_predictions(self, model: Any, inputs: Array, num_classes: int) -> Array:
        """Return the predictions of a fitted baseline, as `predictions` has them."""
        raise NotImplementedError(f"{self.name} has no baselines")


def numbered(stem: str, count: int) -> list[str]:
    """Return names for what has none: class_0, class_1 ..."""
    return [f"{stem}_{i}" for i in range(count)]
