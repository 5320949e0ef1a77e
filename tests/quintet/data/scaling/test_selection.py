"""Columns are selected by the training part alone."""

import numpy as np
import pytest
import torch

from quintet.base.errors import Code, UserError
from quintet.data.module import DataModule
from quintet.data.samples import Samples
from quintet.data.scaling.preprocess import Preprocess
from quintet.data.scaling.selection import most_informative
from quintet.data.sources.bundled import breast_cancer
from quintet.data.sources.text import unicode_names


def planted() -> Samples:
    """Return noise with a column informative on training rows, and one informative on all others.

    The data itself deals its rows to the parts, so that both are known beforehand.
    """
    rng = np.random.default_rng(0)
    y = torch.from_numpy(rng.integers(0, 2, 600))
    part = torch.arange(600) % 3
    x = torch.from_numpy(rng.normal(size=(600, 6)).astype(np.float32))
    x[:, 2] += 4 * y * (part == 0)
    x[:, 4] += 40 * y * (part != 0)
    return Samples(x, y, "binary", "table", split=part)


def loaded(samples: Samples, **settings) -> DataModule:
    module = DataModule(lambda: samples, **settings)
    module.load()
    return module


def kept(module: DataModule) -> list[int]:
    return (~module.preprocess.left_out).nonzero()[:, 0].tolist()


def test_a_column_that_tells_only_outside_the_training_part_is_not_seen():
    assert kept(loaded(planted(), select=1)) == [2]


@pytest.mark.parametrize("scale", ["standard", "minmax", "robust", "quantile"])
def test_what_is_outside_the_training_part_moves_no_statistic(scale):
    one, other = planted(), planted()
    outside = one.split != 0
    other.x[outside] *= 1000
    other.y[outside] = 1 - other.y[outside]
    states = [loaded(s, select=0.5, scale=scale).preprocess.state_dict() for s in (one, other)]
    assert str(states[0]) == str(states[1])


def test_columns_are_chosen_fold_by_fold_without_what_is_held_out_or_test():
    """Each fold has a column that gives its held-out samples away; the test part has one too."""
    rng = np.random.default_rng(0)
    y = torch.from_numpy(rng.integers(0, 2, 600))
    x = torch.from_numpy(rng.normal(size=(600, 6)).astype(np.float32))
    x[:, 5] += 4 * y
    for fold in range(3):
        dealt = loaded(Samples(x, y, "binary", "table"), folds=3, fold=fold)
        held, test = (dealt.indices[part] for part in ("val", "test"))
        planted = x.clone()
        planted[held, 1] += 40 * y[held]
        planted[test, 2] += 40 * y[test]
        samples = Samples(planted, y, "binary", "table")
        assert kept(loaded(samples, folds=3, fold=fold, select=1)) == [5]
        other = (fold + 1) % 3  # where the same samples are there to be trained on
        assert kept(loaded(samples, folds=3, fold=other, select=2)) == [1, 5]


def test_a_column_that_is_left_out_is_zero_for_the_model_in_every_part():
    module = loaded(planted(), select=2)
    left = module.preprocess.left_out
    assert int(left.sum()) == 4
    for inputs, _ in module.splits.values():
        assert (inputs[:, left] == 0).all()
        assert (inputs[:, ~left] != 0).any()


def test_new_inputs_are_selected_as_the_checkpoint_says():
    module, samples = loaded(planted(), select=0.5), planted()
    again = Preprocess()
    again.load_state_dict(module.preprocess.state_dict())
    assert torch.equal(again.transform(samples.x), module.preprocess.transform(samples.x))


def test_relations_that_are_not_lines_and_codes_are_found():
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(500, 5)).astype(np.float32))
    x[:, 3:] = torch.from_numpy(rng.integers(0, 4, (500, 2)).astype(np.float32))
    y = x[:, 1:2] ** 2 + (x[:, 4:5] == 2).float() * 3
    assert most_informative(x, 2, y, "regression", 2).nonzero()[:, 0].tolist() == [1, 4]


def test_it_ranks_as_scikit_learn_does():
    from sklearn.feature_selection import mutual_info_classif

    samples = breast_cancer()
    scores = mutual_info_classif(samples.x.numpy(), samples.y.numpy(), random_state=0)
    mask = most_informative(samples.x, 0, samples.y, "binary", 10)
    assert set(mask.nonzero()[:, 0].tolist()) == set(np.argsort(-scores)[:10].tolist())


@pytest.mark.parametrize("select", [0, -1, 2.5])
def test_what_is_neither_a_share_nor_a_number_is_refused(select):
    with pytest.raises(UserError) as caught:
        loaded(planted(), select=select)
    assert caught.value.code is Code.OUT_OF_RANGE
    assert caught.value.key == "data.select"


def test_more_columns_than_there_are_is_all_of_them():
    assert kept(loaded(planted(), select=99)) == [0, 1, 2, 3, 4, 5]


def test_only_a_table_has_columns_to_leave_out():
    with pytest.raises(UserError) as caught:
        loaded(unicode_names(), select=0.5)
    assert caught.value.code is Code.INCOMPATIBLE
    assert caught.value.key == "data.select"
