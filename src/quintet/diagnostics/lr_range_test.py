"""The learning-rate range test: Smith 2017, "Cyclical learning rates for training neural nets"."""

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import fmean
from typing import cast

from torch import Tensor
from torch.optim import Optimizer

from quintet.artifacts import csv_cells

LOWEST, HIGHEST, STEPS = 1e-6, 10.0, 120
MEMORY = 0.9
"""Decay of the moving average that smooths the loss."""
BEGINNING = 20
"""Steps at the lowest rates, which change almost nothing."""
EXPLODED = 4.0
"""The test ends at this multiple of the lowest loss so far."""


@dataclass(frozen=True)
class Curve:
    """Smoothed loss over learning rate.

    Args:
        rates: rising rates, evenly spaced on a log scale.
        losses: loss at each rate, until training diverged.

    """

    rates: list[float]
    losses: list[float]

    @property
    def start(self) -> float:
        """The loss before the rates are large enough to change it."""
        return fmean(self.losses[:BEGINNING])

    @property
    def lowest(self) -> float:
        """The rate with the lowest loss; higher rates are worse."""
        return self.rates[self.losses.index(min(self.losses))]

    @property
    def halfway(self) -> float:
        """The rate at which the loss has decreased by half of its total decrease."""
        half = (self.start + min(self.losses)) / 2
        above = [i for i, loss in enumerate(self.losses) if loss > half]
        before = [i for i in above if self.rates[i] < self.lowest]
        return self.rates[before[-1] + 1] if before else self.lowest

    @property
    def suggestion(self) -> float:
        """A rate to train with: the loss falls fast there, and only rises at much higher rates.

        Smith reads it off the curve by eye. Half of the decrease is close to the steepest point,
        but more robust to the noise of small batches.
        """
        return float(f"{self.halfway:.1e}")

    @property
    def learns(self) -> bool:
        """Whether the loss falls at any rate."""
        return min(self.losses) < 0.98 * self.start

    def at(self, rate: float) -> float:
        """Return the loss at the tested rate closest to `rate`; inf if training diverged there."""
        if rate > self.rates[-1]:
            return math.inf
        nearest = min(range(len(self.rates)), key=lambda i: abs(math.log(self.rates[i] / rate)))
        return self.losses[nearest]

    def to_csv(self) -> str:
        """Return the curve as CSV with columns lr and loss."""
        pairs = zip(self.rates, self.losses, strict=True)
        return csv_cells.table(("lr", "loss"), ({"lr": rate, "loss": loss} for rate, loss in pairs))


def range_test(
    step: Callable[[tuple[Tensor, Tensor]], Tensor],
    optimizer: Optimizer,
    batches: Sequence[tuple[Tensor, Tensor]],
) -> Curve:
    """Train with a learning rate that rises at every step until the loss explodes.

    The rate is that of the optimizer's first group; the others keep their proportion to it.

    Args:
        step: function that returns the mean loss of a batch.
        optimizer: optimizer of the parameters.
        batches: training batches, used in order.

    """
    rising = rising_rates(optimizer)
    next(rising)
    for batch in cycle(batches):
        optimizer.zero_grad()
        loss = step(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        try:
            rising.send(float(loss.detach()))
        except StopIteration as end:
            return cast(Curve, end.value)
    raise ValueError("There are no batches")


def rising_rates(optimizer: Optimizer) -> Generator[None, float, Curve]:
    """Set a higher rate before each step; return the curve after the last step or divergence.

    The generator is sent the mean loss of the step at the current rate.
    """
    growth = (HIGHEST / LOWEST) ** (1 / (STEPS - 1))
    first = optimizer.param_groups[0]["lr"]
    shares = [group["lr"] / first if first else 1.0 for group in optimizer.param_groups]
    rates: list[float] = []
    losses: list[float] = []
    average = 0.0
    for number in range(STEPS):
        rate = LOWEST * growth**number
        for group, share in zip(optimizer.param_groups, shares, strict=True):
            group["lr"] = rate * share
        loss = yield
        average = MEMORY * average + (1 - MEMORY) * loss
        smooth = average / (1 - MEMORY ** (number + 1))
        if not math.isfinite(smooth) or (losses and smooth > EXPLODED * min(losses)):
            break
        rates.append(rate)
        losses.append(smooth)
    if not losses:
        return Curve([LOWEST], [math.inf])
    return Curve(rates, losses)


def draw(curve: Curve, chosen: float, width: int = 64, height: int = 7) -> list[str]:
    """Draw the curve as text, with the suggested rate marked as ^ and the chosen one as o."""
    finite = [loss for loss in curve.losses if math.isfinite(loss)]
    if not finite:
        return []
    top, bottom = min(max(finite), 1.5 * finite[0]), min(finite)
    grid = [[" "] * width for _ in range(height)]
    for rate, loss in zip(curve.rates, curve.losses, strict=True):
        share = (min(loss, top) - bottom) / ((top - bottom) or 1.0)
        grid[round((1 - share) * (height - 1))][_column(rate, width)] = "•"
    marks = [" "] * width
    marks[_column(chosen, width)] = "o"
    marks[_column(curve.suggestion, width)] = "^"
    ends = {0: f"{top:8.3f} ", height - 1: f"{bottom:8.3f} "}
    lines = [ends.get(i, " " * 9) + "│" + "".join(row).rstrip() for i, row in enumerate(grid)]
    axis = "".join(f"{f'1e{power:+d}':<{width // 7}}" for power in range(-6, 2))
    return [*lines, " " * 9 + "└" + "─" * width, " " * 10 + "".join(marks), " " * 10 + axis]


def _column(rate: float, width: int) -> int:
    share = math.log(rate / LOWEST) / math.log(HIGHEST / LOWEST) if rate > 0 else 0.0
    return round(min(1.0, max(0.0, share)) * (width - 1))
