"""Data larger than memory: inputs stay on disk and are read a batch at a time, by workers."""

import multiprocessing
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from quintet.base import console
from quintet.base.process import die_with
from quintet.data.loader import TensorLoader
from quintet.data.samples import Rows

Batch = tuple[Tensor, Tensor]
PROBE = 1 << 26
"""Numbers (256 MiB) that the preprocessing is fitted on when not all inputs fit memory."""


def probe(rows: Rows, index: Tensor, shape: torch.Size) -> Tensor:
    """Read evenly spaced samples out of `index`, as many as PROBE allows, to fit statistics on."""
    count = max(1, PROBE // max(1, shape.numel()))
    step = -(-len(index) // count)
    return rows.read(index[::step])


def disk_loader(
    rows: Rows, order: TensorLoader, transform: Callable[[Tensor], Tensor], workers: int
) -> "DataLoader[Batch]":
    """Return a loader that yields the same batches as `order`, with inputs read from disk.

    Args:
        rows: the inputs on disk.
        order: a loader over (sample indices, targets), which decides what is in a batch.
        transform: scales a batch of inputs; runs in the workers.
        workers: processes that read ahead; 0 reads in the main process, as does a machine that has
            no shared memory for them, such as a container without /dev/shm.

    """
    return DataLoader(
        _Reading(rows, transform),
        batch_size=None,
        sampler=_Dealt(order),
        num_workers=(usable := _usable(workers)),
        worker_init_fn=_end_with_reader,
        persistent_workers=usable > 0,
        pin_memory=torch.cuda.is_available(),
        # A generator of its own: the order must not depend on what else draws random numbers.
        generator=torch.Generator(),
    )


@cache
def _usable(workers: int) -> int:
    """Return how many workers there can be: none where processes cannot share memory and locks."""
    try:
        if workers:
            multiprocessing.get_context().Lock()
            torch.zeros(1).share_memory_()  # type: ignore[no-untyped-call]
    except (OSError, RuntimeError):
        console.warn(f"data.workers={workers} needs shared memory (/dev/shm); read without workers")
        return 0
    return workers


def _end_with_reader(worker: int) -> None:
    """End a worker with the process that it reads for; torch alone checks every five seconds.

    With the start method forkserver a worker is not a child of that process; torch's check
    covers that case.
    """
    reader = multiprocessing.parent_process()
    if reader is not None and multiprocessing.get_start_method() != "forkserver":
        die_with(int(reader.pid or 0))


class _Dealt(Sampler[Batch]):
    """Hands the batches of a TensorLoader to the workers, instead of single indices."""

    def __init__(self, order: TensorLoader) -> None:
        self.order = order

    def set_epoch(self, epoch: int) -> None:
        self.order.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.order)


class _Reading(Dataset[Batch]):
    """Turns (sample indices, targets) into (inputs, targets)."""

    def __init__(self, rows: Rows, transform: Callable[[Tensor], Tensor]) -> None:
        self.rows, self.transform = rows, transform

    def __getitem__(self, batch: Any) -> Batch:
        index, y = batch
        return self.transform(self.rows.read(index)), y
