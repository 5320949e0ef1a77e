"""Dropout of stacked models: each member draws the same masks as if it were trained alone."""

import copy
from collections.abc import Iterator, Sequence
from typing import Self

import torch
from torch import Tensor, nn

from quintet.base.errors import Code, UserError

Key = tuple[int, tuple[float, ...]]
"""A member's seed and rates: members with the same of both draw the same masks."""


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
        seeds: of the members' runs.

    """

    def __init__(self, models: Sequence[nn.Module], seeds: Sequence[int]) -> None:
        self.names = dropouts(models[0])
        layers = ([model.get_submodule(name) for name in self.names] for model in models)
        rates = (tuple(float(layer.p) for layer in each) for each in layers)  # type: ignore[arg-type]
        self.keys: list[Key] = [*zip(seeds, rates, strict=True)]
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

    def draw(self, model: nn.Module, x: Tensor) -> tuple[dict[str, Tensor], dict[str, int | None]]:
        """Return a mask for each layer by name, and its dimension of the members, if any.

        Args:
            model: of any member.
            x: a batch of one member.

        """
        if not self.names:
            return {}, {}
        size = tuple(x.shape)
        if size not in self._shapes:
            self._shapes[size] = list(_met(model, x, self.names))
        masks, dims = {}, {}
        for name, shape in self._shapes[size]:
            place = self.names.index(name)
            drawn = {
                key: _noise(stream, shape, key[1][place]) for key, stream in self._streams.items()
            }
            alike = len(drawn) == 1
            masks[f"{name}.mask"] = (
                next(iter(drawn.values()))
                if alike
                else torch.stack([drawn[key] for key in self.keys])
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
