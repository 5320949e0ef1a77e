"""The promises of the example loss; test_contract.py tests those of every loss."""

import pytest
import torch
from torch.nn import functional

from project.losses.generalized_cross_entropy import GeneralizedCrossEntropy
from quintet.base.errors import Code, UserError

LOGITS = torch.randn(6, 3, generator=torch.manual_seed(0))
TARGET = torch.arange(6) % 3


def test_near_zero_it_is_cross_entropy():
    expected = functional.cross_entropy(LOGITS, TARGET)
    torch.testing.assert_close(
        GeneralizedCrossEntropy(1e-4)(LOGITS, TARGET), expected, rtol=1e-3, atol=0
    )


def test_at_one_it_is_the_mean_absolute_error():
    p = LOGITS.softmax(1)[torch.arange(6), TARGET]
    torch.testing.assert_close(GeneralizedCrossEntropy(1.0)(LOGITS, TARGET), (1 - p).mean())


@pytest.mark.parametrize("q", [0.0, 1.5])
def test_an_impossible_q_is_refused(q):
    with pytest.raises(UserError) as caught:
        GeneralizedCrossEntropy(q)
    assert (caught.value.code, caught.value.key) == (Code.OUT_OF_RANGE, "loss.q")
