"""Muon for the hidden matrices of a model, AdamW for everything else."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim import Muon as TorchMuon

from quintet.options.optimizers import UNDECAYED

HIDDEN = "hidden_matrices"
"""Key of a parameter group: whether Muon optimizes it."""


class Muon(Optimizer):
    """Orthogonalized momentum for hidden matrices, AdamW for the rest, by torch; one learning rate.

    Muon replaces the momentum of a matrix by the nearest matrix whose singular values are all about
    1 (Newton-Schulz, in bfloat16), and subtracts it (Jordan et al., 2024, "Muon: an optimizer for
    hidden layers in neural networks"). Embeddings, the last layer, convolutions and all
    other non-matrices are optimized by AdamW. With `adjust_lr_fn="match_rms_adamw"` an update is as
    large as one of AdamW, so both take the same rate and weight decay (Liu et al., 2025, "Muon is
    scalable for LLM training").

    Args:
        params: parameters or groups; in groups without `hidden_matrices`, Muon gets every matrix.
        lr: learning rate of both.
        weight_decay: decoupled weight decay of both.
        momentum: of Muon.
        nesterov: of Muon.
        ns_steps: Newton-Schulz iterations.
        adjust_lr_fn: how Muon's rate depends on a matrix's shape: `original` is lr times
            sqrt(max(1, rows / columns)), `match_rms_adamw` lr times 0.2 sqrt(max(rows, columns)).
        betas: of AdamW; a schedule that cycles the momentum cycles the first one only.
        eps: of AdamW.

    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.01,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_steps: int = 5,
        adjust_lr_fn: Literal["original", "match_rms_adamw"] = "match_rms_adamw",
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        groups = split(params)
        first, second = betas
        self._parts: list[Optimizer] = []
        if hidden := [group for group in groups if group[HIDDEN]]:
            muon = TorchMuon(
                hidden,
                lr=lr,
                weight_decay=weight_decay,
                momentum=momentum,
                nesterov=nesterov,
                ns_steps=ns_steps,
                adjust_lr_fn=adjust_lr_fn,
            )
            self._parts.append(muon)
        if rest := [group for group in groups if not group[HIDDEN]]:
            self._parts.append(AdamW(rest, lr, (first, second), eps, weight_decay))
        made = [group for part in self._parts for group in part.param_groups]
        defaults = {"lr": lr, "weight_decay": weight_decay, "betas": (first, second)}
        super().__init__(made, defaults)
        self._share()

    def _share(self) -> None:
        """Make the parts share this optimizer's groups and state."""
        for part in self._parts:
            hidden = isinstance(part, TorchMuon)
            part.param_groups = [g for g in self.param_groups if g[HIDDEN] == hidden]
            part.state = self.state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Load a state, which has its own groups and tensors."""
        super().__setstate__(state)
        self._share()

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Perform a step of both."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self._parts:
            part.step()
        return loss


def split(params: Iterable[Any]) -> list[dict[str, Any]]:
    """Split parameters or groups into those of matrices and others, unless they are marked already.

    Returns:
        groups with the key `hidden_matrices`, Muon's first

    """
    given = [each if isinstance(each, dict) else {"params": [each]} for each in params]
    if given and all(len(g) == 1 and len(g["params"]) == 1 for g in given):
        given = [{"params": [p for group in given for p in group["params"]]}]
    found = []
    for hidden in (True, False):
        for group in given:
            own = [p for p in group["params"] if group.get(HIDDEN, p.ndim == 2) == hidden]
            if own:
                found.append({**group, "params": own, HIDDEN: hidden})
    return found


def by_kind(groups: Iterable[dict[str, Any]], model: nn.Module) -> list[dict[str, Any]]:
    """Split groups of a model's parameters into its hidden matrices and everything else.

    Hidden matrices are those outside of embeddings, norms and the last linear layer: the rows or
    columns of these belong to words or classes, not to hidden units.
    """
    spared = {
        id(p)
        for module in model.modules()
        if isinstance(module, UNDECAYED)
        for p in module.parameters(recurse=False)
    }
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    spared |= {id(module.weight) for module in linear[-1:]}
    found = []
    for group in groups:
        for hidden in (True, False):
            own = [p for p in group["params"] if (p.ndim == 2 and id(p) not in spared) == hidden]
            if own:
                found.append({**group, "params": own, HIDDEN: hidden})
    return found
