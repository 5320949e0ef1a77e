"""The private parts of torch that are used: all of them, here.

tests/quintet/options/test_torch_internals.py says which of them an upgrade has changed.
"""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _NormBase as BatchOrInstanceNorm
from torch.utils._pytree import tree_flatten_with_path, tree_map, tree_unflatten

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter

__all__ = [
    "BatchOrInstanceNorm",
    "file_writer",
    "lerp_all_",
    "tree_flatten_with_path",
    "tree_map",
    "tree_unflatten",
]


def lerp_all_(starts: list[Tensor], ends: list[Tensor], weight: float) -> None:
    """Move all tensors towards others in place, in a few kernels for all of them."""
    torch._foreach_lerp_(starts, ends, weight)


def file_writer(writer: "SummaryWriter") -> Any:
    """Return what takes summaries as they are, for those that SummaryWriter has no method for."""
    return writer._get_file_writer()  # type: ignore[no-untyped-call]
