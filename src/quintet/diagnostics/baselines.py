"""Simple baseline models: same split, same preprocessing and same metric as the network."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torchmetrics import Metric

from quintet.base.formatting import score
from quintet.data.module import DataModule
from quintet.data.samples import Facts
from quintet.problems import problem_of

Scores = dict[str, dict[str, float]]
BaselinePredictions = dict[str, dict[str, Tensor]]
"""Predictions as metrics take them, by baseline and split."""
NUMBERS, ROWS = 2_000_000, 5_000
"""Maximum count of numbers and samples to fit a baseline on; of more, an evenly spaced part."""
WIDEST = 20_000
"""More features than this are too many for a quick baseline."""


def scores(
    data: DataModule, facts: Facts, metric: Metric, splits: list[str], threads: int = 1
) -> Scores:
    """Fit the baselines on the training split; return the metric of each by split."""
    metric.distributed_available_fn = lambda: False  # one process scores, the others are gone
    found: Scores = {}
    for name, of_splits in predict(data, facts, splits, threads).items():
        found[name] = {}
        for split, predicted in of_splits.items():
            metric.reset()
            metric.update(predicted, data.splits[split][1].cpu())
            found[name][split] = float(metric.compute())
    return found


def predict(
    data: DataModule, facts: Facts, splits: list[str], threads: int = 1
) -> BaselinePredictions:
    """Fit a dummy, a linear model and a tree on the training split; return what they predict.

    The dummy always predicts the training split's class shares or mean; the linear model is
    logistic or ridge regression; the tree has at least five samples per leaf. Tokens are counted,
    categories one-hot.

    Args:
        data: loaded.
        facts: of the data.
        splits: to predict, "val" or "test".
        threads: of the linear algebra, which takes all cores for small matrices if it may.

    Returns:
        predictions by baseline and split; empty for data that stays on disk or is too wide.

    """
    from threadpoolctl import threadpool_limits

    problem = problem_of(facts.task)
    if data.rows is not None or _width(facts) > WIDEST:
        return {}
    read = _reader(facts)
    x, y = data.splits["train"]
    step = max(1, -(-len(y) // min(ROWS, NUMBERS // _width(facts) + 1)))
    inputs, targets = read(x[::step]), y[::step].cpu().numpy()
    # Far from 0 float64 itself is blurred, by the squares that a tree sums.
    centre = targets.mean(axis=0) if targets.dtype == np.float64 else None
    targets = targets if centre is None else targets - centre
    unseen = {split: read(data.splits[split][0]) for split in splits}
    found: BaselinePredictions = {}
    with threadpool_limits(threads):
        for name, model in problem.baselines().items():
            _fit(model, inputs, targets)
            found[name] = {
                split: torch.from_numpy(problem.baseline_predictions(model, x, facts.num_classes))
                for split, x in unseen.items()
            }
    if centre is None:
        return found
    return {
        name: {split: values + torch.from_numpy(centre) for split, values in of_splits.items()}
        for name, of_splits in found.items()
    }


def loses(value: float, found: Scores, name: str, mode: str) -> str | None:
    """Return a warning if a validation metric of `value` is worse than the linear baseline's."""
    linear = found.get("linear", {}).get("val")
    if linear is None or score(linear) == score(value):
        return None
    if not (linear > value if mode == "max" else linear < value):
        return None
    return (
        f"The linear baseline is better on validation: {name} {score(linear)} "
        f"against {score(value)}. "
        "Either the net is not trained well yet (python src/check.py), or these inputs need none: "
        "model=linear."
    )


def _fit(model: Any, inputs: NDArray[Any], targets: NDArray[Any]) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 200 steps are enough for a baseline, converged or not
        model.fit(inputs, targets)


def _width(facts: Facts) -> int:
    """Return how many features a baseline sees."""
    if facts.kind == "tokens":
        return facts.vocabulary
    plain = int(np.prod(facts.input_shape))
    return plain + sum(n - 1 for n in facts.cardinalities)


def _reader(facts: Facts) -> Callable[[Tensor], NDArray[Any]]:
    """Return what turns inputs as the net sees them, (N, ...), into features (N, F)."""

    def read(x: Tensor) -> NDArray[Any]:
        x = x.cpu()
        if facts.kind == "tokens":
            counts = torch.zeros(len(x), facts.vocabulary)
            counts.scatter_add_(1, x, torch.ones_like(x, dtype=torch.float32))
            return counts[:, 1:].numpy()  # padding carries no information
        if not facts.cardinalities:
            return x.flatten(1).numpy()
        numbers = x.shape[1] - len(facts.cardinalities)
        codes = x[:, numbers:].long().unbind(1)
        hot = [functional.one_hot(c, n) for c, n in zip(codes, facts.cardinalities, strict=True)]
        return torch.cat([x[:, :numbers], *(h.float() for h in hot)], dim=1).numpy()

    return read
