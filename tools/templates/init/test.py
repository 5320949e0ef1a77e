"""What is specific to this init: the variance of its paper, and the truncation."""

import pytest
import torch

from project.inits.new_option import new_option


def test_the_signal_keeps_its_size():
    torch.manual_seed(0)
    x = torch.randn(200, 500)
    weight = new_option(torch.empty(400, 500), cut=5.0)
    assert float((x @ weight.T).std()) == pytest.approx(1, abs=0.02)


def test_no_weight_lies_beyond_the_cut():
    torch.manual_seed(0)
    weight = new_option(torch.empty(300, 25, 4), cut=1.5)  # a convolution: fan-in 100
    assert float(weight.abs().max()) <= 1.5 / 10
