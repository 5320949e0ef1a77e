"""Detection of weights that a model's constructor loads (`from_pretrained`), which init= keeps.

A model does not report what it has loaded, and there are many ways to load. So it is built a second
time with other random numbers: parameters that are equal in both were not drawn at random.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import torch
from omegaconf import DictConfig
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from quintet.config.building_blocks import ENGINE, is_in
from quintet.options.models.pretrained import matching
from quintet.training import build
from quintet.training.randomness import seeded

KEEP = f"{ENGINE}.options.inits.keep"


def weights_to_keep(
    cfg: DictConfig, network: nn.Module, fresh: Sequence[str] | None = None
) -> dict[str, Tensor]:
    """Return copies of the parameters whose values from the constructor the init must keep.

    Args:
        cfg: config of the run.
        network: the model as constructed.
        fresh: patterns of the parameters that the init sets; None: detect them, by layer.

    Raises:
        UserError: a pattern of `model.fresh` matches no parameter.

    """
    if cfg.init.get("_target_") == KEEP:  # nothing is set
        return {}
    parameters = dict(network.named_parameters())
    if fresh is not None:
        filled = matching(parameters, fresh, "model.fresh")
        kept = [name for name in parameters if name not in filled]
    elif is_in(str(cfg.model.get("_target_")), [ENGINE]):  # the engine's models load nothing
        return {}
    else:
        kept = _not_drawn(parameters, _second_instance(cfg))
    return {name: parameters[name].detach().clone() for name in kept}


def _second_instance(cfg: DictConfig) -> dict[str, nn.Parameter]:
    """Return the parameters of a second instance that is built with other random numbers."""
    with seeded((cfg.seed + 1) % 2**32):
        twin = build.model(cfg)
    assert twin is not None
    return dict(twin.named_parameters())


def _not_drawn(parameters: Mapping[str, Tensor], twin: Mapping[str, Tensor]) -> list[str]:
    """Return the parameters of layers that do not depend on random numbers.

    A constant, such as the scale of a norm or a bias of zeros, is no evidence by itself. In a model
    with loaded weights, a layer of constants is intended, such as the second matrix of LoRA.
    """
    same = {name for name, tensor in parameters.items() if _same(tensor, twin.get(name))}
    layers = defaultdict(list)
    for name in parameters:
        layers[_layer(name)].append(name)
    if not any(_varies(parameters[name]) for name in same):
        return []
    return [
        name
        for names in layers.values()
        if same.issuperset(names) or any(n in same and _varies(parameters[n]) for n in names)
        for name in names
    ]


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def _same(tensor: Tensor, other: Tensor | None) -> bool:
    return other is not None and not is_lazy(tensor) and torch.equal(tensor, other)


def _varies(tensor: Tensor) -> bool:
    flat = tensor.detach().flatten()
    return flat.numel() > 1 and bool((flat != flat[0]).any())


@torch.no_grad()
def restore_weights(network: nn.Module, kept: Mapping[str, Tensor]) -> dict[str, list[str]]:
    """Restore parameters to their values before the init; return their names for the record."""
    parameters = dict(network.named_parameters())
    for name, tensor in kept.items():
        parameters[name].copy_(tensor)
    if not kept:
        return {}
    rest = [name for name in parameters if name not in kept]
    return {"kept": _layers(kept), "initialised": _layers(rest)}


def _layers(names: Iterable[str]) -> list[str]:
    return [*dict.fromkeys(_layer(name) or name for name in names)]
