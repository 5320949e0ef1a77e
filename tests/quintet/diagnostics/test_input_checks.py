from copy import copy
from dataclasses import replace

import torch
from subjects import subject

from quintet.diagnostics import input_checks


def with_split(subject, name, x=None, y=None):
    data = copy(subject.data)
    old_x, old_y = data.splits[name]
    data.splits = data.splits | {
        name: (old_x if x is None else x, old_y if y is None else y),
    }
    return replace(subject, data=data)


def test_labels_out_of_range_are_caught(digits):
    y = digits.data.splits["val"][1].clone()
    y[3] = 10
    found = input_checks.targets(with_split(digits, "val", y=y))
    assert (found.verdict, found.seen[:15]) == ("fail", "classes 0 to 10")


def test_unscaled_inputs_are_caught(tmp_path):
    found = input_checks.scale(subject(tmp_path, "data=breast_cancer", "data.scale=none"))
    assert (found.verdict, "data.scale=standard" in found.cure) == ("warn", True)


def test_copies_on_both_sides_of_a_split_are_caught(digits):
    train, val = digits.data.splits["train"][0], digits.data.splits["val"][0]
    leaked = torch.cat([train[:9], val[9:]])
    found = input_checks.leak(with_split(digits, "val", x=leaked))
    assert found.verdict == "fail"
    assert found.seen.startswith("5.0% of val")
    assert input_checks.leak(digits).verdict == "pass"


def test_twins_of_coarse_data_are_only_pointed_out(tmp_path):
    found = input_checks.leak(subject(tmp_path, "data=fair"))
    assert found.verdict == "warn"
    assert "of training itself" in found.seen


def test_accuracy_on_imbalanced_classes_is_pointed_out(tmp_path):
    heavy = subject(tmp_path, "data=digits_imbalanced")
    assert input_checks.imbalance(heavy).verdict == "pass"
    found = input_checks.imbalance(replace(heavy, metric="accuracy"))
    assert (found.verdict, "right in 90." in found.seen) == ("warn", True)


def test_rows_that_were_doubled_before_the_split_are_no_chance(tmp_path):
    """Every copy has a twin in training as well; but no two patients are alike in 30 numbers."""
    cancer = subject(tmp_path, "data=breast_cancer")
    train, val = cancer.data.splits["train"][0], cancer.data.splits["val"][0]
    doubled = torch.cat([train[: len(train) // 2]] * 2)
    leaked = with_split(cancer, "train", x=doubled)
    found = input_checks.leak(with_split(leaked, "val", x=torch.cat([doubled[:30], val[30:]])))
    assert (found.verdict, found.seen[:5]) == ("fail", "52.6%")
