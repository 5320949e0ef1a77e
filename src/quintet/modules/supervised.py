"""The default LightningModule: it combines any model, loss and metric."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self, cast

import lightning.pytorch as L
import torch
from lightning.pytorch.utilities.types import LRSchedulerTypeUnion, OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torchmetrics import Metric

from quintet.base.errors import Code, DivergedError, UserError
from quintet.data.loading.augmentation import Mixed
from quintet.data.scaling.target_transform import TargetTransform, transformed, undone
from quintet.modules.epoch_metrics import Meter
from quintet.options.models.packed_ensemble import PackedEnsemble
from quintet.options.models.pretrained import set_frozen_norms_to_eval
from quintet.problems import Task as TaskName
from quintet.problems import problem_of

MakeOptimizer = Callable[[nn.Module], Optimizer]
MakeSchedule = Callable[[Optimizer], LRScheduler]


class SupervisedModule(L.LightningModule):
    """Trains `model` to minimise `loss` and reports the primary metric of every epoch.

    A regression is trained on the target's standardised scale and reported in its own units.

    Args:
        model: maps inputs to raw outputs (B, K): a tensor, or several by name.
        loss: maps outputs (B, K) and targets to a scalar.
        metric: the primary metric, over predictions and targets.
        optimizer: makes the optimizer of the model.
        scheduler: makes the schedule of an optimizer's rate.
        metric_name: name of the metric in the logs, `val/<metric_name>`.
        task: what is predicted.
        metrics: further metrics by name, computed on validation and test data.
        target_centre: of a regression's standardised scale, one per target; float64 where
            float32 would blur the target's differences.
        target_width: likewise, in units of the target.
        target_transform: log or log1p, of a regression's targets before they are scaled.

    """

    by_gradients: ClassVar[bool] = True
    """Whether an optimizer changes the model, which is what check.py examines."""
    target_centre: Tensor
    target_width: Tensor

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module,
        metric: Metric,
        optimizer: MakeOptimizer,
        scheduler: MakeSchedule,
        *,
        metric_name: str,
        task: TaskName,
        metrics: Mapping[str, Metric] | None = None,
        target_centre: Sequence[float] | Tensor = (0.0,),
        target_width: Sequence[float] | Tensor = (1.0,),
        target_transform: TargetTransform | None = None,
    ) -> None:
        super().__init__()
        self.model, self.loss = model, loss
        self.optimizer, self.scheduler = optimizer, scheduler
        self.metric_name, self.task, self.problem = metric_name, task, problem_of(task)
        self.target_transform = target_transform
        self._validated = -1  # the step of the last validation
        self.register_buffer("target_centre", torch.as_tensor(target_centre).clone())
        self.register_buffer("target_width", torch.as_tensor(target_width).clone())
        self.meters = nn.ModuleDict(
            {
                f"on_{stage}": Meter(
                    metric.clone(),
                    self.predictions,
                    {} if stage == "train" else {k: m.clone() for k, m in (metrics or {}).items()},
                )
                for stage in STAGES
            }
        )

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute, with a shortcut for the hook's name, which is set 20 times a step."""
        if name == "_current_fx_name":  # a string cannot be a parameter
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def train(self, mode: bool = True) -> Self:
        """Switch to training mode, except frozen norm layers."""
        super().train(mode)
        set_frozen_norms_to_eval(self.model)
        return self

    def forward(self, x: Tensor | Mapping[str, Any]) -> Tensor:
        """Return raw outputs, (B, K); named inputs are passed to the model as keywords."""
        outputs = self.model(**x) if isinstance(x, Mapping) else self.model(x)
        return cast(Tensor, outputs)

    def predictions(self, outputs: Tensor) -> Tensor:
        """Return probabilities, or values in the target's own units; see `Problem.predictions`."""
        if self.problem.standardised:
            values = outputs * self.target_width + self.target_centre
            outputs = undone(values, self.target_transform)
        return self.problem.predictions(outputs)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the batch's mean loss."""
        return self._step(batch, "train")[0]

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Record the batch; return raw outputs (B, K) for callbacks."""
        return self._step(batch, "val")[1]

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Record the batch; return raw outputs (B, K) for callbacks."""
        return self._step(batch, "test")[1]

    def predict_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return predictions for the batch."""
        return self.predictions(self(split_batch(batch)[0]))

    def _step(self, batch: tuple[Tensor, Tensor | Mixed], stage: str) -> tuple[Tensor, Tensor]:
        x, y = split_batch(batch)
        if stage == "train" and isinstance(self.model, PackedEnsemble):
            return self._packed_step(self.model, x, y)
        outputs = self.forward(x)  # self(x) would cost some microseconds a step
        loss = self.batch_loss(outputs, y)
        self.record_batch(stage, outputs, y, loss)
        return loss, outputs

    def _packed_step(
        self, model: PackedEnsemble, x: Any, y: Tensor | Mixed
    ) -> tuple[Tensor, Tensor]:
        """Return the mean of the members' losses, and the outputs of their average."""
        each = model.members(**x) if isinstance(x, Mapping) else model.members(x)
        loss = self.batch_loss(each.flatten(0, 1), _repeated(y, each.shape[1]))
        outputs = model.average(each)
        self.record_batch("train", outputs, y, loss)
        return loss, outputs

    def batch_loss(self, outputs: Tensor, y: Tensor | Mixed) -> Tensor:
        """Return the mean loss of outputs (B, K) for targets as the data has them."""
        if not isinstance(y, Mixed):
            return self._loss(outputs, y)
        first, second = self._loss(outputs, y.first), self._loss(outputs, y.second)
        return y.share * first + (1 - y.share) * second

    def record_batch(self, stage: str, outputs: Tensor, y: Tensor | Mixed, loss: Tensor) -> None:
        """Add a batch to the values that `numbers` returns at the end of the epoch."""
        if isinstance(y, Mixed):
            y = y.first if y.share >= 0.5 else y.second
        self._meter(stage).add(outputs, self.problem.metric_target(y), loss)

    def _loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        return cast(Tensor, self.loss(outputs, self._loss_target(outputs, y)))

    def _loss_target(self, outputs: Tensor, y: Tensor) -> Tensor:
        if self.problem.standardised:
            values = transformed(y, self.target_transform)
            return ((values - self.target_centre) / self.target_width).float()
        return self.problem.loss_target(outputs, y)

    def _meter(self, stage: str) -> Meter:
        return cast(Meter, self.meters[f"on_{stage}"])

    def on_train_epoch_start(self) -> None:
        """Forget the last epoch's validation."""
        self._forget_validation()

    def on_validation_epoch_start(self) -> None:
        """Detect a diverged epoch before validation, so that no checkpoint of it is written."""
        self._meter("train").flush()

    def on_train_epoch_end(self) -> None:
        """Log the training loss and metric, and step a plateau schedule.

        Checkpoints are saved next, and Lightning would only then step it: a resumed run would lack
        the step. A validation counts only where it measured the weights that would be saved.
        """
        self._log("train")
        if self._validated != self.trainer.global_step:
            self._forget_validation()
        for config in self.trainer.lr_scheduler_configs:
            value = self.trainer.callback_metrics.get(config.monitor or "")
            if isinstance(config.scheduler, ReduceLROnPlateau) and value is not None:
                config.scheduler.step(value)

    def lr_scheduler_step(self, scheduler: LRSchedulerTypeUnion, metric: Any | None) -> None:
        """Step a schedule, unless it has already been stepped with the epoch's metric."""
        if metric is None:
            super().lr_scheduler_step(scheduler, metric)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse to save weights that are not finite.

        Raises:
            DivergedError: training diverged in the very last step.

        """
        if not all(torch.isfinite(p).all() for p in self.model.parameters()):
            raise DivergedError

    def on_validation_epoch_end(self) -> None:
        """Log the validation loss and metric."""
        self._log("val")
        self._validated = self.trainer.global_step

    def _forget_validation(self) -> None:
        """Drop the values of earlier weights, which Lightning would show for the current ones."""
        shown = self.trainer.callback_metrics
        for name in [name for name in shown if name.startswith("val/")]:
            del shown[name]

    def on_test_epoch_end(self) -> None:
        """Log the test loss and metric."""
        self._log("test")

    def numbers(self, stage: str) -> dict[str, float]:
        """Return the loss and metric of all batches of a stage since the last call, by name.

        Raises:
            DivergedError: a loss is NaN or infinite.

        """
        loss, value = self._meter(stage).compute()
        return {f"{stage}/loss": loss, f"{stage}/{self.metric_name}": value}

    def further(self, stage: str) -> dict[str, float]:
        """Return the further metrics of the batches of the last `numbers`, by name."""
        found = self._meter(stage).compute_further()
        return {f"{stage}/{name}": each for name, each in found.items()}

    def partial_epoch_state(self) -> dict[str, Any]:
        """Return what the training metrics of the current epoch consist of so far."""
        return self._meter("train").so_far()

    def continue_epoch(self, so_far: Mapping[str, Any]) -> None:
        """Continue the training metrics of an epoch that a checkpoint was saved in.

        Raises:
            KeyError, TypeError, ValueError, RuntimeError: they are of another module.

        """
        self._meter("train").restore(so_far)

    def _log(self, stage: str) -> None:
        self.log_dict(self.numbers(stage), prog_bar=True)
        self.log_dict(self.further(stage))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return the optimizer and its schedule in Lightning's form."""
        optimizer = self.optimizer(self.model)
        return {"optimizer": optimizer, "lr_scheduler": self.scheduler(optimizer)}

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: Optimizer) -> None:
        """Clear the gradients like `optimizer.zero_grad()`, whose profiling costs 40 us a step."""
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = None


