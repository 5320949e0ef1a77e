"""Transfer learning: a model starts from another one's weights, and part of it may be frozen.

Yosinski et al., 2014, "How transferable are features in deep neural networks?".
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from quintet.base.errors import Code, UserError, nearest
from quintet.options.models.name_patterns import matches
from quintet.options.torch_internals import BatchOrInstanceNorm

State = Mapping[str, Tensor]
WRAPPERS = re.compile(r"^(model\.|module\.|_orig_mod\.)+")
"""Prefixes that trainers, DistributedDataParallel and torch.compile add to tensor names."""

SHOWN = 4
"""Maximum number of names in one sentence."""


@dataclass
class Loaded:
    """The result of loading a file's tensors.

    Args:
        taken: names of the model's tensors that were set.
        skipped: reasons for the tensors of the file that were not used, by name.
        fresh: the model's tensors that the file lacks, which keep their initial values.

    """

    taken: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    fresh: list[str] = field(default_factory=list)


@torch.no_grad()
def load(model: nn.Module, state: State, source: object) -> Loaded:
    """Set the tensors of `model`, including buffers, that match one of `state` by name and shape.

    Args:
        model: changed in place.
        state: tensors by name.
        source: where they come from, for messages.

    Raises:
        UserError: no weight matches. A bias or a norm's scale may match any model of its width.

    """
    own = model.state_dict()
    state = _unwrapped(state, own)
    found = Loaded()
    for name, tensor in state.items():
        if name not in own:
            found.skipped[name] = "the model has no tensor of that name"
        elif own[name].shape != tensor.shape:
            there, here = tuple(tensor.shape), tuple(own[name].shape)
            found.skipped[name] = f"its shape is {there}, the model's {here}"
        else:
            own[name].copy_(tensor)
            found.taken.append(name)
    found.fresh = [name for name in own if name not in found.taken]
    if not {name for name, p in model.named_parameters() if p.ndim > 1} & {*found.taken}:
        raise _misfit(found, own, state, source)
    return found


def _unwrapped(state: State, own: Iterable[str]) -> State:
    """Return `state` by names without prefixes, if more of those are the model's."""
    plain = {WRAPPERS.sub("", name): tensor for name, tensor in state.items()}
    return plain if len({*plain} & {*own}) > len({*state} & {*own}) else state


def _misfit(found: Loaded, own: Iterable[str], state: State, source: object) -> UserError:
    reasons = [f"{name}: {why}." for name, why in found.skipped.items() if "shape" in why]
    if not reasons:
        reasons = [f"it has no {name}. {nearest(name, state)}" for name in [*own][:1]]
    return UserError(
        f"holds {len(state)} tensors, but none of its weights fits the model; {reasons[0]}",
        code=Code.INCOMPATIBLE,
        key="model.weights",
        value=source,
        hint="Choose the weights of a model of the same kind, with the same model.width and "
        "model.depth",
    )


def freeze(model: nn.Module, patterns: Sequence[str]) -> list[str]:
    """Freeze parameters; return their names.

    Their gradients are disabled. A norm layer's running statistics are frozen as well if all of its
    parameters are, or if a pattern names them: it then normalises by them in training too.

    Args:
        model: changed in place.
        patterns: each the name of a parameter or of a module (all of its parameters), a glob, or a
            regular expression of the whole name.

    Raises:
        UserError: a pattern that matches no parameter, or nothing is left to train.

    """
    parameters = dict(model.named_parameters())
    frozen = matching(parameters, patterns, "model.freeze")
    for name in frozen:
        parameters[name].requires_grad_(False)
    if not any(p.requires_grad for p in parameters.values()):
        last = frozen[-1].rpartition(".")[0] or frozen[-1]
        raise UserError(
            f"freezes all {len(frozen)} tensors of the model, so there is nothing to train",
            code=Code.INCOMPATIBLE,
            key="model.freeze",
            value=f"[{','.join(patterns)}]",
            hint=f"Leave out one of its layers, such as the last: {last}",
        )
    norms = {n: m for n, m in model.named_modules() if isinstance(m, BatchOrInstanceNorm)}
    means = matches([f"{path}.running_mean" for path in norms], patterns, "model.freeze")
    named = set().union(*means.values())
    for path, module in norms.items():
        own = [p.requires_grad for p in module.parameters(recurse=False)]
        frozen_too = f"{path}.running_mean" in named or (bool(own) and not any(own))
        module.frozen = frozen_too  # type: ignore[assignment]
    set_frozen_norms_to_eval(model)
    return frozen


def matching(parameters: Iterable[str], patterns: Sequence[str], key: str) -> list[str]:
    """Return the names of the parameters that any of the patterns matches; see `freeze`.

    Args:
        parameters: names of all.
        patterns: of the names.
        key: where the patterns were given, for messages.

    Raises:
        UserError: a pattern matches no parameter, or as `name_patterns.matches`.

    """
    names = [*parameters]
    found = matches(names, patterns, key)
    for pattern, taken in found.items():
        if not taken:
            modules = {".".join(n.split(".")[:depth]) for n in names for depth in (1, 2)}
            raise UserError(
                "matches no parameter",
                code=Code.UNKNOWN_NAME,
                key=key,
                value=pattern,
                allowed={*names, *modules},
            )
    chosen = set().union(*found.values())
    return [name for name in names if name in chosen]


def set_frozen_norms_to_eval(model: nn.Module) -> None:
    """Put the frozen norm layers of `model` back into evaluation mode, after a `train()`."""
    for module in model.modules():
        if is_frozen(module):
            module.eval()


def is_frozen(module: nn.Module) -> bool:
    """Return whether this is a norm layer with frozen running statistics."""
    return getattr(module, "frozen", False) is True


def transfer_summary(moved: Mapping[str, Any]) -> Iterator[str]:
    """Summarise a run's `transfer` record, one sentence each."""
    if kept := moved.get("kept"):
        new = _some(moved["initialised"]) or "nothing"
        yield f"{len(kept)} layers keep what the model's constructor gave them: {_some(kept)}"
        yield f"  set by init: {new}; model.fresh=[...] says otherwise"
    if source := moved.get("weights"):
        skipped, fresh = moved["skipped"], moved["fresh"]
        yield f"{moved['loaded']} tensors loaded from {source}, {len(skipped)} skipped"
        for name, why in [*skipped.items()][:SHOWN]:
            yield f"  skipped {name}: {why}"
        if fresh:
            yield f"  new, as initialised: {_some(fresh)}"
    if frozen := moved.get("frozen"):
        yield f"{len(frozen)} tensors frozen, {moved['trainable']:,} parameters trainable"
    for pattern, epochs in moved.get("frozen_epochs", {}).items():
        yield f"{pattern} is frozen for {epochs} epochs, and trained from then on"
    if rates := moved.get("rates"):
        top, low = next(iter(rates)), next(reversed(rates))
        if top == low:  # all but one layer are frozen
            return
        yield f"learning rate {rates[top]:.2g} for {top}, down to {rates[low]:.2g} for {low}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (" ..." if len(names) > SHOWN else "")
