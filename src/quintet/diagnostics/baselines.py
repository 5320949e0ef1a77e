"""Simple baseline models: same split, same preprocessing and same metric as the network."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric

from quintet.base.console import with_same_overrides
from quintet.base.formatting import score
from quintet.data.module import DataModule
from quintet.data.samples import Facts
from quintet.diagnostics.repeated_values import RepeatedValues
from quintet.problems import problem_of

Scores = dict[str, dict[str, float]]
BaselinePredictions = dict[str, dict[str, Tensor]]
"""Predictions in the form that metrics take, by baseline and split."""
NUMBERS, ROWS = 2_000_000, 20_000
"""Maximum number of values and samples to fit a baseline on; of larger data, a random part."""
WIDEST = 20_000
"""Maximum number of features for a quick baseline."""
BINS = 255
"""Maximum number of categories that boosted trees take as such; above it they get target means."""


def scores(
    data: DataModule,
    facts: Facts,
    metric: Metric,
    splits: list[str],
    threads: int = 1,
    further: Mapping[str, Metric] | None = None,
) -> Scores:
    """Fit the baselines on the training split; return the metric of each by split.

    Further metrics are returned as `test/f1`.
    """
    found: Scores = {}
    for name, of_splits in predict(data, facts, splits, threads).items():
        found[name] = {}
        for split, predicted in of_splits.items():
            truth = data.splits[split][1].cpu()
            found[name][split] = _score(metric, predicted, truth)
            for other, each in (further or {}).items():
                found[name][f"{split}/{other}"] = _score(each, predicted, truth)
    return found


def _score(metric: Metric, predicted: Tensor, truth: Tensor) -> float:
    metric.distributed_available_fn = lambda: False  # one process scores; the others have ended
    metric.reset()
    metric.update(predicted, truth)
    return float(metric.compute())


def predict(
    data: DataModule, facts: Facts, splits: list[str], threads: int = 1
) -> BaselinePredictions:
    """Fit simple models on the training split; return what they predict.

    The dummy always predicts the training split's class shares or mean; the linear model is
    logistic or ridge regression; the tree has at least five samples per leaf; boosted trees are
    for tables only. Tokens are counted. Categories are sparse one-hot columns for the linear model,
    codes for a tree, and target means for boosted trees if there are many. For a series, the linear
    model is ridge regression on the lags; two more baselines repeat the last value and the value
    one season earlier.

    Args:
        data: loaded.
        facts: of the data.
        splits: to predict, "val" or "test".
        threads: of the linear algebra, which would otherwise use all cores even for small matrices.

    Returns:
        predictions by baseline and split; empty for data that stays on disk or is too wide.

    """
    from threadpoolctl import threadpool_limits

    problem = problem_of(facts.task)
    if (rows := fitted_rows(data, facts)) is None:
        return {}
    x, y = data.splits["train"]
    if rows < len(y):
        drawn = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))[:rows].sort()
        x, y = x[drawn.values.to(x.device)], y[drawn.values.to(y.device)]
    inputs, targets = _features(x, facts), y.cpu().numpy()
    # Far from 0 even float64 is too imprecise for the squares that a tree sums.
    centre = targets.mean(axis=0) if targets.dtype == np.float64 else None
    targets = targets if centre is None else targets - centre
    unseen = {split: _features(data.splits[split][0], facts) for split in splits}
    found: BaselinePredictions = {}
    with threadpool_limits(threads):
        for name, model in _models(facts).items():
            _fit(model, inputs, targets)
            found[name] = {
                split: torch.from_numpy(problem.baseline_predictions(model, x, facts.num_classes))
                for split, x in unseen.items()
            }
    if centre is not None:
        found = {
            name: {split: values + torch.from_numpy(centre) for split, values in of_splits.items()}
            for name, of_splits in found.items()
        }
    return found | _forecasts(data, facts, splits)


def _forecasts(data: DataModule, facts: Facts, splits: list[str]) -> BaselinePredictions:
    """Return the forecasts that repeat a series' last value, and the value one season earlier."""
    discrete = problem_of(facts.task).discrete
    if facts.kind != "sequence" or discrete or facts.input_shape[1:] != [1]:
        return {}
    described = data.reader.get("columns") or [{}]
    offset = described[0].get("offset", 0.0) if isinstance(described[0], dict) else 0.0

    def own(split: str) -> NDArray[np.float64]:
        """Return the windows of a split in the series' own units, (N, T)."""
        inputs = data.preprocess.restore(data.splits[split][0].cpu())
        return inputs[..., 0].double().numpy() + offset

    x, (_, y) = own("train"), data.splits["train"]
    models = {"persistence": RepeatedValues(1)} | (
        {"seasonal": RepeatedValues()} if x.shape[1] > 1 else {}
    )
    fitted = {name: model.fit(x, y.double().cpu().numpy()) for name, model in models.items()}
    return {
        name: {split: torch.from_numpy(model.predict(own(split))).to(y.dtype) for split in splits}
        for name, model in fitted.items()
    }


