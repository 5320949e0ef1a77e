"""Activations and gradients of every layer before training.

Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural
networks": both must keep their scale from layer to layer.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from quintet.diagnostics.finding import Finding, Verdict, make_finding
from quintet.diagnostics.subject import Subject
from quintet.modules.supervised import SupervisedModule

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid)
WEIGHTED = (nn.Linear, nn.modules.conv._ConvNd, nn.RNNBase)
BOUNDED = {nn.Tanh: 0.97, nn.Sigmoid: 0.985}
"""Outputs at which a bounded activation is saturated: its slope is below 6% of the maximum."""


@dataclass
class Layer:
    """Statistics of a layer's outputs for a batch, and of the gradient at these outputs.

    Args:
        name: name in the model.
        kind: class of the layer.
        mean: mean of the outputs.
        std: standard deviation of the outputs.
        dead: share of units that are zero for every sample; only for activations.
        saturated: share of outputs near a bound; only for tanh and sigmoid.
        gradient: root mean square of the gradient of the loss at the outputs.
        frozen: whether the preceding weights are frozen.

    """

    name: str
    kind: str
    mean: float
    std: float
    dead: float = 0.0
    saturated: float = 0.0
    gradient: float = 0.0
    frozen: bool = False


def statistics(subject: Subject, count: int = 256) -> list[Layer]:
    """Run a forward and backward pass of a new model; return its layers in execution order."""
    task = subject.unregularised_task().train()
    layers: list[Layer] = []
    hooks = [
        module.register_forward_hook(partial(_note, layers=layers, name=name))
        for name, module in task.model.named_modules()
        if isinstance(module, (*ACTIVATIONS, *WEIGHTED))
    ]
    x, y = subject.batch(count)
    task.training_step((x, y), 0).backward()  # type: ignore[no-untyped-call]
    for hook in hooks:
        hook.remove()
    return layers


def _note(module: nn.Module, _: Any, output: Any, *, layers: list[Layer], name: str) -> None:
    tensor = output[0] if isinstance(output, tuple) else output
    if not isinstance(tensor, Tensor):
        return
    values = tensor.detach().float()
    layer = Layer(name, type(module).__name__, float(values.mean()), float(values.std()))
    own = [p.requires_grad for p in module.parameters()]
    layer.frozen = not any(own) if own else bool(layers) and layers[-1].frozen
    if isinstance(module, ACTIVATIONS) and values.dim() > 1:
        layer.dead = _dead(values)
    if bound := BOUNDED.get(type(module)):
        distance = values.abs() if isinstance(module, nn.Tanh) else (2 * values - 1).abs()
        layer.saturated = float((distance > bound).float().mean())
    layers.append(layer)
    if tensor.requires_grad:
        tensor.register_hook(_remember(layer))  # type: ignore[no-untyped-call]


def _dead(values: Tensor) -> float:
    axis = 1 if values.dim() == 4 else values.dim() - 1
    units = values.movedim(axis, 0).flatten(1)
    return float((units == 0).all(dim=1).float().mean())


def _remember(layer: Layer) -> Callable[[Tensor], None]:
    def hook(gradient: Tensor) -> None:
        layer.gradient = float(gradient.float().square().mean().sqrt())

    return hook


def activations(layers: list[Layer]) -> Finding | None:
    """Check the outputs of activations: dead, saturated, vanishing or exploding.

    Activations after frozen weights are skipped, since no init changes them.
    """
    kinds = {kind.__name__ for kind in ACTIVATIONS}
    found = [layer for layer in layers if layer.kind in kinds and not layer.frozen]
    if not found:
        return None
    stds = [layer.std for layer in found]
    dead = max(found, key=lambda layer: layer.dead)
    full = max(found, key=lambda layer: layer.saturated)
    verdict: Verdict = "pass"
    cure = "init=he_normal for ReLU and its relatives, init=xavier_normal for tanh and sigmoid."
    if not all(map(math.isfinite, stds)) or min(stds) < 1e-6:
        verdict = "fail"
    elif min(stds) < 0.01 or max(stds) > 30 or dead.dead > 0.5 or full.saturated > 0.5:
        verdict = "warn"
    seen = f"std {stds[0]:.3g} after the first activation, {stds[-1]:.3g} after the last"
    if dead.dead > 0.1:
        seen += f"; {dead.dead:.0%} of the units of {dead.name} are always zero"
    if full.saturated > 0.1:
        seen += f"; {full.saturated:.0%} of the outputs of {full.name} are saturated"
    return make_finding("activations", verdict, seen, cure)


def gradients(subject: Subject) -> Finding:
    """Check that every parameter gets a gradient, of similar size in all layers."""
    task = subject.unregularised_task().train()
    task.training_step(subject.batch(256), 0).backward()  # type: ignore[no-untyped-call]
    sizes = _by_weight(task)
    without = [name for name, size in sizes.items() if size is None]
    if without:
        return Finding(
            "gradient flow",
            "fail" if len(without) == len(sizes) else "warn",
            f"no gradient reaches {', '.join(without[:3])}{' ...' if without[3:] else ''}",
            "The loss does not depend on them: check forward() for a layer that is not used, "
            "detach(), .data, no_grad or an argmax.",
        )
    values = {name: size for name, size in sizes.items() if size is not None}
    low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    spread = values[high] / values[low] if values[low] else math.inf
    verdict: Verdict = "pass" if spread < 1e3 else "warn" if spread < 1e6 else "fail"
    if not all(map(math.isfinite, values.values())):
        verdict = "fail"
    return make_finding(
        "gradient flow",
        verdict,
        f"root mean square from {values[low]:.1e} ({low}) to {values[high]:.1e} ({high})",
        "Gradients vanish or explode: init=he_normal (ReLU) or xavier_normal (tanh), "
        "model.batch_norm=true, fewer layers, or trainer.gradient_clip_val=1.0.",
    )


def _by_weight(task: SupervisedModule) -> dict[str, float | None]:
    """Return the root mean square of each trainable weight's gradient; None if it has none."""
    return {
        name: None if p.grad is None else float(p.grad.float().square().mean().sqrt())
        for name, p in task.model.named_parameters()
        if p.requires_grad and (p.dim() > 1 or p.grad is None)
    }


def signal(subject: Subject) -> Finding | None:
    """Check the activations of a new model; see `activations`."""
    with torch.enable_grad():
        return activations(statistics(subject))
