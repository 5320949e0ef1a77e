import pytest
import torch

from quintet.data.bundled import diabetes, digits, digits_multilabel, wine
from quintet.data.folds import folds
from quintet.data.series import sunspots
from quintet.errors import UserError


@pytest.mark.parametrize("source", [digits, wine, diabetes, digits_multilabel])
def test_each_sample_is_validated_once(source) -> None:
    samples = source()
    pairs = folds(samples, 5, seed=0)
    valid = torch.cat([v for _, v in pairs])
    assert sorted(valid.tolist()) == list(range(len(samples.y)))
    assert all(not set(t.tolist()) & set(v.tolist()) for t, v in pairs)


def test_class_shares_stay_within_one_sample() -> None:
    samples = wine()
    counts = torch.bincount(samples.y)
    for _, valid in folds(samples, 5, seed=0):
        assert (torch.bincount(samples.y[valid]) - counts / 5).abs().max() < 1


def test_groups_stay_whole() -> None:
    samples = digits()
    samples.groups = torch.arange(len(samples.y)) // 10
    for train, valid in folds(samples, 4, seed=0):
        assert not set(samples.groups[train].tolist()) & set(samples.groups[valid].tolist())


def test_a_series_is_validated_on_what_follows() -> None:
    samples = sunspots(window=9, horizon=3)
    for train, valid in folds(samples, 4, seed=0):
        assert int(valid.min()) - int(train.max()) == 3


def test_folds_stay_within_the_given_samples() -> None:
    within = torch.arange(0, 178, 2)
    valid = torch.cat([v for _, v in folds(wine(), 3, seed=0, within=within)])
    assert sorted(valid.tolist()) == within.tolist()


def test_the_seed_decides() -> None:
    first, again, other = (folds(digits(), 3, seed)[0][1] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("k", [1, 60, 1000])
def test_too_many_or_too_few_folds_are_refused(k: int) -> None:
    with pytest.raises(UserError, match=rf"{k} folds"):
        folds(wine(), k, seed=0)
