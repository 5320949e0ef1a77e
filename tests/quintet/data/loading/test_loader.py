import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quintet.data.loading.loader import TensorLoader


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


CLASSES = torch.tensor([0] * 70 + [1] * 20 + [2] * 10)


def test_a_balanced_epoch_holds_each_class_equally_often():
    balanced = loader(100, 10, shuffle=True, classes=CLASSES)
    order = torch.tensor(seen(balanced))
    assert len(order) == 100
    assert sorted(torch.bincount(CLASSES[order]).tolist()) == [33, 33, 34]


def test_small_classes_come_again_only_when_all_have_come():
    order = torch.tensor(seen(loader(100, 10, shuffle=True, classes=CLASSES)))
    often = torch.bincount(order, minlength=100)
    assert often[:70].max() == 1
    assert set(often[70:90].tolist()) <= {1, 2}
    assert set(often[90:].tolist()) <= {3, 4}


def test_a_balanced_order_is_one_of_its_epoch_and_shared_among_ranks():
    first = seen(loader(100, 10, shuffle=True, classes=CLASSES))
    assert first == seen(loader(100, 10, shuffle=True, classes=CLASSES))
    later = loader(100, 10, shuffle=True, classes=CLASSES)
    later.set_epoch(1)
    assert seen(later) != first
    ranks = [loader(100, 5, shuffle=True, classes=CLASSES, rank=r, world_size=2) for r in range(2)]
    assert sorted(sample for rank in ranks for sample in seen(rank)) == sorted(first)


@given(counts=st.lists(st.integers(0, 30), min_size=2, max_size=5), seed=st.integers(0, 9))
def test_a_balanced_order_is_always_of_full_length(counts, seed):
    from quintet.data.loading.loader import balanced

    classes = torch.cat([torch.full((n,), c) for c, n in enumerate(counts)])
    if not len(classes):
        return
    order = balanced(classes, torch.Generator().manual_seed(seed))
    found = torch.bincount(classes[order], minlength=len(counts))
    present = [int(n) for n, before in zip(found, counts, strict=True) if before]
    assert sum(present) == len(classes)
    assert max(present) - min(present) <= 1
