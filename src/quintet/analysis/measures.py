"""Metrics of weighted samples, many weightings at once: what a bootstrap needs.

Every measure takes a model's predictions and weights (B, N), each row adding up to 1, and returns
one value per row, (B,); NaN where it is undefined, such as an AUC without a positive. With
equal weights they are the values of `configs/metric/` at their defaults.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quintet.artifacts.predictions_file import Predictions

Floats = NDArray[np.float64]
Measure = Callable[[Predictions, Floats], Floats]

LOWER = {"hamming_loss", "log_loss", "mae", "mse", "rmse"}
"""Measures for which smaller is better."""


def equal(count: int) -> Floats:
    """Return the weights of the samples as they are, (1, N)."""
    return np.full((1, count), 1 / max(count, 1))


def right(predictions: Predictions) -> NDArray[np.bool_]:
    """Return which samples are predicted correctly, (N,); of labels all must be."""
    same = np.asarray(predictions.decided == predictions.target)
    return np.asarray(same.all(axis=1)) if same.ndim > 1 else same


def accuracy(predictions: Predictions, weights: Floats) -> Floats:
    """Share of the samples predicted correctly."""
    return weights @ right(predictions).astype(np.float64)


def hamming_loss(predictions: Predictions, weights: Floats) -> Floats:
    """Share of labels predicted wrong."""
    return np.asarray(weights @ (predictions.decided != predictions.target).mean(axis=1))


def log_loss(predictions: Predictions, weights: Floats) -> Floats:
    """Mean negative log-likelihood, in nats."""
    return weights @ predictions.wrongness()


def _counts(predictions: Predictions, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the shares of hits, predictions and members of each class or label, (B, C) each."""
    parts = predictions.problem.counts(predictions.target, predictions.predicted)
    hit, predicted, member = (weights @ part.astype(np.float64) for part in parts)
    return hit, predicted, member


def _macro(above: Floats, below: Floats, seen: Floats) -> Floats:
    """Return the mean over classes of a ratio, 0 where it is 0 / 0; absent classes do not count."""
    ratio = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    present = seen > 0
    return np.asarray((ratio * present).sum(axis=1) / np.maximum(present.sum(axis=1), 1))


def precision(predictions: Predictions, weights: Floats) -> Floats:
    """Share of predicted positives that are right, macro."""
    hit, predicted, member = _counts(predictions, weights)
    return _macro(hit, predicted, predicted + member)


def recall(predictions: Predictions, weights: Floats) -> Floats:
    """Share of positives that are found, macro."""
    hit, predicted, member = _counts(predictions, weights)
    return _macro(hit, member, predicted + member)


def f1(predictions: Predictions, weights: Floats) -> Floats:
    """Harmonic mean of precision and recall, macro."""
    hit, predicted, member = _counts(predictions, weights)
    return _macro(2 * hit, predicted + member, predicted + member)


def iou(predictions: Predictions, weights: Floats) -> Floats:
    """Intersection over union of predicted and true pixels, macro over classes (Jaccard)."""
    hit, predicted, member = _counts(predictions, weights)
    return _macro(hit, predicted + member - hit, predicted + member)


def dice(predictions: Predictions, weights: Floats) -> Floats:
    """Twice the intersection over the sum of predicted and true pixels, macro over classes."""
    return f1(predictions, weights)


def pixel_accuracy(predictions: Predictions, weights: Floats) -> Floats:
    """Share of the pixels predicted correctly."""
    hit, _, member = _counts(predictions, weights)
    return np.asarray(hit.sum(axis=1) / member.sum(axis=1))


def matthews_corrcoef(predictions: Predictions, weights: Floats) -> Floats:
    """Correlation of prediction and truth over all classes (Gorodkin 2004)."""
    two = Predictions(
        "multiclass",
        predictions.index,
        predictions.target,
        predictions.probabilities.astype(np.float32),
        predictions.total,
    )
    hit, predicted, member = _counts(two, weights)
    above = hit.sum(axis=1) - (predicted * member).sum(axis=1)
    below = (1 - (predicted**2).sum(axis=1)) * (1 - (member**2).sum(axis=1))
    found: Floats = np.divide(above, np.sqrt(below), out=np.zeros_like(above), where=below > 1e-12)
    return found


