import numpy as np
import pytest
import torch
from subjects import subject

from quintet.diagnostics import baselines
from quintet.diagnostics.repeated_values import RepeatedValues


def cut(values: np.ndarray, window: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    both = np.lib.stride_tricks.sliding_window_view(values, window + horizon)
    return both[:, :window], both[:, window:]


def test_the_season_is_found_and_repeated_over_a_longer_horizon():
    x, y = cut(np.tile([1.0, 5.0, 2.0, 9.0, 4.0, 0.0, 7.0], 30), window=15, horizon=10)
    model = RepeatedValues().fit(x, y)
    assert model.lag == 7
    np.testing.assert_array_equal(model.predict(x), y)


def test_persistence_repeats_the_last_value():
    x, y = cut(np.arange(20.0), window=4, horizon=3)
    assert RepeatedValues(1).fit(x, y).predict(x[:1]).tolist() == [[3, 3, 3]]


@pytest.mark.parametrize("words", [(), ("data.scale=quantile",)], ids=str)
def test_a_series_has_them_in_its_own_units(tmp_path, words):
    one = subject(tmp_path, "data=elnino", *words)
    found = baselines.predict(one.data, one.facts, ["test"])
    last = one.data.inputs("test", torch.arange(one.facts.test_size))[:, -1]
    torch.testing.assert_close(found["persistence"]["test"], last, rtol=1e-4, atol=1e-3)
    truth = one.data.splits["test"][1]
    errors = {name: float((found[name]["test"] - truth).square().mean()) for name in found}
    assert errors["linear"] < errors["seasonal"] < errors["dummy"]


def test_a_series_far_from_0_keeps_its_differences(tmp_path):
    path = tmp_path / "far.csv"
    rows = [f"{1e9 + i % 4}" for i in range(200)]
    path.write_text("\n".join(["units", *rows]))
    one = subject(tmp_path, "data=series", f"data.path={path}", "data.target=units")
    found = baselines.predict(one.data, one.facts, ["test"])["seasonal"]["test"]
    torch.testing.assert_close(found, one.data.splits["test"][1], rtol=0, atol=1e-3)
