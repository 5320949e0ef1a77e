"""Baseline forecasts that repeat the last value of a series, or those of one season ago."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class RepeatedValues:
    """Forecast each step by the latest known value a multiple of `lag` steps before it.

    Source: Hyndman & Athanasopoulos 2021, "Forecasting: principles and practice", section 5.2.

    Args:
        lag: number of steps to look back; 1 repeats the last value. None takes the season: the lag
            of at least 2 with the smallest squared error on the training windows.

    """

    def __init__(self, lag: int | None = None) -> None:
        self.lag = lag

    def fit(self, x: Floats, y: Floats) -> Self:
        """Determine the season from windows (N, T) and the values that follow them (N, H)."""
        if self.lag is None:
            errors = [np.square(_repeated(x, n, y.shape[1]) - y).mean() for n in _seasons(x)]
            self.lag = _seasons(x)[int(np.argmin(errors))]
        self.horizon = y.shape[1]
        return self

    def predict(self, x: Floats) -> Floats:
        """Return forecasts (N, H) of the values that follow windows (N, T)."""
        assert self.lag is not None
        return _repeated(x, self.lag, self.horizon)


def _seasons(x: Floats) -> range:
    return range(2, x.shape[1] + 1)


def _repeated(x: Floats, lag: int, horizon: int) -> Floats:
    return x[:, [x.shape[1] - lag + step % lag for step in range(horizon)]]
