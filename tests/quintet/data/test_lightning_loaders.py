"""Lightning shards loaders of any kind without changing their batches."""

from typing import Any

import pytest
import torch
from lightning.fabric.utilities.data import _replace_dunder_methods
from lightning.pytorch.utilities import CombinedLoader
from lightning.pytorch.utilities.data import _update_dataloader
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
)

from quintet.data.lightning_loaders import by_keyword, shareable

NUMBERS = list(range(10))


def doubled(numbers: list[int]) -> torch.Tensor:
    return 2 * torch.tensor(numbers)


def made(kind: str) -> DataLoader[Any]:
    """Return a loader of batches of four, doubled."""
    if kind == "positions":
        return DataLoader(NUMBERS, 4, False, collate_fn=doubled)  # type: ignore[arg-type]
    batches = BatchSampler(SequentialSampler(NUMBERS), 4, drop_last=False)
    return DataLoader(NUMBERS, batch_sampler=batches, collate_fn=doubled)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["positions", "batch_sampler"])
def test_what_lightning_makes_of_a_loader_has_its_batches(kind: str) -> None:
    with _replace_dunder_methods(DataLoader, "dataset"), _replace_dunder_methods(BatchSampler):
        loader = by_keyword(made(kind))
        again = _update_dataloader(loader, SequentialSampler(NUMBERS))
    assert [batch.tolist() for batch in again] == [batch.tolist() for batch in made(kind)]
    assert len(next(iter(again))) == 4


@pytest.mark.parametrize("kind", ["positions", "batch_sampler"])
def test_without_this_lightning_still_fails(kind: str) -> None:
    """When it does not any more, `by_keyword` has no reason."""
    with _replace_dunder_methods(DataLoader, "dataset"), _replace_dunder_methods(BatchSampler):
        loader = made(kind)
        try:
            sizes = {len(batch) for batch in _update_dataloader(loader, SequentialSampler(NUMBERS))}
        except Exception:
            return
    assert sizes == {1}


class Endless(IterableDataset[int]):
    def __iter__(self) -> Any:
        yield from range(3)


def test_other_loaders_are_left_alone() -> None:
    class Own(DataLoader[Any]):
        pass

    endless = DataLoader(Endless())
    own = Own(NUMBERS)  # type: ignore[arg-type]
    assert by_keyword(endless) is endless
    assert by_keyword(own) is own


def test_any_nesting_is_kept() -> None:
    loaders = {"a": made("positions"), "b": [made("batch_sampler")]}
    found = shareable(CombinedLoader(loaders, "min_size"))
    assert isinstance(found, CombinedLoader)
    assert found._mode == "min_size"
    assert [len(each) for each in found.flattened] == [3, 3]
    shuffled = DataLoader(NUMBERS, 4, True)  # type: ignore[arg-type]
    assert isinstance(by_keyword(shuffled).sampler, RandomSampler)
