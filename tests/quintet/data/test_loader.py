import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quintet.data.loader import TensorLoader


def seen(loader):
    return [sample for x, _ in loader for sample in x[:, 0].int().tolist()]


def loader(size=10, batch_size=3, **settings):
    x = torch.arange(size).float()[:, None]
    return TensorLoader(x, torch.arange(size), batch_size, **settings)


def test_every_sample_comes_once_in_order():
    assert seen(loader()) == list(range(10))


def test_inputs_and_targets_stay_together():
    for x, y in loader(shuffle=True, seed=3):
        assert torch.equal(x[:, 0].long(), y)


def test_an_epoch_has_the_same_order_each_time():
    first, second = loader(shuffle=True, seed=1), loader(shuffle=True, seed=1)
    first.set_epoch(5)
    second.set_epoch(5)
    assert seen(first) == seen(second)


@pytest.mark.parametrize("change", [{"epoch": 1}, {"seed": 1}])
def test_epochs_and_seeds_differ(change):
    other = loader(100, shuffle=True, seed=change.get("seed", 0))
    other.set_epoch(change.get("epoch", 0))
    assert seen(loader(100, shuffle=True)) != seen(other)


def test_a_single_left_over_sample_is_not_trained_on():
    assert [len(x) for x, _ in loader(7, 3, shuffle=True)] == [3, 3]
    assert [len(x) for x, _ in loader(7, 3)] == [3, 3, 1]


def test_a_set_smaller_than_a_batch_is_trained_on():
    assert len(seen(loader(1, 64, shuffle=True))) == 1


@given(size=st.integers(1, 200), batch_size=st.integers(1, 40), world=st.integers(1, 5))
def test_ranks_share_out_every_sample_once(size, batch_size, world):
    ranks = [loader(size, batch_size, rank=r, world_size=world) for r in range(world)]
    assert sorted(sample for rank in ranks for sample in seen(rank)) == list(range(size))


@given(size=st.integers(1, 200), batch_size=st.integers(1, 40), world=st.integers(1, 5))
def test_ranks_take_the_same_number_of_training_steps(size, batch_size, world):
    if size < 2 * world:
        return
    settings = {"shuffle": True, "world_size": world}
    ranks = [loader(size, batch_size, rank=r, **settings) for r in range(world)]
    steps = {sum(1 for _ in rank) for rank in ranks}
    assert steps == {len(ranks[0])}
    samples = [sample for rank in ranks for sample in seen(rank)]
    assert len(samples) == len(set(samples)) > size - 2 * world


def test_the_order_goes_where_the_samples_are():
    x, y = torch.empty(5, 3, device="meta"), torch.empty(5, device="meta")
    batches = list(TensorLoader(x, y, 2, shuffle=True))
    assert {tensor.device.type for batch in batches for tensor in batch} == {"meta"}
    assert [len(x) for x, _ in batches] == [2, 2]
