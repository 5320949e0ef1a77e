"""Several inputs of a sample packed into one row of numbers, which a model gets by name.

Splitting, batching, simple models and exports handle rows; a model gets the parts of a row.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from quintet.data.samples import NamedInput

EXACT = 1 << 24
"""Integers up to this one are exact in float32, the type of a row."""


Inputs = Mapping[str, NamedInput]


def rows_of(parts: Mapping[str, Tensor]) -> Tensor:
    """Return inputs (N, ...) as one row per sample, float32 (N, F)."""
    return torch.cat([part.flatten(1).float() for part in parts.values()], dim=1)


def split_row(x: Tensor, inputs: Inputs) -> dict[str, Tensor]:
    """Return rows (N, F) as inputs (N, ...) by name; tokens are int64."""
    pieces = torch.split(x, [each.size for each in inputs.values()], dim=1)
    found = {}
    for (name, each), piece in zip(inputs.items(), pieces, strict=True):
        part = torch.unflatten(piece, 1, each.shape)
        found[name] = part.long() if each.kind == "tokens" else part
    return found


@dataclass(frozen=True)
class SplitInputs:
    """A forward pre-hook that passes a row's inputs to a model by name.

    Args:
        inputs: of a row, in order.
        names: the inputs that the model takes.

    """

    inputs: Inputs
    names: frozenset[str]

    def __call__(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """Return the arguments of `forward`; None if they are already given by name."""
        if kwargs or len(args) != 1:
            return None
        parts = split_row(args[0], self.inputs)
        return (), {name: part for name, part in parts.items() if name in self.names}


def by_name(model: nn.Module, inputs: Inputs) -> bool:
    """Make a model whose `forward` names inputs accept rows; return whether it names any.

    A model that names none gets the whole row, (N, F).
    """
    names = frozenset(names_taken(model, inputs))
    if names:
        model.register_forward_pre_hook(SplitInputs(inputs, names), with_kwargs=True)
    return bool(names)


def names_taken(model: nn.Module, inputs: Inputs) -> list[str]:
    """Return the names of the inputs that a model's `forward` takes, in the inputs' order."""
    takes = inspect.signature(model.forward).parameters
    everything = any(p.kind is p.VAR_KEYWORD for p in takes.values())
    return [name for name in inputs if everything or name in takes]