def auc_roc(predictions: Predictions, weights: Floats) -> Floats:
    """Area under the ROC curve, macro one against the rest."""
    return _mean_over_classes(predictions, weights, _area_under_roc)


def average_precision(predictions: Predictions, weights: Floats) -> Floats:
    """Area under the precision-recall curve, macro one against the rest."""
    return _mean_over_classes(predictions, weights, _average_precision)


def _mean_over_classes(
    predictions: Predictions, weights: Floats, area: Callable[[Floats, Floats], Floats]
) -> Floats:
    problem, predicted = predictions.problem, predictions.predicted
    scores, target = problem.scores(predicted), problem.members(predictions.target, predicted)
    columns = zip(scores.T, target.T, strict=True)
    areas = np.stack([area(*_steps(s, t.astype(float), weights)) for s, t in columns])
    known = np.isfinite(areas)
    total = np.where(known, areas, 0).sum(axis=0)
    count = known.sum(axis=0).astype(np.float64)
    return _ratio(total, count)


def _steps(score: Floats, member: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return true and false positives (B, T) as the threshold falls past each distinct score."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    sorted_weights = weights[:, order]
    positive = np.cumsum(sorted_weights * member[order], axis=1)[:, last]
    return positive, np.cumsum(sorted_weights, axis=1)[:, last] - positive


def _area_under_roc(positive: Floats, negative: Floats) -> Floats:
    start = np.zeros((len(positive), 1))
    y, x = (np.concatenate([start, part], axis=1) for part in (positive, negative))
    area = (np.diff(x, axis=1) * (y[:, 1:] + y[:, :-1]) / 2).sum(axis=1)
    return _ratio(area, positive[:, -1] * negative[:, -1])


def _average_precision(positive: Floats, negative: Floats) -> Floats:
    step = np.diff(positive, axis=1, prepend=0.0)
    share = positive / np.maximum(positive + negative, 1e-300)
    return _ratio((step * share).sum(axis=1), positive[:, -1])


def _ratio(above: Floats, below: Floats) -> Floats:
    found: Floats = np.divide(above, below, out=np.full_like(above, np.nan), where=below > 1e-12)
    return found


def _errors(predictions: Predictions) -> Floats:
    return np.asarray(predictions.predicted.astype(np.float64) - predictions.target)


def mae(predictions: Predictions, weights: Floats) -> Floats:
    """Mean absolute error."""
    return np.asarray(weights @ np.abs(_errors(predictions)).mean(axis=1))


def mse(predictions: Predictions, weights: Floats) -> Floats:
    """Mean squared error."""
    return np.asarray(weights @ np.square(_errors(predictions)).mean(axis=1))


def rmse(predictions: Predictions, weights: Floats) -> Floats:
    """Root mean squared error, averaged over the targets after the root."""
    return np.asarray(np.sqrt(weights @ np.square(_errors(predictions))).mean(axis=1))


def r2(predictions: Predictions, weights: Floats) -> Floats:
    """Share of the variance that is explained, averaged over the targets."""
    target = predictions.target - predictions.target.mean(axis=0, dtype=np.float64)
    variance = weights @ np.square(target) - np.square(weights @ target)
    unexplained = _ratio(weights @ np.square(_errors(predictions)), variance)
    return np.asarray((1 - unexplained).mean(axis=1))


MEASURES: dict[str, Measure] = {
    measure.__name__: measure
    for measure in (
        *(accuracy, hamming_loss, log_loss, precision, recall, f1, matthews_corrcoef),
        *(auc_roc, average_precision, mae, mse, rmse, r2),
        *(iou, dice, pixel_accuracy),
    )
}
"""By the name of the option of `metric=`."""
