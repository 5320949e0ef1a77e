"""Data sets that come with scikit-learn and statsmodels, without a download."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from quintet.data.samples import Samples, Task
from quintet.data.sources.columns import number
from quintet.problems import problem_of

DIGIT_LABELS = {
    "even": (0, 2, 4, 6, 8),
    "prime": (2, 3, 5, 7),
    "closed_loop": (0, 6, 8, 9),
    "above_four": (5, 6, 7, 8, 9),
}
"""Labels of `digits_multilabel` and the digits that have them. A handwritten 4 may be open at the
top, so it is not counted among the closed loops."""

CANVAS, DIGITS_ON_CANVAS = 24, 3
"""Of `digits_masks`: side of a canvas, and number of digits on it."""


def digits() -> Samples:
    """Return 1797 handwritten digits as images of 1 x 8 x 8, ten classes.

    Source: the test part of the UCI Optical Recognition of Handwritten Digits data (Alpaydin and
    Kaynak, 1998), by scikit-learn. Pixels are counts from 0 to 16.
    """
    pixels, digit = _digits()
    return Samples(
        x=_image(pixels),
        y=torch.from_numpy(digit),
        task="multiclass",
        kind="image",
        class_names=[str(d) for d in range(10)],
        reader={"kind": "image", "size": [8, 8], "channels": 1, "white": 16.0},
    )


def digits_table() -> Samples:
    """Return the digits as a table of 64 pixel columns, ten classes."""
    pixels, digit = _digits()
    names = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    return _table(pixels, digit, "multiclass", names, [str(d) for d in range(10)])


def digits_imbalanced() -> Samples:
    """Return the digits as images, eight (class 1, 9.7 %) against the rest (class 0)."""
    samples = digits()
    samples.y = (samples.y == 8).long()
    samples.task = "binary"
    samples.class_names = ["other", "eight"]
    samples.data_summary = ["Derived from digits: the positive class is the digit 8, 9.7 % of all."]
    return samples


def digits_multilabel() -> Samples:
    """Return the digits as images with four yes-no labels that follow from the digit.

    The labels are even, prime, closed_loop and above_four; see `DIGIT_LABELS`.
    """
    samples = digits()
    digit = samples.y.numpy()
    columns = [np.isin(digit, having) for having in DIGIT_LABELS.values()]
    samples.y = torch.from_numpy(np.stack(columns, axis=1).astype(np.float32))
    samples.task = "multilabel"
    samples.class_names = list(DIGIT_LABELS)
    samples.data_summary = ["Derived from digits: each label is a property of the digit shown."]
    return samples


def digits_masks() -> Samples:
    """Return 599 canvases of 24 x 24 with three of the digits, and masks of eleven classes.

    Synthetic: each of `digits` is on one canvas, at a random place without overlap, so no digit is
        in
    two parts. Pixels with at least a quarter of the ink belong to the digit's class, all others to
    the background. The places are drawn with a fixed seed.
    """
    pixels, digit = _digits()
    draw = np.random.default_rng(0)
    count = len(digit) // DIGITS_ON_CANVAS
    x = np.zeros((count, 1, CANVAS, CANVAS), dtype=np.float32)
    y = np.zeros((count, CANVAS, CANVAS), dtype=np.int64)
    for i, of_canvas in enumerate(
        draw.permutation(len(digit))[: count * DIGITS_ON_CANVAS].reshape(count, -1)
    ):
        for which, (row, column) in zip(of_canvas, _places(draw), strict=True):
            ink = pixels[which].reshape(8, 8)
            at = (slice(row, row + 8), slice(column, column + 8))
            x[i, 0][at] = ink
            y[i][at] = np.where(ink >= 4, digit[which] + 1, 0)
    return Samples(
        x=torch.from_numpy(x),
        y=torch.from_numpy(y),
        task="segmentation",
        kind="image",
        class_names=["background", *map(str, range(10))],
        data_summary=["Made from digits: three on each canvas, each digit on one canvas only."],
        reader={"kind": "image", "size": [CANVAS, CANVAS], "channels": 1, "white": 16.0},
    )


def _places(draw: np.random.Generator) -> list[tuple[int, int]]:
    """Draw the corners of three squares of 8 x 8 on a canvas that do not touch."""
    while True:
        corners = draw.integers(CANVAS - 8 + 1, size=(DIGITS_ON_CANVAS, 2))
        gaps = np.abs(corners[:, None] - corners[None]).max(axis=2)
        if (gaps[~np.eye(DIGITS_ON_CANVAS, dtype=bool)] >= 8).all():
            return [(int(row), int(column)) for row, column in corners]


def wine() -> Samples:
    """Return 178 wines with 13 chemical measurements, three cultivars (UCI Wine, 1991)."""
    from sklearn.datasets import load_wine

    return _sklearn(load_wine(), "multiclass")


def breast_cancer() -> Samples:
    """Return 569 tumours with 30 measurements, malignant or benign (UCI, Wolberg 1995).

    Class 1 is benign, 63 %, as in scikit-learn.
    """
    from sklearn.datasets import load_breast_cancer

    return _sklearn(load_breast_cancer(), "binary")


def diabetes() -> Samples:
    """Return 442 patients with 10 measurements and the disease's progression after a year.

    Source: Efron, Hastie, Johnstone and Tibshirani, Least Angle Regression, 2004. The inputs are
    in their own units (years, mm Hg and so on).
    """
    from sklearn.datasets import load_diabetes

    return _sklearn(load_diabetes(scaled=False), "regression")


def fair() -> Samples:
    """Return 6366 women of a 1974 survey, 8 answers; class 1 (32 %) had an extramarital affair.

    Source: Fair, A Theory of Extramarital Affairs, 1978, by statsmodels. The target is the
    survey's `affairs` (a rate) above 0.
    """
    from statsmodels.datasets import fair as survey

    frame = survey.load_pandas().data
    inputs = frame.drop(columns="affairs")
    target = (frame["affairs"] > 0).to_numpy().astype(np.int64)
    samples = _table(
        inputs.to_numpy(), target, "binary", list(inputs.columns), ["faithful", "affair"]
    )
    samples.data_summary = ["Class 1 is an `affairs` rate above 0: 32 % of the women."]
    return samples


def _digits() -> tuple[NDArray[Any], NDArray[np.int64]]:
    # load_digits() reads the same file, but importing scikit-learn takes half a CPU second.
    package = str(getattr(find_spec("sklearn"), "origin", ""))
    table = np.loadtxt(Path(package).parent / "datasets/data/digits.csv.gz", delimiter=",")
    return table[:, :-1], table[:, -1].astype(np.int64)


def _image(pixels: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(pixels.astype(np.float32)).reshape(-1, 1, 8, 8)


def _sklearn(bunch: Any, task: Task) -> Samples:
    """Convert a scikit-learn bunch to samples."""
    names = [str(name) for name in bunch.get("target_names", ["progression"])]
    return _table(bunch.data, bunch.target, task, [str(n) for n in bunch.feature_names], names)


def _table(
    inputs: NDArray[Any], target: NDArray[Any], task: Task, columns: list[str], names: list[str]
) -> Samples:
    """Make samples of a numeric table, and a reader that knows its columns by name."""
    if problem_of(task).exclusive:
        y = torch.from_numpy(target.astype(np.int64))
    else:
        y = torch.from_numpy(target.astype(np.float32)).reshape(len(target), -1)
    return Samples(
        x=torch.from_numpy(np.ascontiguousarray(inputs, dtype=np.float32)),
        y=y,
        task=task,
        kind="table",
        class_names=names,
        reader={"kind": "table", "columns": [number(name) for name in columns]},
    )
