"""Gradient-boosted trees as a LightningModule: each epoch adds some trees."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, ClassVar, cast

import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import Metric

from quintet.base.console import say
from quintet.base.errors import Code, UserError
from quintet.data.scaling.target_transform import TargetTransform
from quintet.modules.module_settings import between, integer, positive
from quintet.modules.supervised import SupervisedModule
from quintet.modules.tree_ensemble import TreeEnsemble, TreeFeatures
from quintet.options.losses import BinaryFocal, Focal
from quintet.problems import problem_of

LOSSES: dict[type[nn.Module], str] = {
    nn.MSELoss: "squared_error",
    nn.L1Loss: "absolute_error",
    nn.CrossEntropyLoss: "log_loss",
    nn.BCEWithLogitsLoss: "log_loss",
}
"""scikit-learn's names of the losses that it supports, including subclasses."""
SUBSTITUTES: dict[type[nn.Module], str] = {
    nn.HuberLoss: "absolute_error",
    Focal: "log_loss",
    BinaryFocal: "log_loss",
}
"""Substitutes for losses that it lacks: Huber's at large errors, focal with gamma 0."""
PER_LABEL = (nn.BCEWithLogitsLoss, BinaryFocal)
"""Losses with an output for each label, not for each class."""
RARE = -20.0
"""Logit of a class or label that is absent from training."""


