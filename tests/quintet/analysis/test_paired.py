import numpy as np
import pytest
from scipy import stats

from quintet.analysis.paired import paired


def test_the_interval_is_students():
    d = [0.01, 0.03, -0.01, 0.02, 0.04]
    found, theirs = paired(d), stats.ttest_1samp(d, 0).confidence_interval(0.95)
    assert (found.mean.low, found.mean.high) == pytest.approx((theirs.low, theirs.high))


def test_the_sign_flip_test_is_exact():
    d = np.array([0.01, 0.03, -0.01, 0.02, 0.04])
    theirs = stats.permutation_test(
        (d, np.zeros(5)), lambda x, y, axis: (x - y).mean(axis), permutation_type="samples"
    )
    assert paired(list(d)).p == pytest.approx(theirs.pvalue)


def test_five_seeds_that_agree_give_the_least_p_there_is():
    found = paired([0.01, 0.02, 0.01, 0.03, 0.02])
    assert found.p == found.least == 2 / 32


def test_many_pairs_are_flipped_at_random():
    d = list(np.random.default_rng(0).normal(0.3, 1, size=60))
    assert paired(d).p == pytest.approx(stats.ttest_1samp(d, 0).pvalue, abs=0.02)
