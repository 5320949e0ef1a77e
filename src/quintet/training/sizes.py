"""Number of parameters of a model: total and by layer."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import lightning.pytorch as L
    from torch import nn


def count_parameters(module: "nn.Module") -> int:
    """Return the number of parameters of a module, including frozen ones."""
    return sum(p.numel() for p in module.parameters())


def layers(task: "L.LightningModule") -> dict[str, int]:
    """Return the number of parameters of each layer that has any, by name and type."""
    from quintet.modules.supervised import network_of  # here: with torch

    found = {
        f"{name or 'model'} ({type(layer).__name__})": sum(
            p.numel() for p in layer.parameters(recurse=False)
        )
        for name, layer in network_of(task).named_modules()
    }
    return {name: count for name, count in found.items() if count}
