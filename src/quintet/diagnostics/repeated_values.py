"""Forecasts that repeat a series: its last value, or the values of a season ago."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class RepeatedValues:
    """Forecasts each step by the value `lag` steps before it, or by the latest such value known.

    Source: Hyndman & Athanasopoulos 2021, "Forecasting: principles and practice", section 5.2.

    Args:
        lag: steps to look back; 1 repeats the last value, None takes the season: the lag from 2 on
            with the least squared error on the windows that it is fitted on.

    """

    def __init__(self, lag: int | None = None) -> None:
        self.lag = lag

    def fit(self, x: Floats, y: Floats) -> Self:
        """Find the season, from windows (N, T) and what follows them (N, H)."""
        if self.lag is None:
            errors = [np.square(_repeated(x, n, y.shape[1]) - y).mean() for n in _seasons(x)]
            self.lag = _seasons(x)[int(np.argmin(errors))]
        self.horizon = y.shape[1]
        return self

    def predict(self, x: Floats) -> Floats:
        """Forecast what follows windows (N, T), (N, H)."""
        assert self.lag is not None
        return _repeated(x, self.lag, self.horizon)


def _seasons(x: Floats) -> range:
    return range(2, x.shape[1] + 1)


def _repeated(x: Floats, lag: int, horizon: int) -> Floats:
    return x[:, [x.shape[1] - lag + step % lag for step in range(horizon)]]
