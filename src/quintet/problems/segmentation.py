"""Semantic segmentation: a class for every pixel of an image."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from quintet.base.errors import Code, UserError
from quintet.problems.problem import Array, Comparison, Floats, Problem

if TYPE_CHECKING:
    from torch import Tensor

IGNORED = -100
"""Class of pixels that are excluded from loss and metric, as in torch's losses."""


class Segmentation(Problem):
    """Targets: a class for each pixel, int64 (N, H, W), or `IGNORED`.

    Predictions: probabilities (N, C, H, W) that sum to 1 over the classes; predictions.npz has
    the most probable class of each pixel, (N, H, W).
    """

    name = "segmentation"
    dims, answer_dims = 3, 3
    shape = "(N, H, W)"
    defaults: ClassVar = {"metric": "iou", "loss": "cross_entropy", "model": "unet"}
    dense = True
    example: ClassVar = [[[0, 1, 2]], [[2, 2, 0]], [[1, 1, 0]], [[0, 0, IGNORED]]]
    example_input: ClassVar = {"input_shape": [2, 9, 8], "vocabulary": 0}
    readable_columns = False
    reported = ("iou", "dice", "pixel_accuracy")
    sections = ("pixels",)
    manner = "at random"
    unit = "wrong pixels"

    def check_values(self, y: "Tensor", names: Sequence[str]) -> None:
        """Check that there are two classes or more, and that every pixel belongs to one of them."""
        found = [i for i in np.unique(y.numpy()).tolist() if i != IGNORED]
        if len(found) < 2:
            raise UserError(
                f"The masks have {len(found)} class(es): there is nothing to learn", code=Code.DATA
            )
        highest = (len(names) or found[-1] + 1) - 1
        if found[0] < 0 or found[-1] > highest:
            raise UserError(
                f"Classes of pixels lie in 0..{highest}, but these are {found[0]} to {found[-1]}",
                code=Code.DATA,
                hint="data.ignore=<value> leaves out pixels whose value is not a class.",
            )

    def num_classes(self, y: "Tensor", names: Sequence[str]) -> int:
        """Return the number of names, or of indices."""
        return len(names) or int(y.max()) + 1

    def num_targets(self, y: "Tensor") -> int:
        """Return 1: a class for each pixel."""
        return 1

    def class_counts(self, y: "Tensor", num_classes: int) -> list[int]:
        """Count the pixels of each class."""
        return [int(n) for n in y[y != IGNORED].bincount(minlength=num_classes).tolist()]

    def output_shape(self, input_shape: Sequence[int], num_outputs: int) -> list[int]:
        """Return (C, H, W)."""
        return [num_outputs, *input_shape[1:]]

    def predictions(self, outputs: "Tensor") -> "Tensor":
        """Turn logits (N, C, H, W) into probabilities."""
        return outputs.softmax(1)

    def blank(self, y: "Tensor", num_outputs: int) -> "Tensor":
        """Return outputs of zeros, (N, C, H, W)."""
        count, *size = y.shape
        return y.new_zeros(()).float().expand(count, num_outputs, *size)

    def misfit(self, y: "Tensor", outputs: "Tensor") -> tuple[bool, str]:
        """Compare the classes and the size of masks with the outputs."""
        low, high = int(y[y != IGNORED].min()), int(y.max())
        classes, size = outputs.shape[1], list(outputs.shape[2:])
        wrong = low < 0 or high >= classes or size != list(y.shape[1:])
        seen = f"classes {low} to {high} on {list(y.shape[1:])} pixels; the model has {classes} "
        return wrong, f"{seen}classes on {size}"

    def stored(self, predicted: "Tensor") -> "Tensor":
        """Return the most probable class of each pixel, (N, H, W)."""
        return predicted.argmax(1)

    def decided(self, predicted: Array) -> Array:
        """Return the classes, (N, H, W)."""
        return predicted.astype(np.int64)

    def wrongness(self, target: Array, predicted: Array) -> Floats:
        """Return the share of an image's pixels that are wrong."""
        counted = target != IGNORED
        wrong = ((predicted != target) & counted).sum(axis=(1, 2))
        return np.asarray(wrong / np.maximum(counted.sum(axis=(1, 2)), 1), dtype=np.float64)

    def counts(self, target: Array, predicted: Array) -> tuple[Floats, Floats, Floats]:
        """Return hits, predictions and targets of each class in pixels per image, (N, C) each."""
        count = int(max(target.max(), predicted.max())) + 1
        counted = target != IGNORED
        found = np.where(counted, self.decided(predicted), count)
        true = np.where(counted, target, count).astype(np.int64)
        hit = np.where(found == true, true, count)
        return _histograms(hit, count), _histograms(found, count), _histograms(true, count)

    def check_stored(self, target: Array, predicted: Array) -> None:
        """Check that masks and predictions have one size, and hold classes."""
        super().check_stored(target, predicted)
        if not ((predicted >= 0).all() and ((target >= 0) | (target == IGNORED)).all()):
            raise ValueError("a pixel has no class")
        if max(target.max(), predicted.max()) >= 2**16:
            raise ValueError("a pixel has a class of 65536 or above")

    def compare(self, target: Array, predicted: Array, names: Sequence[str]) -> Comparison:
        """Name the classes of an image, with the share of wrong pixels."""
        wrong = float(self.wrongness(target[None], predicted[None])[0])
        true, said = (
            ", ".join(names[int(i)] for i in np.unique(part[part >= 0]) if i < len(names))
            for part in (target, predicted)
        )
        return Comparison(true, said, wrong, f"{wrong:.1%}")

    def caption(self, found: Comparison) -> str:
        """Return the share of wrong pixels."""
        return f"{found.text} of the pixels wrong"

    def table(self, predicted: Array, names: Sequence[str]) -> Mapping[str, Any]:
        """Reject the request: masks are not rows.

        Raises:
            UserError: always, with the remedy.

        """
        raise UserError(
            "holds rows, and masks are not rows",
            code=Code.INCOMPATIBLE,
            key="output",
            hint="Give output=<file>.npz, or output=<folder>/ for a PNG of each mask.",
        )

    def baselines(self) -> dict[str, Any]:
        """Return class frequencies: the most frequent class for every pixel."""
        return {"dummy": PixelShares()}

    def baseline_predictions(self, model: Any, inputs: Array, num_classes: int) -> Array:
        """Return the same probabilities for every pixel, (N, C, H, W)."""
        shares = np.zeros((num_classes, 1, 1), dtype=np.float32)
        shares[: len(model.shares), 0, 0] = model.shares
        return np.array(np.broadcast_to(shares, (inputs.shape[0], num_classes, *model.size)))


class PixelShares:
    """The share of each class among all pixels of the training masks."""

    def fit(self, inputs: Array, targets: Array) -> "PixelShares":
        """Count the pixels of masks (N, H, W)."""
        counts = np.bincount(targets[targets != IGNORED].ravel())
        self.shares, self.size = counts / counts.sum(), targets.shape[1:]
        return self


def _histograms(classes: Array, count: int) -> Floats:
    """Count the pixels of each class per image, (N, C); class `count` is excluded."""
    rows = np.arange(len(classes))[:, None, None] * (count + 1)
    cells = np.bincount((classes + rows).ravel(), minlength=len(classes) * (count + 1))
    return cells.reshape(len(classes), count + 1)[:, :count].astype(np.float64)


PROBLEM = Segmentation()
