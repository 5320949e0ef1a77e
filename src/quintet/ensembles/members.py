"""The members of an ensemble: loaded from their folders, and averaged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from quintet.artifacts.ensemble_record import Ensemble
from quintet.base.errors import Code, UserError
from quintet.config.instantiate import instantiate
from quintet.config.trust import NOTHING, Trust
from quintet.ensembles.reload import Trained, trained


def members(
    folder: Path, checkpoint: str = "best", trust: Trust = NOTHING
) -> Iterator[tuple[Trained, int]]:
    """Yield the members of an ensemble and their weights.

    Raises:
        UserError: a member cannot be loaded, or `checkpoint` is a single file.

    """
    if checkpoint not in ("best", "last"):
        raise UserError(
            f"is a single file, but {folder} contains several models",
            code=Code.CONFLICT,
            key="checkpoint",
            value=checkpoint,
            allowed=("best", "last"),
            hint="For a checkpoint file, give run= the folder of one model inside it.",
        )
    for name, count in Ensemble.read(folder).members.items():
        yield trained(folder / name, checkpoint, trust), count


@torch.inference_mode()
def predictions(run: Trained, split: str) -> Tensor:
    """Return a model's predictions for a split, as metrics expect them."""
    loader: Any = run.data.val_dataloader() if split == "val" else run.data.test_dataloader()
    return torch.cat([run.task.predictions(run.task(x)) for x, _ in loader])


def targets(run: Trained, split: str) -> Tensor:
    """Return a split's targets, as metrics expect them."""
    y = run.data.splits[split][1]
    return y.long() if run.cfg.facts.task == "multilabel" else y


def score(metric: Metric, predicted: Tensor, truth: Tensor) -> float:
    """Return the metric of predictions, without synchronising processes."""
    metric.distributed_available_fn = lambda: False
    metric.reset()
    metric.update(predicted, truth)
    return float(metric.compute())


def on_test(folder: Path, checkpoint: str = "best", trust: Trust = NOTHING) -> dict[str, float]:
    """Return the score of the averaged predictions on the common test set."""
    total, weight = torch.zeros(()), 0
    for run, count in members(folder, checkpoint, trust):
        run.load()
        total, weight = total + count * predictions(run, "test"), weight + count
    metric = instantiate(run.cfg.metric, "metric")
    return {run.cfg.metric.name: score(metric, total / weight, targets(run, "test"))}
