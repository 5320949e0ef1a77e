"""Batches of in-memory data by tensor indexing: no worker, no per-item work, no collation."""

from collections.abc import Iterator

import torch
from torch import Tensor


class TensorLoader:
    """Iterate over (x, y) batches of tensors that are already in memory.

    Every global batch of `batch_size * world_size` samples is distributed over the ranks, so all
    ranks take the same number of steps and no sample is seen twice. The order of an epoch is a
    function of (seed, epoch) alone: a resumed run repeats it.

    Args:
        x: samples, (N, ...).
        y: targets, (N,) or (N, K).
        batch_size: samples per batch on each rank.
        shuffle: a new order each epoch; also drops a last batch too small to train on (less than
            two samples a rank, which batch normalisation cannot take).
        seed: of the order.
        rank: of this process.
        world_size: number of processes.

    """

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.x, self.y = x, y
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self.rank, self.world_size = rank, world_size
        self.epoch = 0
        # Lightning announces the epoch to `loader.sampler`, as to a DistributedSampler.
        self.sampler, self.batch_sampler = self, None

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass."""
        self.epoch = epoch

    def __len__(self) -> int:
        full, tail = divmod(len(self.x), self.batch_size * self.world_size)
        smallest = 2 * self.world_size if self.shuffle and full else 1
        return full + (tail >= smallest)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = self._order()
        stride = self.batch_size * self.world_size
        for i in range(len(self)):
            mine = order[i * stride : (i + 1) * stride][self.rank :: self.world_size]
            if len(mine):
                # the same rows as x[mine], which takes three times as long
                yield self.x.index_select(0, mine), self.y.index_select(0, mine)

    def _order(self) -> Tensor:
        if not self.shuffle:
            return torch.arange(len(self.x), device=self.x.device)
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        return torch.randperm(len(self.x), generator=generator).to(self.x.device)
