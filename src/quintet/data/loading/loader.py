"""Batches of in-memory data by tensor indexing: no worker, no per-item work, no collation."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from quintet.data.loading.augmentation import Augmentation


def epoch_generator(seed: int, epoch: int) -> torch.Generator:
    """Return a generator that depends on seed and epoch only."""
    return torch.Generator().manual_seed(seed * 1_000_003 + epoch)


class TensorLoader:
    """Iterate over (x, y) batches of tensors that are already in memory.

    Every global batch of `batch_size * world_size` samples is distributed over the ranks, so all
    ranks take the same number of steps and no sample is seen twice. The order of an epoch is a
    function of (seed, epoch) only: a resumed run repeats it.

    Args:
        x: samples, (N, ...).
        y: targets, (N,) or (N, K).
        batch_size: samples per batch on each rank.
        shuffle: a new order each epoch; also drops a last batch too small to train on (fewer than
            two samples per rank, which batch normalisation cannot handle).
        seed: of the order.
        rank: of this process.
        world_size: number of processes.
        classes: of the samples, (N,) from 0; shuffled epochs then hold each equally often.

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
        classes: Tensor | None = None,
    ) -> None:
        self.x, self.y, self.classes = x, y, classes
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self.rank, self.world_size = rank, world_size
        self.epoch = self.taken = self.start = 0
        # Lightning sets the epoch on `loader.sampler`, as on a DistributedSampler.
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
        start, self.start = self.start, 0
        for i in range(start, len(self)):
            self.taken = i + 1
            mine = order[i * stride : (i + 1) * stride][self.rank :: self.world_size]
            if len(mine):
                # the same rows as x[mine], which takes three times as long
                yield self.x.index_select(0, mine), self.y.index_select(0, mine)

    def state_dict(self) -> dict[str, int]:
        """Return how many batches of the epoch have been taken."""
        return {"taken": self.taken}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Make the next pass, and only that one, begin after the batches already taken."""
        self.start = int(state["taken"])

    def _order(self) -> Tensor:
        if not self.shuffle:
            return torch.arange(len(self.x), device=self.x.device)
        generator = epoch_generator(self.seed, self.epoch)
        if self.classes is not None:
            return balanced(self.classes, generator).to(self.x.device)
        return torch.randperm(len(self.x), generator=generator).to(self.x.device)


def balanced(classes: Tensor, generator: torch.Generator) -> Tensor:
    """Return an order as long as `classes` (N,) that contains each class equally often.

    Samples of a small class repeat once all of them have occurred; some of a large one are left
    out.
    """
    present = torch.unique(classes)
    quota, over = divmod(len(classes), len(present))
    extra = torch.randperm(len(present), generator=generator) < over
    chosen = []
    for each, more in zip(present.tolist(), extra.tolist(), strict=True):
        members = (classes == each).nonzero()[:, 0]
        rounds = -(-(quota + more) // len(members))
        orders = [torch.randperm(len(members), generator=generator) for _ in range(rounds)]
        chosen.append(members[torch.cat(orders)[: quota + more]] if orders else members[:0])
    order = torch.cat(chosen)
    return order[torch.randperm(len(order), generator=generator)]


class AugmentedLoader:
    """Changes the batches of a training loader, on the device.

    A batch is a function of (seed, epoch, its number, rank) and of its samples, independent of
    other random numbers, so a resumed run repeats it.

    Args:
        loader: of (x, y) batches, a TensorLoader or a DataLoader that draws from one.
        augmentation: the changes.
        seed: of the changes.
        rank: of this process.
        device: device on which they are made; None to leave batches where they are.

    """

    def __init__(
        self,
        loader: Any,
        augmentation: Augmentation,
        *,
        seed: int = 0,
        rank: int = 0,
        device: torch.device | None = None,
    ) -> None:
        self.loader, self.augmentation = loader, augmentation
        self.seed, self.rank, self.device = seed, rank, device
        self.epoch = 0
        self.sampler, self.batch_sampler = self, None
        if isinstance(loader, TensorLoader):  # with any other loader a pass cannot be continued
            self.state_dict, self.load_state_dict = loader.state_dict, loader.load_state_dict

    def set_epoch(self, epoch: int) -> None:
        """Choose the order and the changes of the next pass."""
        self.epoch = epoch
        self.loader.sampler.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        generator = torch.Generator()
        start = getattr(self.loader, "start", 0)
        for number, (x, y) in enumerate(self.loader, start):
            key = np.random.SeedSequence((self.seed, self.epoch, number, self.rank))
            generator.manual_seed(int(key.generate_state(1, np.uint64)[0] >> 1))
            if self.device is not None:
                x, y = (t.to(self.device, non_blocking=True) for t in (x, y))
            yield self.augmentation(x, y, generator)
