"""Data larger than memory: inputs stay on disk and are read a batch at a time, by workers."""

import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from quintet.base import console
from quintet.base.errors import Code, UserError
from quintet.base.process import die_with
from quintet.data.loading.loader import TensorLoader
from quintet.data.samples import Rows

Batch = tuple[Tensor, Tensor]
PROBE = 1 << 26
"""Numbers (256 MiB) on which preprocessing is fitted if not all inputs fit in memory."""
PROBED_IMAGES = 4096
"""Maximum number of images for that: each has many pixels, and is a file to open."""


@dataclass(frozen=True)
class Prefetch:
    """How batches are read ahead of the training step.

    Args:
        workers: processes that read; 0 reads in the main process.
        prefetch: batches that each worker reads ahead.
        pin_memory: copy batches to pinned memory; None for yes if there is a GPU.

    """

    workers: int = 0
    prefetch: int | None = None
    pin_memory: bool | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UserError: out of range, or prefetching without workers.

        """
        if self.workers < 0:
            raise UserError(
                "must be 0 or more",
                code=Code.OUT_OF_RANGE,
                key="data.workers",
                value=self.workers,
            )
        if self.prefetch is None:
            return
        if self.prefetch < 1:
            raise UserError(
                "must be 1 or more, or null",
                code=Code.OUT_OF_RANGE,
                key="data.prefetch",
                value=self.prefetch,
            )
        if not self.workers:
            raise UserError(
                "needs processes that read ahead",
                code=Code.INCOMPATIBLE,
                key="data.prefetch",
                value=self.prefetch,
                hint="Give data.workers=1 or more, or leave it out",
            )


def probe(rows: Rows, index: Tensor, shape: torch.Size) -> Tensor:
    """Read evenly spaced samples of `index`, as many as PROBE allows, to fit statistics."""
    count = max(1, PROBE // max(1, shape.numel()))
    if len(shape) == 3:
        count = min(count, PROBED_IMAGES)
    step = -(-len(index) // count)
    return rows.read(index[::step])


def disk_loader(
    rows: Rows, order: TensorLoader, transform: Callable[[Tensor], Tensor], ahead: Prefetch
) -> "DataLoader[Batch]":
    """Return a loader that yields the same batches as `order`, with inputs read from disk.

    Args:
        rows: the inputs on disk.
        order: a loader over (sample indices, targets), which decides what is in a batch.
        transform: scales a batch of inputs; runs in the workers.
        ahead: how batches are read ahead; without shared memory, as in a container without
            /dev/shm, they are read in the main process.

    """
    gpu = torch.cuda.is_available()
    return DataLoader(
        _Reading(rows, transform),
        batch_size=None,
        sampler=_Dealt(order),
        num_workers=(usable := _usable(ahead.workers)),
        prefetch_factor=(ahead.prefetch or 2) if usable else None,
        worker_init_fn=_end_with_reader,
        persistent_workers=usable > 0,
        pin_memory=gpu if ahead.pin_memory is None else ahead.pin_memory,
        # A separate generator: the order must not depend on other random draws.
        generator=torch.Generator(),
    )


@cache
def _usable(workers: int) -> int:
    """Return how many workers there can be: none if processes cannot share memory and locks."""
    try:
        if workers:
            multiprocessing.get_context().Lock()
            torch.zeros(1).share_memory_()  # type: ignore[no-untyped-call]
    except (OSError, RuntimeError):
        console.warn(f"data.workers={workers} needs shared memory (/dev/shm); read without workers")
        return 0
    return workers


def _end_with_reader(worker: int) -> None:
    """End a worker together with its parent process; torch itself checks every five seconds only.

    With the start method forkserver, a worker is not a child of that process; torch's check covers
    that case.
    """
    reader = multiprocessing.parent_process()
    if reader is not None and multiprocessing.get_start_method() != "forkserver":
        die_with(int(reader.pid or 0))


class _Dealt(Sampler[Batch]):
    """Passes the batches of a TensorLoader to the workers, instead of single indices."""

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
