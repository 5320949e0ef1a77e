"""The parameter groups of an optimizer: weight decay, and learning rates of parts of a model."""

from collections.abc import Container, Iterable, Iterator
from typing import Any, Literal, Protocol, runtime_checkable

from torch import nn

from quintet.base.errors import Code, UserError, check_known
from quintet.options.torch_internals import BatchOrInstanceNorm

UNDECAYED = (
    BatchOrInstanceNorm,  # batch and instance norms
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
    nn.Embedding,
    nn.EmbeddingBag,
)
"""Layers whose parameters are not decayed, whatever their shape."""


NORMS = (BatchOrInstanceNorm, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
"""Layers that belong to the layer before them."""


RATE_FACTOR = "rate_factor"
"""Key of a parameter group, and attribute of a parameter: factor on the learning rate, 1 if absent.

A parameter's factor is set by an init that determines rates, such as `init=mup`.
"""


@runtime_checkable
class SwitchesModes(Protocol):
    """An optimizer whose parameters hold one thing in training and another in evaluation.

    Schedule-free optimizers take gradients between the latest iterate and the average of all, and
    evaluate the average (Defazio et al., 2024, "The road less scheduled").
    """

    def train(self) -> None:
        """Set the parameters to the point at which gradients are computed."""

    def eval(self) -> None:
        """Set the parameters to the point that is evaluated."""


def parameter_groups(
    model: nn.Module, weight_decay: float, on: Literal["weights", "all"] = "weights"
) -> list[dict[str, Any]]:
    """Split the trainable parameters into those that are decayed and those that are not.

    With `on="weights"`, biases, norms and embeddings are not decayed: decay limits what a weight
    matrix can express, while shrinking an offset or a scale limits nothing (Goodfellow, Bengio and
    Courville, "Deep Learning", section 7.1; Loshchilov and Hutter, 2019), and an embedding row
    would shrink in every step in which its word does not occur. Precisely, parameters of two or
    more dimensions outside of `UNDECAYED` layers are decayed.

    Returns:
        groups for any `torch.optim` class, each parameter in exactly one, decayed ones first; a
        single group if both would be treated alike

    Raises:
        UserError: nothing is trainable, or `on` is neither of the two

    """
    check_known("optimizer.weight_decay_on", on, ("weights", "all"))
    spared = {
        id(p)
        for module in model.modules()
        if isinstance(module, UNDECAYED)
        for p in module.parameters(recurse=False)
    }
    return _decayed_and_not(model.parameters(), weight_decay, on, spared)


def _decayed_and_not(
    parameters: Iterable[nn.Parameter],
    weight_decay: float,
    on: str,
    spared: Container[int] = frozenset(),
) -> list[dict[str, Any]]:
    """Split trainable parameters by `parameter_groups`' rule; `spared` are ids of those in layers.

    Raises:
        UserError: nothing is trainable.

    """
    trainable = [p for p in parameters if p.requires_grad]
    if not trainable:
        raise UserError(
            "No parameter of the model is trainable",
            code=Code.INCOMPATIBLE,
            hint="Freeze fewer layers",
        )
    if on == "all" or weight_decay == 0:
        return [{"params": trainable, "weight_decay": weight_decay}]
    decayed = [p for p in trainable if p.ndim >= 2 and id(p) not in spared]
    rest = [p for p in trainable if p.ndim < 2 or id(p) in spared]
    groups = [(decayed, weight_decay), (rest, 0.0)]
    return [{"params": params, "weight_decay": rate} for params, rate in groups if params]


def grouped(
    params: nn.Module | Iterable[Any],
    *,
    lr: float,
    weight_decay: float,
    on: Literal["weights", "all"] = "weights",
    layer_decay: float = 1.0,
) -> list[dict[str, Any]]:
    """Return parameter groups of a module, of parameters, or of existing groups.

    The layers of bare parameters are not known: with `on="weights"`, those of fewer than two
    dimensions are not decayed. Groups with their own `weight_decay` keep it.

    Where an init has set factors of rates (`set_rate_factors`), each group is split by them.

    Raises:
        UserError: as `parameter_groups`, a `layer_decay` without a module, or factors of rates that
            a strategy has lost.

    """
    if isinstance(params, nn.Module):
        _check_rate_factors(params)
    groups = _grouped(params, lr, weight_decay, on, layer_decay)
    return _by_rate_factor(groups, lr, weight_decay)


def _grouped(
    params: nn.Module | Iterable[Any],
    lr: float,
    weight_decay: float,
    on: Literal["weights", "all"],
    layer_decay: float,
) -> list[dict[str, Any]]:
    """Return the groups of `grouped` before factors of rates."""
    if isinstance(params, nn.Module):
        groups = parameter_groups(params, weight_decay, on)
        return groups if layer_decay == 1 else layered(groups, params, lr, layer_decay)
    if layer_decay != 1:
        raise UserError(
            "needs the layers of a module, but this LightningModule passes bare parameters to its "
            "optimizer",
            code=Code.INCOMPATIBLE,
            key="optimizer.layer_decay",
            value=layer_decay,
            hint="Set it to 1.0, or call self.optimizer(self) in configure_optimizers",
        )
    given = list(params)
    if any(isinstance(each, dict) for each in given):
        return [{"weight_decay": weight_decay, **each, "params": _listed(each)} for each in given]
    given = [each[1] if isinstance(each, tuple) else each for each in given]  # named_parameters()
    return _decayed_and_not(given, weight_decay, on)


def _listed(group: dict[str, Any]) -> list[Any]:
    """Return the parameters of a group, which may be a single one, an iterator, or with names."""
    params = group["params"]
    given = [params] if isinstance(params, nn.Parameter) else list(params)
    return [each[1] if isinstance(each, tuple) else each for each in given]


def set_rate_factors(model: nn.Module, factors: Iterable[tuple[nn.Parameter, float]]) -> None:
    """Set the factor on the learning rate of each parameter of a model, for its optimizers."""
    setattr(model, RATE_FACTOR, True)  # by which it is noticed if its parameters are replaced
    for parameter, factor in factors:
        setattr(parameter, RATE_FACTOR, factor)


def _check_rate_factors(model: nn.Module) -> None:
    """Check that parameters have kept their factors.

    Raises:
        UserError: they were replaced, as fully sharded training does.

    """
    of_model = any(hasattr(module, RATE_FACTOR) for module in model.modules())
    if of_model and not any(hasattr(p, RATE_FACTOR) for p in model.parameters()):
        raise UserError(
            "determines learning rates of parameters that trainer.strategy has replaced",
            code=Code.INCOMPATIBLE,
            key="init",
            hint="Use trainer.strategy=ddp, or another init",
        )


def _by_rate_factor(
    groups: Iterable[dict[str, Any]], lr: float, weight_decay: float
) -> list[dict[str, Any]]:
    """Split groups by the factors of their parameters' rates; those without a factor come first.

    The product of rate and weight decay, by which a step shrinks a weight, is that of the group:
    without that, the best rate depends on the width again (Kosson et al., 2025, "Weight decay may
    matter more than muP for learning rate transfer in practice").
    """
    split: list[dict[str, Any]] = []
    for group in groups:
        by_factor: dict[float, list[nn.Parameter]] = {}
        for parameter in group["params"]:
            by_factor.setdefault(getattr(parameter, RATE_FACTOR, 1.0), []).append(parameter)
        for factor, own in by_factor.items():
            split.append({**group, "params": own} | _scaled(group, factor, lr, weight_decay))
    return sorted(split, key=lambda group: RATE_FACTOR in group)


def _scaled(group: dict[str, Any], factor: float, lr: float, weight_decay: float) -> dict[str, Any]:
    if factor == 1:
        return {}
    decay = group.get("weight_decay", weight_decay) / factor
    return {"lr": group.get("lr", lr) * factor, "weight_decay": decay, RATE_FACTOR: factor}


def clips_mixed_precision(precision: str | int | None, limit: float | None) -> bool:
    """Return whether gradients are clipped, at norm `limit`, in mixed precision.

    A fused optimizer unscales 16-bit gradients itself, in its step. That is too late for clipping,
    so Lightning rejects the combination, even with bfloat16, which needs no scaling.
    """
    return str(precision) in ("16", "16-mixed", "bf16", "bf16-mixed") and bool(limit)


def layers(model: nn.Module) -> list[tuple[str, list[nn.Parameter]]]:
    """Return the names and parameters of the model's layers, in the order of its attributes.

    A layer is a child of the model, or of a container (Sequential, ModuleList, ModuleDict) in it. A
    norm belongs to the layer before it; adjacent embeddings are one layer; parameters of the model
    itself belong to the first layer.
    """
    found: list[tuple[str, list[nn.Parameter]]] = []
    kinds: list[type[nn.Module]] = []
    for name, module in _flat(model, ""):
        own = list(module.parameters())
        paired = kinds and issubclass(kinds[-1], nn.Embedding) and isinstance(module, nn.Embedding)
        if found and (isinstance(module, NORMS) or paired):
            found[-1][1].extend(own)
        elif own:
            found.append((name, own))
            kinds.append(type(module))
    if not found:
        return [("model", list(model.parameters()))]
    held = {id(p) for _, parameters in found for p in parameters}
    found[0][1].extend(p for p in model.parameters() if id(p) not in held)
    return found


def _flat(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
    for name, child in module.named_children():
        if isinstance(child, nn.Sequential | nn.ModuleList | nn.ModuleDict):
            yield from _flat(child, f"{path}{name}.")
        else:
            yield f"{path}{name}", child


def rates(model: nn.Module, lr: float, layer_decay: float) -> dict[str, float]:
    """Return the learning rate of each trainable layer, the last layer first.

    The last has `lr`, each layer before it `layer_decay` times that of the next one: general
    features stay near their initial values, specific ones move (Howard and Ruder, 2018, "Universal
    language model fine-tuning for text classification", section 3.2, with 1/2.6 = 0.38).

    Raises:
        UserError: the factor is not above 0 and at most 1.

    """
    if isinstance(layer_decay, bool | str) or not 0 < layer_decay <= 1:
        raise UserError(
            "must be above 0 and at most 1",
            code=Code.OUT_OF_RANGE,
            key="optimizer.layer_decay",
            value=layer_decay,
            hint="Give 1 for the same learning rate in all layers, 0.4 to 0.8 to fine-tune",
        )
    found = reversed(layers(model))
    return {
        name: lr * layer_decay**depth
        for depth, (name, parameters) in enumerate(found)
        if any(p.requires_grad for p in parameters)
    }


def layered(
    groups: list[dict[str, Any]], model: nn.Module, lr: float, layer_decay: float
) -> list[dict[str, Any]]:
    """Split parameter groups by layer, each with its own rate `lr`; the last layer comes first.

    Raises:
        UserError: as `rates`.

    """
    by_name = dict(layers(model))
    split = []
    for name, rate in rates(model, lr, layer_decay).items():
        ids = {id(p) for p in by_name[name]}
        for group in groups:
            if own := [p for p in group["params"] if id(p) in ids]:
                split.append({**group, "params": own, "lr": rate})
                ids -= {id(p) for p in own}
    return split
