import numpy as np
import pytest
import torch

from quintet.data.scaling.statistic import centre_width, medians, moments, quantiles, target_scale


def test_moments_keep_small_differences_of_large_values() -> None:
    column = 1e6 + torch.arange(1000, dtype=torch.float32)[:, None] % 4
    mean, deviation = moments(column)
    assert float(mean) == 1e6 + 1.5
    np.testing.assert_allclose(float(deviation), np.sqrt(1.25), rtol=1e-6)


def test_quantiles_take_more_numbers_than_torch_does() -> None:
    column = torch.arange(2**24 + 2, dtype=torch.float32)[:, None] / 2**24
    assert abs(float(quantiles(column, [0.5])[0]) - 0.5) < 1e-3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_statistics_leave_the_values_alone(dtype: torch.dtype) -> None:
    column = 1.7e9 + torch.tensor([0.0] * 9 + [1000.0], dtype=dtype)[:, None]
    before = column.clone()
    centre, width = target_scale(column)  # half of the values are equal: the deviation decides
    assert torch.equal(column, before)
    assert (float(centre), float(width)) == (1.7e9, pytest.approx(300, rel=0.3))


def test_a_table_without_numbers_has_no_statistics() -> None:
    none = torch.zeros(5, 0)
    assert medians(none, torch.zeros(0, dtype=torch.bool)).shape == (0,)
    assert [part.shape for part in centre_width(none, "robust")] == [(0,), (0,)]
