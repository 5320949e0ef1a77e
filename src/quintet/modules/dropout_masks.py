"""Dropout of stacked models: each member draws the same masks as if it were trained alone."""

import copy
from collections.abc import Iterator, Sequence
from typing import Self

import torch
from torch import Tensor, nn

from quintet.base.errors import Code, UserError

Key = tuple[int, int, tuple[float, ...]]
"""A member's seed, number of training samples and rates: with equal ones the masks are equal."""


class DropoutMask(nn.Module):
    """Replaces `nn.Dropout`: multiplies by a mask that is drawn elsewhere."""

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.ones(()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x`, masked while training."""
        return x * self.mask if self.training else x


def masked(model: nn.Module) -> nn.Module:
    """Return a copy of a model with `DropoutMask` in place of each `nn.Dropout`."""
    found = copy.deepcopy(model)
    for name in dropouts(model):
        found.set_submodule(name, DropoutMask())
    return found


def dropouts(model: nn.Module) -> list[str]:
    """Return the names of a model's `nn.Dropout` layers."""
    return [name for name, layer in model.named_modules() if type(layer) is nn.Dropout]


class Masks:
    """Draws the masks of all members for a batch.

    The stream of a member is that of `torch.manual_seed` in the callback `Reseed`, whichever other
    members there are.

    Args:
        models: of the members, all of one structure.
        runs: of each member the seed, and the number of its training samples, on which the shapes
            of its batches depend.

    """

    def __init__(self, models: Sequence[nn.Module], runs: Sequence[tuple[int, int]]) -> None:
        self.names = dropouts(models[0])
        layers = ([model.get_submodule(name) for name in self.names] for model in models)
        rates = (tuple(float(layer.p) for layer in each) for each in layers)  # type: ignore[arg-type]
        self.keys: list[Key] = [(*run, each) for run, each in zip(runs, rates, strict=True)]
        self._streams: dict[Key, torch.Generator] = {}
        self._shapes: dict[tuple[int, ...], list[tuple[str, torch.Size]]] = {}

    def begin(self, epoch: int, device: torch.device) -> None:
        """Start an epoch."""
        self._streams = {
            key: torch.Generator(device).manual_seed(key[0] * 1_000_003 + epoch)
            for key in dict.fromkeys(self.keys)
        }

    def keep(self, places: Sequence[int]) -> Self:
        """Keep the members at these indices."""
        self.keys = [self.keys[place] for place in places]
        return self

    def draw(
        self, model: nn.Module, x: Tensor, place: slice
    ) -> tuple[dict[str, Tensor], dict[str, int | None]]:
        """Return a mask for each layer by name, and its dimension of the members, if any.

        Args:
            model: of any member.
            x: a batch of one member.
            place: of the members that have batches of this shape.

        """
        if not self.names:
            return {}, {}
        size = tuple(x.shape)
        if size not in self._shapes:
            self._shapes[size] = list(_met(model, x, self.names))
        keys, masks, dims = self.keys[place], {}, {}
        for name, shape in self._shapes[size]:
            layer = self.names.index(name)
            drawn = {
                key: _noise(self._streams[key], shape, key[-1][layer])
                for key in dict.fromkeys(keys)
            }
            alike = len(drawn) == 1
            masks[f"{name}.mask"] = (
                next(iter(drawn.values())) if alike else torch.stack([drawn[key] for key in keys])
            )
            dims[f"{name}.mask"] = None if alike else 0
        return masks, dims


def _noise(stream: torch.Generator, shape: torch.Size, rate: float) -> Tensor:
    """Return the mask of torch's dropout, drawn as torch draws it on a CPU."""
    return (
        torch.empty(shape, device=stream.device)
        .bernoulli_(1 - rate, generator=stream)
        .div_(1 - rate)
    )


@torch.no_grad()
def _met(model: nn.Module, x: Tensor, names: Sequence[str]) -> Iterator[tuple[str, torch.Size]]:
    """Yield dropout layers in the order of the forward pass, with the shape of their inputs.

    Raises:
        UserError: one is called twice.

    """
    trial = copy.deepcopy(model).train()
    met: list[tuple[str, torch.Size]] = []
    for name in names:
        layer = trial.get_submodule(name)
        layer.register_forward_pre_hook(
            lambda _, inputs, name=name: met.append((name, inputs[0].shape))
        )
    with torch.random.fork_rng(devices=[]):
        trial(x)
    if len({name for name, _ in met}) < len(met):
        raise UserError("A dropout layer is called twice in a forward pass", code=Code.INCOMPATIBLE)
    yield from met
