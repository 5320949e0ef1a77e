"""Lion: steps of constant size, in the direction of the sign of a momentum."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from quintet.base.errors import Code, UserError


class NewOption(Optimizer):
    """Step by lr * sign(c), c between gradient and momentum, with decoupled weight decay.

    Chen et al. (2023), "Symbolic Discovery of Optimization Algorithms". It keeps one state per
    parameter where Adam keeps two, and needs a third to a tenth of Adam's learning rate.

    Args:
        params: parameters, or groups of them.
        lr: size of a step.
        betas: share of the momentum in c, and in the next momentum.
        weight_decay: decoupled, as AdamW's: weights shrink by lr * weight_decay a step.

    Raises:
        UserError: a beta outside of [0, 1).

    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 3e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        if not all(0 <= beta < 1 for beta in betas):
            raise UserError(
                "is out of range",
                code=Code.OUT_OF_RANGE,
                key="optimizer.betas",
                value=betas,
                hint="Give values of at least 0 and less than 1.",
            )
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step; `closure` reevaluates the loss and its gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, group)
        return loss

    def _move(self, parameter: Tensor, group: dict[str, Any]) -> None:
        now, later = group["betas"]
        gradient = parameter.grad
        assert gradient is not None
        state = self.state[parameter]
        momentum = state.setdefault("momentum", torch.zeros_like(parameter))
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.sub_(group["lr"] * torch.lerp(gradient, momentum, now).sign())
        momentum.lerp_(gradient, 1 - later)
