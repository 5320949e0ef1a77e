import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.base.errors import Code
from quintet.data.samples import Samples
from quintet.data.sources.bundled import digits_multilabel
from quintet.data.splitting.strata import share, strata
from refusals import Refusal


@settings(max_examples=100, deadline=None)
@given(found=st.lists(st.integers(4, 200), min_size=2, max_size=8), part=st.floats(0.1, 0.5))
def test_shares_add_up_and_are_off_by_less_than_one(found: list[int], part: float) -> None:
    counts = np.array(found)
    drawn = max(len(found), int(part * counts.sum()))
    quota = share(counts, drawn, "test", left=2)
    exact = counts * drawn / counts.sum()
    assert quota.sum() == drawn
    assert (quota >= 1).all()
    assert (counts - quota >= 2).all()
    if (exact >= 1).all() and (np.ceil(exact) <= counts - 2).all():
        assert (np.abs(quota - exact) < 1).all()


def test_too_small_a_part_for_all_classes_is_refused() -> None:
    with Refusal(Code.OUT_OF_RANGE, match=r"test part of 2 samples cannot hold all 3"):
        share(np.array([50, 50, 50]), 2, "test", left=1)


def test_each_label_combination_is_a_stratum() -> None:
    samples = digits_multilabel()
    combinations = len(torch.unique(samples.y, dim=0))
    assert len(np.unique(strata(samples))) == combinations


def test_rare_label_combinations_are_pooled() -> None:
    y = torch.zeros(30, 4)
    y[:10, 0] = 1
    y[10, 1:] = y[11, 1] = y[12, 2] = 1
    samples = Samples(torch.zeros(30, 1), y, "multilabel", "table")
    found = strata(samples)
    assert found[10] == found[11] == found[12]
    assert len(np.unique(found)) == 3
