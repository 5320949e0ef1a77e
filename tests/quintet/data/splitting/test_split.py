import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.base.errors import Code, UserError
from quintet.data.samples import Samples
from quintet.data.sources.bundled import diabetes, digits, digits_multilabel, fair, wine
from quintet.data.sources.series import sunspots
from quintet.data.splitting.split import manner, split, subset, summary
from refusals import Refusal


def classes(counts: list[int]) -> Samples:
    y = torch.cat([torch.full((n,), c) for c, n in enumerate(counts)])
    task = "binary" if len(counts) == 2 else "multiclass"
    names = [f"c{i}" for i in range(len(counts))]
    return Samples(x=torch.zeros(len(y), 1), y=y, task=task, kind="table", class_names=names)


def shares_off(samples: Samples, part: torch.Tensor) -> float:
    counts = torch.bincount(samples.y)
    exact = counts * len(part) / len(samples.y)
    return float((torch.bincount(samples.y[part], minlength=len(counts)) - exact).abs().max())


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(3, 60), min_size=2, max_size=6),
    val=st.floats(0.05, 0.3),
    test=st.floats(0.05, 0.3),
    seed=st.integers(0, 2**32 - 1),
)
def test_parts_are_disjoint_complete_and_hold_every_class(
    counts: list[int], val: float, test: float, seed: int
) -> None:
    samples = classes(counts)
    try:
        parts = split(samples, val, test, seed)
    except UserError:
        # Allowed only where a part truly has too little room.
        room = min(val, test) * sum(counts)
        assert room < len(counts) or min(counts) <= 4
        return
    assert sorted(torch.cat(parts).tolist()) == list(range(sum(counts)))
    for part in parts:
        assert set(samples.y[part].tolist()) == set(range(len(counts)))


@settings(max_examples=40, deadline=None)
@given(
    total=st.integers(20, 300),
    val=st.integers(1, 5),
    test=st.integers(1, 5),
    purge=st.integers(0, 3),
)
def test_ordered_parts_follow_each_other_with_a_gap(
    total: int, val: int, test: int, purge: int
) -> None:
    samples = Samples(
        x=torch.zeros(total, 3, 1), y=torch.zeros(total, 1), task="regression", kind="sequence",
        ordered=True, purge=purge,
    )  # fmt: skip
    train, valid, tested = split(samples, val, test, seed=0)
    assert tested.tolist() == list(range(total - test, total))
    assert valid.tolist() == list(range(total - test - purge - val, total - test - purge))
    assert train.tolist() == list(range(int(valid[0]) - purge))


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 9), min_size=8, max_size=30), seed=st.integers(0, 99))
def test_a_group_is_in_one_part_only(sizes: list[int], seed: int) -> None:
    groups = torch.cat([torch.full((n,), g) for g, n in enumerate(sizes)])
    total = len(groups)
    samples = Samples(
        x=torch.zeros(total, 1), y=torch.zeros(total, 1), task="regression", kind="table",
        groups=groups,
    )  # fmt: skip
    parts = split(samples, 0.2, 0.2, seed)
    assert sorted(torch.cat(parts).tolist()) == list(range(total))
    found = [set(groups[part].tolist()) for part in parts]
    assert all(found)
    assert not (found[0] & found[1])
    assert not (found[0] & found[2])
    assert not (found[1] & found[2])


@pytest.mark.parametrize("source", [digits, wine, fair])
def test_class_shares_are_kept_within_one_sample(source) -> None:
    samples = source()
    _, valid, tested = split(samples, 0.1, 0.2, seed=1)
    assert shares_off(samples, tested) < 1
    assert shares_off(samples, valid) < 2


def test_groups_keep_class_shares_roughly() -> None:
    samples = digits()
    samples.groups = torch.arange(len(samples.y)) // 5
    for part in split(samples, 0.2, 0.2, seed=3):
        share = torch.bincount(samples.y[part]) / len(part)
        assert share.min() > 0.07
        assert share.max() < 0.13


def test_a_regression_is_drawn_as_scikit_learn_draws_it() -> None:
    from sklearn.model_selection import train_test_split

    train, _, tested = split(diabetes(), 0, 0.2, seed=3)
    theirs = train_test_split(np.arange(442), test_size=0.2, random_state=3)
    assert train.tolist() == sorted(theirs[0])
    assert tested.tolist() == sorted(theirs[1])


def test_the_same_seed_gives_the_same_parts_and_another_seed_others() -> None:
    first, again, other = (split(digits(), 0.1, 0.2, seed) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[2], other[2])


