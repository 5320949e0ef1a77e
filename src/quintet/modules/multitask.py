"""Several targets from one model: a head, a loss and a metric for each."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import lightning.pytorch as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torchmetrics import MeanMetric, Metric, R2Score
from torchmetrics.classification import MulticlassAccuracy

from quintet.base.errors import Code, UserError
from quintet.modules.backbone import without_head
from quintet.modules.module_settings import between

SPLITS = ("train", "val", "test")


class MultitaskModule(L.LightningModule):
    """Learns several targets for each sample from shared features.

    Caruana, 1997, "Multitask learning".

    A batch is (x, {name: target}); the facts of the data say in `other.targets` how many classes
    each target has, 1 for a number. Classes are trained with cross-entropy and measured by
    accuracy, numbers with squared error and by R^2. The loss is the weighted sum. It logs
    `<name>_loss` and `<name>_accuracy` or `<name>_r2` of every target, and `score`, their
    weighted mean.

    Args:
        model: the network that all heads share, without its own last layer.
        optimizer: makes the optimizer of the module.
        scheduler: makes the schedule of an optimizer's rate.
        init: sets the parameters of a head.
        facts: of the data: `input_shape` and `other.targets`.
        weights: weights of the targets; 1 for those not named.

    Raises:
        UserError: a weight is negative or of an unknown target, or the data states no targets.

    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Callable[..., Optimizer],
        scheduler: Callable[..., LRScheduler],
        init: Callable[[nn.Module], object],
        facts: Mapping[str, Any],
        weights: Mapping[str, float] = {},
    ) -> None:
        super().__init__()
        targets = _targets(facts)
        for name, weight in weights.items():
            if name not in targets:
                raise UserError(
                    "is not a target of the data",
                    code=Code.UNKNOWN_NAME,
                    key=f"module.weights.{name}",
                    value=weight,
                    allowed=targets,
                )
            between(f"weights.{name}", weight, 0, float("inf"))
        self.optimizer, self.scheduler = optimizer, scheduler
        self.targets = targets
        self.weights = {name: float(weights.get(name, 1.0)) for name in targets}
        self.model = model
        features = without_head(model, facts["input_shape"])
        self.heads = nn.ModuleDict({f"to_{n}": nn.Linear(features, k) for n, k in targets.items()})
        init(self.heads)
        self.scores = nn.ModuleDict(
            {f"{split}_{name}": _score(k) for split in SPLITS for name, k in targets.items()}
        )
        self.losses = nn.ModuleDict(
            {f"{s}_{n}": MeanMetric(nan_strategy="error") for s in SPLITS for n in targets}
        )
        self.example_input_array = torch.zeros(2, *facts["input_shape"])

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of all heads, concatenated: (N, sum of their sizes)."""
        return torch.cat([*self.outputs(x).values()], dim=1)

    def outputs(self, x: Tensor) -> dict[str, Tensor]:
        """Return the outputs of each head for x (N, ...): logits (N, C) or values (N, 1)."""
        features = self.model(x)
        return {name: self.heads[f"to_{name}"](features) for name in self.targets}

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Return the weighted sum of the targets' losses."""
        return self._step(batch, "train")

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Record the batch."""
        self._step(batch, "val")

    def test_step(self, batch: Any, batch_idx: int) -> None:
        """Record the batch."""
        self._step(batch, "test")

    def _step(self, batch: Any, split: str) -> Tensor:
        x, truth = batch
        total: Tensor = x.new_zeros(())
        for name, output in self.outputs(x).items():
            target = truth[name]
            classes = self.targets[name] > 1
            output = output if classes else output.squeeze(1)
            loss = cross_entropy(output, target) if classes else mse_loss(output, target)
            total = total + self.weights[name] * loss
            if not torch.isfinite(loss):
                continue  # LoggedMetrics ends the run
            cast(Metric, self.losses[f"{split}_{name}"]).update(loss.detach(), len(x))
            cast(Metric, self.scores[f"{split}_{name}"]).update(output.detach(), target)
        return total

    def on_train_epoch_end(self) -> None:
        """Log the metrics of the epoch's batches."""
        self._log("train")

    def on_validation_epoch_end(self) -> None:
        """Log the validation metrics."""
        self._log("val")

    def on_test_epoch_end(self) -> None:
        """Log the test metrics."""
        self._log("test")

    def _log(self, split: str) -> None:
        found: dict[str, Tensor] = {}
        scores, losses = {}, {}
        for name, classes in self.targets.items():
            scores[name] = _taken(self.scores[f"{split}_{name}"])
            losses[name] = _taken(self.losses[f"{split}_{name}"])
            found[f"{split}/{name}_{'accuracy' if classes > 1 else 'r2'}"] = scores[name]
            found[f"{split}/{name}_loss"] = losses[name]
        found[f"{split}/loss"] = self._weighted(losses)
        found[f"{split}/score"] = self._weighted(scores) / (sum(self.weights.values()) or 1)
        self.log_dict(found)

    def _weighted(self, values: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([self.weights[name] * value for name, value in values.items()]).sum()

    def predict_step(self, batch: Any, batch_idx: int) -> dict[str, Tensor]:
        """Return each target's prediction: the class, or the number, (N,)."""
        outputs = self.outputs(batch[0] if isinstance(batch, list | tuple) else batch)
        return {n: o.argmax(1) if o.shape[1] > 1 else o.squeeze(1) for n, o in outputs.items()}

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return the optimizer and its schedule."""
        optimizer = self.optimizer(self)
        return {"optimizer": optimizer, "lr_scheduler": self.scheduler(optimizer)}


def _targets(facts: Mapping[str, Any]) -> dict[str, int]:
    targets: dict[str, int] = (facts.get("other") or {}).get("targets") or {}
    if not targets:
        raise UserError(
            "needs data that names its targets",
            code=Code.INCOMPATIBLE,
            key="module",
            value="multitask",
            hint="Let the LightningDataModule have facts = {'targets': {'digit': 10, 'ink': 1}}, "
            "such as data=digits_two_targets.",
        )
    return targets


def _score(classes: int) -> Metric:
    return MulticlassAccuracy(classes, average="micro") if classes > 1 else R2Score()


def _taken(metric: Any) -> Tensor:
    """Return a metric over all batches since the last call."""
    value: Tensor = metric.compute()
    metric.reset()
    return value