class BoostedTrees(SupervisedModule):
    """scikit-learn's HistGradientBoosting (after Ke et al. 2017, "LightGBM") as a module.

    Each epoch adds `trees` trees per output, so learning curves, early stopping, checkpoints and
    sweep schedulers work as with networks. Checkpoints store the trees as tensors; a resumed run
    refits them and gets the same trees. The data must fit in memory, and one process trains.

    Args:
        loss: mse, mae, bce or cross_entropy, optionally weighted by class. With huber and focal
            losses, trees minimize absolute error and log loss, but the loss itself is reported.
        metric: the primary metric, over predictions and targets.
        facts: of the data.
        metric_name: name of the primary metric in the logs.
        metrics: further metrics, by name.
        trees: number of trees added per epoch and output.
        learning_rate: shrinkage factor of each tree.
        max_leaf_nodes: maximum leaves of a tree.
        min_samples_leaf: minimum training samples of a leaf.
        l2_regularization: penalty on the leaves' values.
        max_features: fraction of the columns considered at each split.
        seed: of the choice of columns.
        target_centre: mean by which regression targets are standardised.
        target_width: standard deviation by which regression targets are standardised.
        target_transform: transform of regression targets before standardisation.

    Raises:
        UserError: a setting is out of range, or the loss or the data are not supported.

    """

    by_gradients: ClassVar[bool] = False

    def __init__(
        self,
        loss: nn.Module,
        metric: Metric,
        facts: Mapping[str, Any],
        *,
        metric_name: str,
        metrics: Mapping[str, Metric] | None = None,
        trees: int = 10,
        learning_rate: float = 0.1,
        max_leaf_nodes: int = 31,
        min_samples_leaf: int = 20,
        l2_regularization: float = 0.0,
        max_features: float = 1.0,
        seed: int = 0,
        target_centre: Sequence[float] | Tensor = (0.0,),
        target_width: Sequence[float] | Tensor = (1.0,),
        target_transform: TargetTransform | None = None,
    ) -> None:
        problem, shape = problem_of(facts["task"]), facts["input_shape"]
        if facts["kind"] == "tokens" or problem.dense:
            raise UserError(
                "splits on columns, and these data have none",
                code=Code.INCOMPATIBLE,
                key="module",
                value="boosted_trees",
                hint="Use module=supervised",
            )
        settings = {
            "loss": _sklearn_loss(loss),
            "learning_rate": positive("learning_rate", learning_rate),
            "max_leaf_nodes": integer("max_leaf_nodes", max_leaf_nodes, 2),
            "min_samples_leaf": integer("min_samples_leaf", min_samples_leaf),
            "l2_regularization": between("l2_regularization", l2_regularization, 0, float("inf")),
            "max_features": between("max_features", max_features, 1e-9, 1),
            "random_state": seed,
        }
        each, categories = integer("trees", trees), facts.get("cardinalities") or []
        one_per_class = problem.exclusive and not isinstance(loss, PER_LABEL)
        outputs = facts["num_classes"] if one_per_class else facts["num_targets"]
        super().__init__(
            model=TreeEnsemble(TreeFeatures(prod(shape) - len(categories), categories), outputs),
            loss=loss,
            metric=metric,
            optimizer=_unused,
            scheduler=_unused,
            metric_name=metric_name,
            task=facts["task"],
            metrics=metrics,
            target_centre=target_centre,
            target_width=target_width,
            target_transform=target_transform,
        )
        self.automatic_optimization = False
        self.outputs, self.trees, self.seed, self.settings = outputs, each, seed, settings
        self._models: list[tuple[Any, list[int], np.ndarray, np.ndarray | None]] = []
        """Models, each with the outputs that it adds to, its targets and its sample weights."""
        self._growing = False

    @property
    def ensemble(self) -> TreeEnsemble:
        """The trees so far."""
        return cast(TreeEnsemble, self.model)

    def on_fit_start(self) -> None:
        """Check how the data are loaded, and prepare the models.

        Raises:
            UserError: several processes train, or the data stay on disk, or a choice of the data
                has no effect.

        """
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        if self.trainer.world_size > 1:
            raise UserError(
                "is trained by a single process",
                code=Code.INCOMPATIBLE,
                key="trainer.devices",
                value=self.trainer.world_size,
                hint="Use trainer.devices=1",
            )
        if getattr(data, "splits", None) is None or data.rows is not None:
            raise UserError(
                "needs the training data in memory",
                code=Code.INCOMPATIBLE,
                key="module",
                value="boosted_trees",
                hint="Use module=supervised for data that stays on disk",
            )
        for name, value in (("augment", data.augment), ("sampler", data.balance)):
            if value:
                raise UserError(
                    "has no effect on trees, which see all training samples at once",
                    code=Code.INCOMPATIBLE,
                    key=f"data.{name}",
                    hint="Leave it out; loss=weighted_cross_entropy or weighted_bce weigh classes",
                )
        if isinstance(self.loss, tuple(SUBSTITUTES)):
            grown, asked = self.settings["loss"], _name(self.loss)
            say("[yellow]note[/]  trees are grown by {}: scikit-learn has no {}", grown, asked)
        self._prepare(*data.splits["train"])

    def _prepare(self, x: Tensor, y: Tensor) -> None:
        """Create one model per target, or a single one for mutually exclusive classes."""
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        discrete, x, y = self.problem.discrete, x.to(self.device), y.to(self.device)
        kind = HistGradientBoostingClassifier if discrete else HistGradientBoostingRegressor
        features = self.ensemble.features
        settings = {**self.settings, "early_stopping": False, "warm_start": True}
        settings["categorical_features"] = [*range(len(features.few))]
        self._prior = torch.full((self.outputs,), RARE if discrete else 0.0, dtype=torch.float64)
        for outputs, target in self._targets(y):
            if discrete and len(classes := np.unique(target)) < 2:
                self._prior[outputs] = RARE if classes[0] == 0 and len(outputs) == 1 else -RARE
                continue
            if len(outputs) > 1:  # mutually exclusive classes; of two, one has the logit
                present = [int(c) for c in classes]
                self._prior[present] = 0.0
                outputs = present[1:] if len(present) == 2 else present
            self._models.append((kind(**settings), outputs, target, self._weights(target, outputs)))
        first = self._models[0][2] if self._models else np.zeros(len(y))
        self._columns = features.fit(x, first, self.seed)

    def _targets(self, y: Tensor) -> Iterator[tuple[list[int], np.ndarray]]:
        """Yield the outputs and targets (N,) of each model."""
        if self.problem.exclusive and self.outputs > 1:
            yield [*range(self.outputs)], y.cpu().numpy()
            return
        blank = self.problem.blank(y, self.outputs)
        columns = self._loss_target(blank, y).reshape(len(y), -1).double().cpu().numpy()
        yield from (([i], column) for i, column in enumerate(columns.T))

    def _weights(self, target: np.ndarray, outputs: list[int]) -> np.ndarray | None:
        """Return the loss's weights of the samples."""
        weight = getattr(self.loss, "weight", None)
        if isinstance(self.loss, nn.CrossEntropyLoss) and weight is not None:
            return np.asarray(weight.cpu().numpy()[target.astype(int)], np.float64)
        positive = getattr(self.loss, "pos_weight", None)
        if positive is not None:
            each = float(positive.reshape(-1)[min(outputs[0], positive.numel() - 1)])
            return np.where(target > 0, each, 1.0)
        return None

    def on_train_epoch_start(self) -> None:
        """Add trees; a resumed run refits those of earlier epochs as well."""
        super().on_train_epoch_start()
        count, prior = (self.trainer.current_epoch + 1) * self.trees, self._prior.clone()
        fitted = []
        for model, outputs, target, weights in self._models:
            model.set_params(max_iter=count).fit(self._columns, target, sample_weight=weights)
            fitted.append((model, outputs))
        self.ensemble.load_trees(prior, fitted)
        self._growing = True

    def on_train_end(self) -> None:
        """Use the tensors from here on; a checkpoint may have fewer trees than were fitted."""
        self._growing = False

    def forward(self, x: Tensor | Mapping[str, Any]) -> Tensor:
        """Return raw outputs (B, K); during training by scikit-learn, which is faster."""
        if not self._growing or isinstance(x, Mapping):
            return super().forward(x)
        columns = self.ensemble.features(x).cpu().numpy()
        found = self._prior.to(x.device).repeat(len(x), 1)
        for model, outputs, *_ in self._models:
            of = model.decision_function if self.problem.discrete else model.predict
            found[:, outputs] = torch.from_numpy(of(columns)).to(found).reshape(len(x), -1)
        return found.float()

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:  # type: ignore[override]
        """Record the batch; this epoch's trees are fitted already."""
        with torch.no_grad():
            self._step(batch, "train")
        self.optimizers().step()  # type: ignore[union-attr]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Resize the buffers for a checkpoint's trees.

        Raises:
            ValueError: they are not trees.

        """
        self._growing = False
        prefix = "model."
        weights: dict[str, Tensor] = checkpoint["state_dict"]
        own = {n.removeprefix(prefix): v for n, v in weights.items() if n.startswith(prefix)}
        self.ensemble.resize(own)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return an optimizer without effect.

        Lightning counts its steps, and saves at most one checkpoint per step.
        """
        return torch.optim.SGD([torch.zeros((), requires_grad=True)], lr=0.0)


def _sklearn_loss(loss: nn.Module) -> str:
    for kind, name in (LOSSES | SUBSTITUTES).items():
        if isinstance(loss, kind) and not getattr(loss, "label_smoothing", 0.0):
            return name
    raise UserError(
        "is not a loss that boosted trees support",
        code=Code.INCOMPATIBLE,
        key="loss",
        value=_name(loss),
        allowed=["mse", "mae", "huber", "bce", "cross_entropy", "their weighted and focal forms"],
    )


def _name(loss: nn.Module) -> str:
    return type(loss).__name__


def _unused(*_: object) -> Any:
    raise NotImplementedError("boosted trees have no optimizer")
