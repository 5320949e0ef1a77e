import numpy as np
import pytest
import torch
from statsmodels.datasets import sunspots as source

from quintet.base.errors import Code, UserError
from quintet.data.facts import check
from quintet.data.samples import Samples
from quintet.data.sources.series import elnino, series, sunspots, windows
from refusals import Refusal


def autoregression(samples: Samples, tested: int) -> float:
    from sklearn.linear_model import LinearRegression

    x, y = samples.x[..., 0].numpy(), samples.y.numpy()
    model = LinearRegression().fit(x[:-tested], y[:-tested])
    return float(np.sqrt(np.mean((model.predict(x[-tested:]) - y[-tested:]) ** 2)))


def test_windows_hold_the_past_and_targets_what_follows() -> None:
    samples = windows(np.arange(10.0), window=3, horizon=2, name="count")
    assert samples.x[:, :, 0].tolist() == [[i, i + 1, i + 2] for i in range(6)]
    assert samples.y.tolist() == [[i + 3, i + 4] for i in range(6)]
    assert (samples.ordered, samples.purge) == (True, 1)
    assert samples.class_names == ["count+1", "count+2"]
    check(samples)


def test_windows_share_no_memory_with_each_other() -> None:
    samples = sunspots()
    before = samples.x[1].clone()
    samples.x[0] = -1
    assert torch.equal(samples.x[1], before)


def test_an_autoregression_on_the_windows_scores_as_published() -> None:
    assert autoregression(sunspots(window=9), 60) == pytest.approx(19.14, abs=0.005)
    assert autoregression(elnino(window=24), 120) == pytest.approx(0.481, abs=0.001)


def test_the_last_target_is_the_last_year() -> None:
    values = source.load_pandas().data["SUNACTIVITY"]
    assert float(sunspots().y[-1]) == pytest.approx(values.iloc[-1])


def test_a_series_of_ones_own(tmp_path) -> None:
    file = tmp_path / "s.csv"
    file.write_text("day;value\n" + "".join(f"{i};{i / 2}\n" for i in range(30)))
    samples = series(str(file), "value", window=4)
    assert samples.x[0, :, 0].tolist() == [0.0, 0.5, 1.0, 1.5]
    with Refusal(Code.UNKNOWN_NAME, "data.target", "valu", allowed=("day", "value")):
        series(str(file), "valu")


@pytest.mark.parametrize(("window", "horizon"), [(0, 1), (9, 0), (300, 9)])
def test_windows_that_do_not_fit_are_refused(window: int, horizon: int) -> None:
    with pytest.raises(UserError) as caught:
        sunspots(window, horizon)
    assert caught.value.code is Code.OUT_OF_RANGE
    assert caught.value.key == "data.window"


def test_a_gap_is_refused() -> None:
    with Refusal(Code.DATA, match=r"Value 2 .*missing"):
        windows(np.array([1, 2, np.nan, 4, 5, 6, 7]), 2, 1, "x")


def test_a_column_of_dates_is_not_a_series(tmp_path):
    path = tmp_path / "days.csv"
    path.write_text("day,y\n" + "".join(f"2024-01-{d:02d},{d}\n" for d in range(1, 29)))
    with pytest.raises(UserError) as caught:
        series(str(path), target="day")
    assert caught.value.code is Code.DATA
    assert caught.value.key == "data.target"
