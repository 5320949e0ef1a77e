"""The coordinate check of muP: how much layers' outputs change in a few steps, by width.

Yang et al., 2022, "Tensor Programs V", appendix D.1: the change is of the same size at every width.
With one rate for all layers it grows with the width, so the best rate falls.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from statistics import fmean, linear_regression
from typing import Any

import torch
from torch import Tensor, nn

from quintet.diagnostics.finding import Finding, make_finding
from quintet.diagnostics.layer_statistics import WEIGHTED
from quintet.diagnostics.subject import Batch, Resized, Subject, optimizer_of, unregularised
from quintet.modules.supervised import SupervisedModule

STEPS, BATCH, SEEDS = 4, 256, (0, 1, 2)
LEAST = 1e-30
"""Stands in for no change at all, which has no logarithm."""
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Widths that are compared, in multiples of the base width."""
FLAT = 0.25
"""Largest exponent of the width that passes: twice the change at 16 times the width."""
PLAIN, SCALED = "one rate", "muP"


@dataclass(frozen=True)
class Coordinate:
    """How much the outputs of a layer have changed since before training.

    Args:
        scaling: whether rates and outputs depended on the width.
        width: of the model.
        layer: name in the model.
        step: number of steps.
        change: root mean square over samples and units, the geometric mean of several seeds.

    """

    scaling: str
    width: int
    layer: str
    step: int
    change: float


def coordinates(subject: Subject, resized: Resized) -> Iterator[Coordinate]:
    """Train models of several widths for some steps, and yield the changes of their layers."""
    batch = subject.batch(BATCH)
    widths = [max(1, round(resized.usual * factor)) for factor in FACTORS]
    for scaling, width in product((SCALED, PLAIN), widths):
        base = resized.usual if scaling == SCALED else width
        tasks = (resized.make(width, base, seed).to(subject.device) for seed in SEEDS)
        runs = [dict(_changes(task, batch)) for task in tasks]
        for layer, step in runs[0]:
            logs = [math.log(max(run[layer, step], LEAST)) for run in runs]
            yield Coordinate(scaling, width, layer, step, math.exp(fmean(logs)))


def _changes(task: SupervisedModule, batch: Batch) -> Iterator[tuple[tuple[str, int], float]]:
    """Yield layer and step, with the root mean square of the change of the layer's outputs."""
    unregularised(task)
    optimizer = optimizer_of(task)
    begun = outputs(task, batch[0])
    for step in range(1, STEPS + 1):
        task.train()
        optimizer.zero_grad()
        task.training_step(batch, 0).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        for name, now in outputs(task, batch[0]).items():
            yield (name, step), float((now - begun[name]).square().mean().sqrt())


@torch.no_grad()
def outputs(task: SupervisedModule, x: Tensor) -> dict[str, Tensor]:
    """Return the outputs of each layer with weights, by its name, with statistics of the batch."""
    found: dict[str, Tensor] = {}
    hooks = [
        module.register_forward_hook(partial(_keep, found=found, name=name))
        for name, module in task.model.named_modules()
        if isinstance(module, WEIGHTED)
    ]
    task.train()
    task(x)
    for hook in hooks:
        hook.remove()
    return found


def _keep(module: nn.Module, _: Any, output: Any, *, found: dict[str, Tensor], name: str) -> None:
    found[name] = (output[0] if isinstance(output, tuple) else output).detach().clone()


def at_end(found: Sequence[Coordinate]) -> list[Coordinate]:
    """Return the changes after the last step."""
    return [each for each in found if each.step == STEPS]


def exponents(found: Sequence[Coordinate], scaling: str) -> dict[str, float]:
    """Return for each layer the power of the width by which the last step's change grows."""
    by_layer: dict[str, list[Coordinate]] = {}
    for each in at_end(found):
        if each.scaling == scaling:
            by_layer.setdefault(each.layer, []).append(each)
    return {
        layer: linear_regression(
            [math.log(each.width) for each in points], [math.log(each.change) for each in points]
        ).slope
        for layer, points in by_layer.items()
    }


def judged(found: Sequence[Coordinate]) -> Finding:
    """Check that no layer's change depends on the width."""
    scaled, plain = exponents(found, SCALED), exponents(found, PLAIN)
    layer = max(scaled, key=lambda name: abs(scaled[name]))
    without = max(plain, key=lambda name: abs(plain[name]))
    return make_finding(
        "coordinate check",
        "pass" if abs(scaled[layer]) <= FLAT else "warn",
        f"outputs change as width^{scaled[layer]:.2f} at most ({layer}); with one rate for all "
        f"layers, as width^{plain[without]:.2f} ({without})",
        "The best learning rate will depend on the width. A rate near the largest that trains "
        "hides the rule: lower optimizer.lr. A model that scales its layers itself needs no muP.",
    )
