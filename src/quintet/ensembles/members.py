"""The members of an ensemble: loaded from their folders, and averaged."""

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from quintet.artifacts.ensemble_record import Ensemble
from quintet.base.errors import Code, UserError
from quintet.config.instantiate import instantiate
from quintet.config.trust import NOTHING, Trust
from quintet.ensembles.reload import Trained, trained
from quintet.modules.sample_predictor import sample_predictor
from quintet.problems import problem_of
from quintet.training import build, experiment
from quintet.training.callbacks.measured import of_split

AVERAGE = "An average of predictions"


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


@torch.no_grad()
def predictions(run: Trained, split: str) -> Tensor:
    """Return a model's predictions for a split, as metrics expect them."""
    found = run.samples(AVERAGE)
    data, task = found.data, found.task
    loader: Any = data.val_dataloader() if split == "val" else data.test_dataloader()
    return torch.cat([task.predictions(task(x)) for x, _ in loader])


def targets(run: Trained, split: str) -> Tensor:
    """Return a split's targets, as metrics expect them."""
    y = run.samples(AVERAGE).data.splits[split][1]
    return problem_of(run.cfg.facts.task).metric_target(y)


def score(metric: Metric, predicted: Tensor, truth: Tensor) -> float:
    """Return the metric of predictions, without synchronising processes."""
    metric.distributed_available_fn = lambda: False
    metric.reset()
    metric.update(predicted, truth)
    return float(metric.compute())


def on_test(folder: Path, checkpoint: str = "best", trust: Trust = NOTHING) -> dict[str, float]:
    """Return the score of the averaged predictions on the common test set.

    Of models whose predictions of single samples are not known it is the mean of each one's scores.
    """
    total, weight, each = torch.zeros(()), 0, []
    for run, count in members(folder, checkpoint, trust):
        if sample_predictor(run.task, run.data) is None:
            each.append(tested(run))
            continue
        run.load()
        total, weight = total + count * predictions(run, "test"), weight + count
    if each:
        return {name: fmean(scores[name] for scores in each) for name in each[0]}
    metrics = {run.cfg.metric.name: instantiate(run.cfg.metric, "metric")}
    metrics |= build.further_metrics_of(run.cfg)
    truth = targets(run, "test")
    return {name: score(metric, total / weight, truth) for name, metric in metrics.items()}


def tested(run: Trained) -> dict[str, float]:
    """Return all that a run's module logs on test data, in this process alone."""
    alone: dict[str, Any] = {"devices": 1, "num_nodes": 1, "strategy": "auto"}
    trainer = build.trainer(run.cfg, watched=False, **experiment.WHOLE | alone)
    run.data.attach(trainer)  # first: loaders may depend on it
    run.load()
    return of_split(experiment.measured(trainer.test, run.task, run.data), "test")
