from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import log_loss

from quintet.artifacts import predictions_file
from quintet.artifacts.predictions_file import Examples, Predictions, read, read_examples
from quintet.artifacts.untrusted_files import DamagedError

DRAW = np.random.default_rng(0)


def made(task, target, predicted):
    index = np.arange(len(target))
    return Predictions(task, index, np.array(target), np.array(predicted, np.float32), len(target))


def test_what_is_written_is_read_again(tmp_path):
    val = made("multilabel", DRAW.integers(2, size=(5, 3)), DRAW.random((5, 3)))
    test = Predictions("multilabel", np.array([0, 2]), val.target[:2], val.predicted[:2], 4, True)
    shown = Examples(np.array([4, 1]), {"text": np.array(["a ☃", "long text"])})
    predictions_file.write(tmp_path, {"val": val, "test": test}, shown)
    found = read(tmp_path)
    for split, expected in (("val", val), ("test", test)):
        assert vars(found[split]).keys() == vars(expected).keys()
        for name, value in vars(expected).items():
            np.testing.assert_array_equal(getattr(found[split], name), value)
    assert read_examples(tmp_path).shown["text"].tolist() == ["a ☃", "long text"]


def test_predictions_of_a_table_carry_the_rows_of_its_file(tmp_path):
    rows = np.array([7, 3])
    known = Predictions("binary", np.arange(2), np.array([0, 1]), np.ones(2), 2, row=rows)
    predictions_file.write(tmp_path, {"val": known})
    np.testing.assert_array_equal(read(tmp_path)["val"].row, rows)
    predictions_file.write(tmp_path, {"val": replace(known, row=np.arange(3))})
    with pytest.raises(DamagedError, match="rows of shape"):
        read(tmp_path)


def test_a_folder_without_answers_has_none(tmp_path):
    assert read(tmp_path) == {}
    assert read_examples(tmp_path) is None


def test_the_mean_wrongness_of_classes_is_the_log_loss():
    truth, p = DRAW.integers(4, size=50), DRAW.dirichlet(np.ones(4), size=50).astype(np.float32)
    ours = made("multiclass", truth, p).wrongness().mean()
    assert ours == pytest.approx(log_loss(truth, p, labels=range(4)), abs=1e-6)
    two = made("binary", truth > 1, p[:, 0]).wrongness().mean()
    assert two == pytest.approx(log_loss(truth > 1, p[:, 0]), abs=1e-6)


def test_the_worst_mistake_comes_first():
    sure = made("multiclass", [0, 1, 1], [[0.9, 0.1], [0.99, 0.01], [0.6, 0.4]])
    assert sure.mistakes().tolist() == [1, 2, 0]
    labels = made("multilabel", [[0, 1], [1, 1]], [[0.1, 0.9], [0.1, 0.8]])
    assert labels.mistakes(1).tolist() == [1]
    values = made("regression", [[1.0, 500.0], [2.0, 900.0]], [[3.0, 500.0], [2.0, 890.0]])
    assert values.mistakes(1).tolist() == [0]  # 10 of 900 is nothing where the spread is 200


@pytest.mark.parametrize(
    ("total", "width", "every"), [(360, 10, 1), (10_001, 1, 2), (900, 5000, 5)]
)
def test_large_splits_are_thinned_out(total, width, every):
    assert predictions_file.stride(total, width) == every


@pytest.mark.parametrize(
    "shown",
    [
        {"columns": np.array(["a", "b", "c"]), "cells": np.array([["1", "2"]])},
        {"cells": np.array([["1", "2"]])},
        {"image": np.zeros((1, 8, 8, 7), np.uint8)},
        {"image": np.full((1, 8, 8), np.nan)},
        {"window": np.zeros((1, 8))},
        {"text": np.array([["a"]])},
    ],
)
def test_examples_that_no_page_can_show_are_refused(tmp_path, shown):
    predictions_file.write(tmp_path, {}, Examples(np.array([0]), shown))
    with pytest.raises(DamagedError, match=r"predictions\.npz"):
        read_examples(tmp_path)


def test_a_split_that_there_is_not_is_refused(tmp_path):
    ones = np.ones(2)
    answers = Predictions("binary", np.arange(2), np.arange(2), ones.astype(np.float32), 2)
    predictions_file.write(tmp_path, {"<script>": answers})
    with pytest.raises(DamagedError, match="is not a split"):
        read(tmp_path)