def _repeated(y: Tensor | Mixed, count: int) -> Tensor | Mixed:
    """Return each target `count` times in a row."""
    if isinstance(y, Mixed):
        first, second = (each.repeat_interleave(count, 0) for each in (y.first, y.second))
        return Mixed(first, second, y.share)
    return y.repeat_interleave(count, 0)


def network_of(module: L.LightningModule) -> nn.Module:
    """Return what is trained: the model of a supervised module, or any other module itself."""
    return module.model if isinstance(module, SupervisedModule) else module


TARGETS = ("y", "target", "targets", "label", "labels")
"""Names of the targets in a batch that is a mapping."""


def split_batch(batch: Any) -> tuple[Any, Tensor | Mixed]:
    """Return the inputs of a batch and its targets.

    A batch is a pair of both, or a mapping in which the targets have one of the names `TARGETS` and
    everything else is an input.

    Raises:
        UserError: it is neither.

    """
    if isinstance(batch, Mapping):
        names = [name for name in TARGETS if name in batch]
        if len(names) == 1:
            return {k: v for k, v in batch.items() if k != names[0]}, batch[names[0]]
        found = f"a mapping of {', '.join(map(str, batch))}"
    elif isinstance(batch, tuple | list) and len(batch) == 2:
        return batch[0], batch[1]
    else:
        found = f"a {type(batch).__name__}"
    raise UserError(
        f"cannot tell inputs from targets in {found}",
        code=Code.INCOMPATIBLE,
        key="module",
        value="supervised",
        allowed=["a pair (inputs, targets)", f"a mapping with one of {', '.join(TARGETS)}"],
        hint="Or write a LightningModule of your own (docs/your-module.md).",
    )


STAGES: tuple[str, ...] = ("train", "val", "test")


def weights_of(checkpoint: dict[str, Any]) -> dict[str, Tensor]:
    """Return the model's tensors in a Lightning checkpoint, by the model's own names."""
    state = checkpoint["state_dict"]
    return {k.removeprefix("model."): v for k, v in state.items() if k.startswith("model.")}
