import numpy as np
import torch

from quintet.data.statistic import moments, quantiles


def test_moments_keep_small_differences_of_large_values() -> None:
    column = 1e6 + torch.arange(1000, dtype=torch.float32)[:, None] % 4
    mean, deviation = moments(column)
    assert float(mean) == 1e6 + 1.5
    np.testing.assert_allclose(float(deviation), np.sqrt(1.25), rtol=1e-6)


def test_quantiles_take_more_numbers_than_torch_does() -> None:
    column = torch.arange(2**24 + 2, dtype=torch.float32)[:, None] / 2**24
    assert abs(float(quantiles(column, [0.5])[0]) - 0.5) < 1e-3
