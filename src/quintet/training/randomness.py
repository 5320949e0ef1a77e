"""Reproducible random numbers that do not affect those of the run."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from lightning.pytorch.utilities.seed import isolate_rng


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within the block, seed the generators of Python, NumPy and torch; restore them afterwards.

    Examples:
        >>> with seeded(0):
        ...     first = torch.rand(1)
        >>> with seeded(0):
        ...     bool(first == torch.rand(1))
        True

    """
    with isolate_rng():
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        yield
