import dataclasses
import functools

import pytest
import torch

from quintet.base.errors import Code
from quintet.data.module import DataModule
from quintet.data.sources.bundled import diabetes, digits, digits_multilabel, wine
from quintet.data.sources.series import sunspots
from quintet.data.splitting.folds import folds
from refusals import Refusal


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


@pytest.mark.parametrize(
    ("k", "code"), [(1, Code.OUT_OF_RANGE), (60, Code.INCOMPATIBLE), (1000, Code.OUT_OF_RANGE)]
)
def test_too_many_or_too_few_folds_are_refused(k: int, code: Code) -> None:
    with Refusal(code, "cv.folds", k):
        folds(wine(), k, seed=0)


def loaded(source, **options):
    module = DataModule(source, seed=3, **options)
    return module, module.load()


def rows(module, *splits):
    return {tuple(row) for split in splits for row in module.splits[split][0].flatten(1).tolist()}


@pytest.mark.parametrize("source", [diabetes, sunspots])
def test_the_test_part_is_that_of_the_plain_split_and_in_no_fold(source) -> None:
    plain, _ = loaded(source, scale="none")
    for index in range(3):
        module, facts = loaded(source, scale="none", folds=3, fold=index)
        assert torch.equal(module.splits["test"][0], plain.splits["test"][0])
        assert not rows(module, "test") & rows(module, "train", "val")
        assert facts.test_size == len(module.splits["test"][0])


def test_all_that_is_not_test_is_validated_once() -> None:
    plain, _ = loaded(diabetes, scale="none")
    parts = [rows(loaded(diabetes, scale="none", folds=4, fold=i)[0], "val") for i in range(4)]
    assert set.union(*parts) == rows(plain, "train", "val")
    assert sum(map(len, parts)) == len(set.union(*parts))


def test_the_folds_of_a_series_leave_no_more_out_than_a_cut_needs() -> None:
    source = functools.partial(sunspots, horizon=3)
    total = len(source().y)
    module, facts = loaded(source, folds=4, fold=3)
    assert facts.train_size + facts.val_size + facts.test_size == total - 2 * 2
    assert module.ordered


def test_preprocessing_sees_nothing_of_the_part_that_a_fold_holds_out() -> None:
    """A column that gives each sample away by its size: a scaler that saw it would show it."""

    def planted():
        samples = diabetes()
        samples.x[:, 0] = 2.0 ** torch.arange(len(samples.y)).remainder(100)
        return samples

    centres = []
    for index in range(3):
        module, _ = loaded(planted, folds=3, fold=index)
        raw, _ = loaded(planted, folds=3, fold=index, scale="none")
        x = raw.splits["train"][0].double()
        deviation = x.std(dim=0, correction=0)
        assert torch.allclose(module.preprocess.centre.double(), x.mean(dim=0), rtol=1e-5)
        assert torch.allclose(module.preprocess.width.double(), deviation, rtol=1e-5)
        centres.append(float(module.preprocess.centre[0]))
    assert len(set(centres)) == 3


PLACE = torch.arange(178)
LATE = torch.where((PLACE >= 30) & (PLACE < 90), 0, PLACE % 3)
"""Classes of which two do not occur for a while."""


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"split": PLACE % 3}, Refusal(Code.INCOMPATIBLE, "cv.folds", 4)),
        ({"groups": PLACE % 3}, Refusal(Code.INCOMPATIBLE, "cv.folds", 4)),
        (
            {"ordered": True, "y": LATE},
            Refusal(Code.DATA, match="Class .* is absent from the .* part of fold 0 of 4"),
        ),
    ],
)
def test_folds_that_make_no_sense_are_refused(change, refusal) -> None:
    def source():
        return dataclasses.replace(wine(), **change)

    with refusal:
        DataModule(source, val=1 / 3, test=0, folds=4).load()


def test_a_series_too_short_is_refused() -> None:
    with Refusal(Code.INCOMPATIBLE, "cv.folds", 40) as caught:
        folds(sunspots(horizon=12), 40, seed=0, within=torch.arange(50))
    error = caught.value
    assert (error.code, error.key, error.value) == (Code.INCOMPATIBLE, "cv.folds", 40)


def test_a_fold_that_there_is_not_is_refused() -> None:
    with Refusal(Code.OUT_OF_RANGE, "data.fold", 3):
        DataModule(wine, folds=3, fold=3).load()
