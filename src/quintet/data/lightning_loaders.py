"""Custom DataLoaders in a form that Lightning can distribute over several processes."""

from collections.abc import Mapping
from typing import Any

from lightning.pytorch.utilities import CombinedLoader
from torch.utils.data import BatchSampler, DataLoader, IterableDataset


def shareable(loaders: Any) -> Any:
    """Return loaders, nested in any way, that yield the same batches and can be distributed.

    For several processes, Lightning recreates each DataLoader with its own sampler from the
    original arguments. It fails on `shuffle` given by position, and silently turns
    `batch_sampler=BatchSampler(...)` into batches of one sample.
    """
    if isinstance(loaders, CombinedLoader):
        return CombinedLoader(shareable(loaders.iterables), loaders._mode)
    if isinstance(loaders, Mapping):
        return {name: shareable(each) for name, each in loaders.items()}
    if isinstance(loaders, list | tuple):
        return [shareable(each) for each in loaders]
    return by_keyword(loaders) if isinstance(loaders, DataLoader) else loaders


def by_keyword(loader: DataLoader[Any]) -> DataLoader[Any]:
    """Return a plain DataLoader of torch as created with keyword arguments; others unchanged.

    Args:
        loader: of any class.

    """
    batches = loader.batch_sampler
    own = type(loader) is not DataLoader or type(batches) not in (BatchSampler, type(None))
    if own or isinstance(loader.dataset, IterableDataset):
        return loader
    how: dict[str, Any] = {"batch_size": None, "sampler": loader.sampler}
    if isinstance(batches, BatchSampler):
        how = {
            "batch_size": batches.batch_size,
            "sampler": batches.sampler,
            "drop_last": batches.drop_last,
        }
    return DataLoader(
        dataset=loader.dataset,
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        timeout=loader.timeout,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        generator=loader.generator,
        prefetch_factor=loader.prefetch_factor,
        persistent_workers=loader.persistent_workers,
        **how,
    )
