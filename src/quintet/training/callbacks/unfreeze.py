"""Gradual unfreezing: layers are frozen at first and trained from a given epoch on."""

from collections.abc import Mapping

import lightning.pytorch as L

from quintet.base.errors import Code, UserError
from quintet.modules.supervised import network_of
from quintet.options.models.pretrained import matching
from quintet.options.torch_internals import BatchOrInstanceNorm

KEY = "callbacks.unfreeze.frozen_epochs"


class Unfreeze(L.Callback):
    """Freeze parameters for the first epochs, then train them with the others.

    Gradual unfreezing: Howard and Ruder, 2018, "Universal language model fine-tuning for text
    classification", section 3.3. All parameters are in the optimizers from the start; optimizers
    skip those without a gradient, including decay and state. So schedules, `layer_decay` and
    steered values apply to a layer as soon as it is unfrozen, and a resumed run only needs the
    epoch. (Lightning's BaseFinetuning adds parameter groups instead, which neither DDP nor
    schedules with a list of rates per group support.)

    Args:
        frozen_epochs: number of frozen epochs by pattern (see `model.freeze`); if several patterns
            match a parameter, the last one applies. Names are those of the model, or of a
            user-defined LightningModule.

    """

    def __init__(self, frozen_epochs: Mapping[str, int]) -> None:
        if not frozen_epochs:
            raise UserError(
                "names no layers",
                code=Code.MISSING_VALUE,
                key=KEY,
                hint=f"Give names and numbers of epochs, such as {KEY}={{hidden:5}}",
            )
        for pattern, epochs in frozen_epochs.items():
            if type(epochs) is not int or epochs < 1:
                raise UserError(
                    "is not a number of epochs",
                    code=Code.OUT_OF_RANGE,
                    key=f"{KEY}.{pattern}",
                    value=epochs,
                    hint="Give an integer of at least 1",
                )
        self.frozen_epochs = dict(frozen_epochs)

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Make all parameters part of the optimizers, even those frozen by the model's constructor.

        Raises:
            UserError: a pattern matches no parameter.

        """
        names = dict(network_of(pl_module).named_parameters())
        self._until = {
            name: epochs
            for pattern, epochs in self.frozen_epochs.items()
            for name in matching(names, [pattern], KEY)
        }
        for name in self._until:
            names[name].requires_grad_(True)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Freeze the layers of the current phase, also in a resumed run.

        Raises:
            UserError: a parameter is in no optimizer, or an optimizer has nothing to train.

        """
        self._check_optimized(trainer, pl_module)
        self._apply(trainer, pl_module)
        for optimizer in trainer.optimizers:
            if not any(
                p.requires_grad for group in optimizer.param_groups for p in group["params"]
            ):
                raise UserError(
                    f"leaves {type(optimizer).__name__} nothing to train in epoch "
                    f"{trainer.current_epoch + 1}",
                    code=Code.INCOMPATIBLE,
                    key=KEY,
                    value=self.frozen_epochs,
                    hint="Leave a layer out of it, such as the last",
                )

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Unfreeze layers if this is the first epoch of a phase."""
        self._apply(trainer, pl_module)

    def _check_optimized(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        held = {id(p) for o in trainer.optimizers for g in o.param_groups for p in g["params"]}
        network = network_of(pl_module)
        lost = [n for n, p in network.named_parameters() if n in self._until and id(p) not in held]
        if lost:
            raise UserError(
                f"names {lost[0]}, which no optimizer of {type(pl_module).__name__} has, so it "
                "would never be trained",
                code=Code.INCOMPATIBLE,
                key=KEY,
                value=self.frozen_epochs,
                hint="Give it to an optimizer in configure_optimizers; it is frozen for you",
            )

    def _apply(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        network, epoch = network_of(pl_module), trainer.current_epoch
        for name, parameter in network.named_parameters():
            if name in self._until:
                parameter.requires_grad_(epoch >= self._until[name])
        for path, module in network.named_modules():
            own = [(f"{path}.{name}", p) for name, p in module.named_parameters(recurse=False)]
            if isinstance(module, BatchOrInstanceNorm) and any(n in self._until for n, _ in own):
                module.frozen = not any(p.requires_grad for _, p in own)  # type: ignore[assignment]
                module.train(not module.frozen)  # running statistics are frozen too
