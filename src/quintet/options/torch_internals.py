"""All private parts of torch that are used.

tests/quintet/options/test_torch_internals.py fails if an upgrade has changed one.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _NormBase as BatchOrInstanceNorm
from torch.nn.modules.conv import _ConvNd as Convolution
from torch.nn.modules.conv import _ConvTransposeNd as TransposedConvolution
from torch.utils._pytree import tree_flatten_with_path, tree_leaves, tree_map, tree_unflatten

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.utils.tensorboard.writer import SummaryWriter

__all__ = [
    "BatchOrInstanceNorm",
    "Convolution",
    "TransposedConvolution",
    "bare_step",
    "file_writer",
    "lerp_all_",
    "tree_flatten_with_path",
    "tree_leaves",
    "tree_map",
    "tree_unflatten",
]


def lerp_all_(starts: list[Tensor], ends: list[Tensor], weight: float) -> None:
    """Move all tensors towards others in place, in a few kernels."""
    torch._foreach_lerp_(starts, ends, weight)


def bare_step(optimizer: "Optimizer") -> Callable[[], Any]:
    """Return `optimizer.step` without torch's profiling of it, which costs as much as a small step.

    Hooks on the optimizer are not called.
    """
    step: Any = type(optimizer).step
    if getattr(step, "hooked", False):
        step = step.__wrapped__
    optimizer._opt_called = True  # type: ignore[attr-defined]  # a schedule would warn of none
    return partial(step, optimizer)


def file_writer(writer: "SummaryWriter") -> Any:
    """Return the writer of raw summaries, for those without a method of SummaryWriter."""
    return writer._get_file_writer()  # type: ignore[no-untyped-call]
