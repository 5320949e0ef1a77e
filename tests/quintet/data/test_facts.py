from dataclasses import replace

import pytest
import torch

from quintet.base.errors import Code
from quintet.data.facts import check, facts, fingerprint
from quintet.data.samples import Samples
from quintet.data.sources.bundled import (
    diabetes,
    digits,
    digits_imbalanced,
    digits_multilabel,
    wine,
)
from quintet.data.sources.text import unicode_names
from quintet.data.splitting.split import split
from refusals import Refusal


def of(samples: Samples):
    return facts(samples, *split(samples, 0.1, 0.2, seed=0))


def test_class_counts_are_those_of_the_training_part() -> None:
    found = of(digits_imbalanced())
    assert found.class_counts == [1135, 122]
    assert (found.num_classes, found.num_targets) == (2, 1)
    assert found.train_size + found.val_size + found.test_size == 1797


def test_labels_and_values_are_counted_as_targets() -> None:
    assert (of(digits_multilabel()).num_targets, of(digits_multilabel()).num_classes) == (4, 0)
    assert (of(diabetes()).num_targets, of(diabetes()).class_counts) == (1, [])


def test_the_fingerprint_changes_with_any_value_and_with_nothing_else() -> None:
    first = fingerprint(wine())
    assert first == fingerprint(wine())
    changed = wine()
    changed.x[100, 3] += 0.001
    assert fingerprint(changed) != first
    relabelled = wine()
    relabelled.y[0] = 1
    assert fingerprint(relabelled) != first
    assert fingerprint(replace(wine(), data_summary=["told otherwise"])) == first


def broken(change: str) -> Samples:
    samples = wine()
    if change == "infinite":
        samples.x[3, 2] = torch.inf
    elif change == "length":
        samples.x = samples.x[:-1]
    elif change == "dtype":
        samples.y = samples.y.float()
    elif change == "shape":
        samples.x = samples.x[:, :, None]
    elif change == "one class":
        samples.y[:] = 1
    elif change == "range":
        samples.y[5] = 7
    elif change == "nan image":
        samples = digits()
        samples.x[7, 0, 0, 0] = torch.nan
    elif change == "nan target":
        samples = diabetes()
        samples.y[4] = torch.nan
    elif change == "labels":
        samples = digits_multilabel()
        samples.y[0, 0] = 0.5
    elif change == "tokens":
        samples = unicode_names()
        samples.x[0, 0] = 10**6
    return samples


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ("infinite", Refusal(Code.DATA, match="Sample 3.*infinite")),
        ("length", Refusal(Code.DATA, match="177 inputs and 178 targets")),
        ("dtype", Refusal(Code.DATA, match="int64")),
        ("shape", Refusal(Code.DATA, match="kind table")),
        ("one class", Refusal(Code.DATA, match="only one class")),
        ("range", Refusal(Code.DATA, match="0..2")),
        ("nan image", Refusal(Code.DATA, match="Sample 7.*NaN")),
        ("nan target", Refusal(Code.DATA, match="target of sample 4")),
        ("labels", Refusal(Code.DATA, match="zeros and ones")),
        ("tokens", Refusal(Code.DATA, match="vocabulary")),
    ],
)
def test_broken_samples_are_refused(change: str, refusal: Refusal) -> None:
    with refusal as caught:
        check(broken(change))
    assert caught.value.code is Code.DATA


def test_missing_numbers_of_a_table_are_allowed() -> None:
    samples = wine()
    samples.x[3, 2] = torch.nan
    check(samples)