def fitted_rows(data: DataModule, facts: Facts) -> int | None:
    """Return how many training samples baselines are fitted on; None if there are no baselines."""
    numbers = int(np.prod(facts.input_shape))
    if data.rows is not None or max(numbers, facts.vocabulary) > WIDEST:
        return None
    return min(len(data.splits["train"][1]), ROWS, NUMBERS // numbers + 1)


def warning(
    value: float, found: Scores, name: str, mode: str, *, by_gradients: bool = True
) -> str | None:
    """Return a warning if a linear model or boosted trees do better on validation than `value`.

    Args:
        value: of the metric.
        found: the baselines' scores.
        name: of the metric.
        mode: min or max.
        by_gradients: whether a network was trained, and not such a model itself.

    """
    sign = 1 if mode == "max" else -1
    known = {n: found[n]["val"] for n in ADVICE if "val" in found.get(n, {})}
    ahead = {n: p for n, p in known.items() if score(p) != score(value) and sign * p > sign * value}
    if not ahead:
        return None
    best = max(ahead, key=lambda n: sign * ahead[n])
    what, advice = ADVICE[best]
    if not by_gradients:
        advice = INSTEAD[best]
    numbers = f"{name} {score(ahead[best])} against {score(value)}"
    advice = advice.format(check=with_same_overrides("check"))
    return f"{what} better on validation: {numbers}. {advice}"


ADVICE = {
    "linear": (
        "The linear baseline is",
        "Either the network is not well trained yet ({check}), or these inputs need none: "
        "model=linear.",
    ),
    "boosting": (
        "Boosted trees are",
        "Trees do well where the target jumps at thresholds: try experiment=table or "
        "experiment=automl, or use the trees: module=boosted_trees.",
    ),
}
"""What to print about each baseline that beats a network."""
INSTEAD = {
    "linear": "Use it: module=supervised model=linear.",
    "boosting": "Vary the settings of the module: search_space=module.",
}
"""Advice if no network was trained."""


def _fit(model: Any, inputs: Any, targets: NDArray[Any]) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 200 steps are enough for a baseline, converged or not
        model.fit(inputs, targets)


def _models(facts: Facts) -> dict[str, Any]:
    """Return the baselines of a problem, each with the encoding of categories that it needs."""
    problem = problem_of(facts.task)
    models: dict[str, Any] = problem.baselines()
    if facts.kind != "table":
        return models
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

    first = facts.input_shape[0] - len(facts.cardinalities)
    few, many = ([first + i for i, codes in enumerate(facts.cardinalities)
                  if (codes <= BINS) == small] for small in (True, False))  # fmt: skip
    hot = OneHotEncoder(handle_unknown="ignore", dtype=np.float32)
    models["linear"] = _encoded(models["linear"], first, {"categories": (hot, [*few, *many])})
    boosted = problem.boosted_trees([*range(first, first + len(few))])
    if boosted is not None:
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
        means = TargetEncoder(random_state=0) if facts.num_targets == 1 else codes
        boosted = _encoded(boosted, first, {"few": (codes, few), "many": (means, many)})
        models["boosting"] = boosted
    return models


def _encoded(model: Any, numbers: int, encoders: dict[str, tuple[Any, list[int]]]) -> Any:
    """Return a model with encoders for the columns after the first `numbers`."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline

    used = [(name, encoder, columns) for name, (encoder, columns) in encoders.items() if columns]
    if not used:
        return model
    kept = ("numbers", "passthrough", [*range(numbers)])
    return make_pipeline(ColumnTransformer([kept, *used]), model)


def _features(x: Tensor, facts: Facts) -> Any:
    """Return the network's inputs (N, ...) as features (N, F); for tokens, sparse counts."""
    x = x.cpu()
    if facts.kind != "tokens":
        return x.flatten(1).numpy()
    from scipy.sparse import csr_matrix

    rows = torch.arange(len(x)).repeat_interleave(x.shape[1])
    ones = np.ones(x.numel(), dtype=np.float32)
    counts = csr_matrix((ones, (rows.numpy(), x.flatten().numpy())), (len(x), facts.vocabulary))
    return counts[:, 1:]  # padding carries no information
