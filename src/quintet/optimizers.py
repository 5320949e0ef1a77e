"""Which parameters an optimizer (A) shrinks by weight decay, and which it leaves alone."""

from typing import Any, Literal

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from quintet.errors import UserError, nearest

UNDECAYED = (
    _NormBase,  # batch and instance norms
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
    nn.Embedding,
    nn.EmbeddingBag,
)
"""Layers whose parameters are left undecayed, whatever their shape."""


def parameter_groups(
    model: nn.Module, weight_decay: float, on: Literal["weights", "all"] = "weights"
) -> list[dict[str, Any]]:
    """Split the trainable parameters into those that are decayed and those that are not.

    With `on="weights"` biases, norms and embeddings stay as they are: decay limits what a weight
    matrix can express, while shrinking an offset or a scale limits nothing (Goodfellow, Bengio and
    Courville, "Deep Learning", section 7.1; Loshchilov and Hutter, 2019), and an embedding row
    would shrink in every step in which its word does not occur. Precisely: decayed are the
    parameters of two or more dimensions outside of `UNDECAYED` layers.

    Returns:
        groups for any `torch.optim` class, each parameter in exactly one, decayed ones first; a
        single group where both would be treated alike

    Raises:
        UserError: nothing is trainable, or `on` is neither of the two

    """
    if on not in ("weights", "all"):
        allowed = nearest(on, ["weights", "all"])
        raise UserError(f"optimizer.weight_decay_on={on} is not known. {allowed}")
    trainable = [p for p in model.parameters() if p.requires_grad]
    if not trainable:
        raise UserError("No parameter of the model is trainable. Freeze less of it.")
    if on == "all" or weight_decay == 0:
        return [{"params": trainable, "weight_decay": weight_decay}]
    spared = {
        id(p)
        for module in model.modules()
        if isinstance(module, UNDECAYED)
        for p in module.parameters(recurse=False)
    }
    decayed = [p for p in trainable if p.ndim >= 2 and id(p) not in spared]
    rest = [p for p in trainable if p.ndim < 2 or id(p) in spared]
    groups = [(decayed, weight_decay), (rest, 0.0)]
    return [{"params": params, "weight_decay": rate} for params, rate in groups if params]


def clips_mixed_precision(precision: str | int | None, limit: float | None) -> bool:
    """Tell whether gradients are clipped, at norm `limit`, in mixed precision.

    A fused optimizer takes the scale of 16-bit gradients back itself, in its step. That is too late
    for clipping: Lightning refuses the two together, with bfloat16 too, which needs no scale.
    """
    return str(precision) in ("16", "16-mixed", "bf16", "bf16-mixed") and bool(limit)