def test_label_combinations_keep_their_shares() -> None:
    samples = digits_multilabel()
    _, _, tested = split(samples, 0.1, 0.2, seed=0)
    off = (samples.y[tested].mean(dim=0) - samples.y.mean(dim=0)).abs().max()
    assert off < 2 / len(tested)
    assert "label combination" in manner(samples)


def test_a_count_is_taken_literally() -> None:
    train, valid, tested = split(sunspots(), 30, 60, seed=0)
    assert (len(train), len(valid), len(tested)) == (210, 30, 60)


def test_targets_of_two_parts_never_meet() -> None:
    samples = sunspots(window=9, horizon=4)
    parts = split(samples, 30, 60, seed=0)
    told = [{int(i) + 9 + step for i in part for step in range(4)} for part in parts]
    assert not (told[0] & told[1])
    assert not (told[1] & told[2])


def test_parts_the_data_came_with_are_kept() -> None:
    samples = classes([20, 20])
    samples.split = torch.tensor([0, 0, 0, 2] * 10)
    train, valid, tested = split(samples, 0.1, 0.2, seed=0)
    assert tested.tolist() == list(range(3, 40, 4))
    assert len(valid) == 4
    assert set(train.tolist()) | set(valid.tolist()) == set(range(40)) - set(tested.tolist())


def test_parts_that_the_data_lacks_are_drawn_from_its_training_part() -> None:
    samples = classes([40, 40])
    samples.split = torch.tensor([0, 0, 0, 1] * 20)
    parts = split(samples, 0.1, 0.2, seed=0)
    assert parts[1].tolist() == list(range(3, 80, 4))
    assert (len(parts[0]), len(parts[2])) == (44, 16)
    assert set(samples.split[parts[2]].tolist()) == {0}
    [told] = summary(samples, parts)
    assert "44 for training, 20 for validation; 16 for test drawn" in told


def test_a_small_training_part_keeps_its_share() -> None:
    samples = classes([100, 100])
    samples.split = torch.tensor([0] * 10 + [2] * 90).repeat(2)
    train, valid, tested = split(samples, 0.1, 0.2, seed=0)
    assert (len(train), len(valid), len(tested)) == (18, 2, 180)
    with pytest.raises(UserError) as caught:
        split(samples, 20, 0.2, seed=0)
    assert caught.value.key == "data.val"


def test_a_class_absent_from_an_official_part_is_reported() -> None:
    samples = classes([20, 20])
    samples.split = torch.cat([torch.tensor([0, 0, 0, 2] * 5), torch.zeros(20)]).long()
    parts = split(samples, 0.1, 0.2, seed=0)
    assert len(parts[2]) == 5
    assert summary(samples, parts)[1:] == ["Absent from its test part: c1."]
    samples.split = torch.cat([torch.tensor([0, 0, 0, 2] * 5), torch.full((20,), 2)]).long()
    with Refusal(Code.DATA, match=r"'c1'|one class"):
        split(samples, 0.1, 0.2, seed=0)


def test_a_class_too_small_for_all_parts_is_refused() -> None:
    with Refusal(Code.DATA, match=r"smallest class has 1 sample"):
        split(classes([30, 1]), 0.1, 0.2, seed=0)


def test_a_class_absent_from_a_part_is_named() -> None:
    samples = classes([50, 50])
    samples.ordered = True
    with Refusal(Code.DATA, match=r"'c1'.*absent from the training part"):
        split(samples, 0.2, 0.4, seed=0)


def test_a_label_absent_from_a_part_is_named() -> None:
    samples = digits_multilabel()
    samples.y[:, 1] = 0
    with Refusal(Code.DATA, match=r"'prime'.*absent"):
        split(samples, 0.1, 0.2, seed=0)


@pytest.mark.parametrize(("val", "test"), [(0.5, 0.5), (100, 100), (-0.1, 0.2), (1.5, 0.2)])
def test_impossible_sizes_are_refused(val: float, test: float) -> None:
    with pytest.raises(UserError) as caught:
        split(wine(), val, test, seed=0)
    assert caught.value.code is Code.OUT_OF_RANGE
    assert caught.value.key == "data.val"


def test_subsets_keep_class_shares_and_nest() -> None:
    samples = digits()
    train, _, _ = split(samples, 0.1, 0.2, seed=0)
    small, large = (subset(samples, train, fraction, seed=0) for fraction in (0.1, 0.4))
    assert len(small) == 126
    assert torch.bincount(samples.y[small]).min() >= 12
    assert len(set(small.tolist()) - set(large.tolist())) <= 10
    assert set(large.tolist()) <= set(train.tolist())


def test_a_subset_of_a_series_is_its_latest_part() -> None:
    samples = sunspots()
    train, _, _ = split(samples, 30, 60, seed=0)
    assert subset(samples, train, 0.5, seed=0).tolist() == train[-105:].tolist()
