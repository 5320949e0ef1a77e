import numpy as np
import pytest
import torch

from quintet.data.facts import check
from quintet.data.scaling.preprocess import Preprocess
from quintet.data.sources import bundled
from quintet.data.splitting.split import split

SIZES = {
    bundled.digits: (1797, 1, 8, 8),
    bundled.digits_table: (1797, 64),
    bundled.digits_imbalanced: (1797, 1, 8, 8),
    bundled.digits_multilabel: (1797, 1, 8, 8),
    bundled.wine: (178, 13),
    bundled.breast_cancer: (569, 30),
    bundled.diabetes: (442, 10),
    bundled.fair: (6366, 8),
}


@pytest.mark.parametrize("source", SIZES)
def test_every_set_keeps_the_contract(source) -> None:
    samples = source()
    check(samples)
    assert tuple(samples.x.shape) == SIZES[source]


@pytest.mark.parametrize(
    ("source", "share"), [(bundled.digits_imbalanced, 0.0968), (bundled.fair, 0.3225)]
)
def test_imbalanced_sets_have_the_shares_they_claim(source, share: float) -> None:
    assert float(source().y.float().mean()) == pytest.approx(share, abs=1e-4)


def test_labels_follow_from_the_digit() -> None:
    digit, labels = bundled.digits().y, bundled.digits_multilabel().y.bool()
    for value in range(10):
        expected = [value in having for having in bundled.DIGIT_LABELS.values()]
        assert (labels[digit == value] == torch.tensor(expected)).all()


def test_least_squares_on_diabetes_scores_as_published() -> None:
    from sklearn.linear_model import LinearRegression

    samples = bundled.diabetes()
    errors = []
    for seed in range(5):
        train, _, tested = split(samples, 0, 0.2, seed)
        pre = Preprocess().fit(samples.x[train], samples.y[train], samples)
        x = pre.transform(samples.x).numpy()
        model = LinearRegression().fit(x[train], pre.transform_target(samples.y[train]))
        told = pre.restore_target(torch.from_numpy(model.predict(x[tested])))
        errors.append((told - samples.y[tested]).square().mean().sqrt())
    assert float(torch.stack(errors).mean()) == pytest.approx(55.86, abs=0.05)


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    theirs, ours = load_digits(), bundled.digits()
    assert np.array_equal(theirs.images, ours.x[:, 0].numpy())
    assert np.array_equal(theirs.target, ours.y.numpy())
