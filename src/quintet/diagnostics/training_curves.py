"""Diagnosis of training curves: problems visible in metrics.csv, with remedies.

The patterns are those of Karpathy 2019, "A recipe for training neural networks", and of Stanford's
CS231n notes, "Babysitting the learning process". Every threshold is a fraction of the range of the
loss: from that of a guess to the lowest of the run.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import fmean, linear_regression

from quintet.artifacts import untrusted_files
from quintet.base.console import with_same_overrides

Row = dict[str, float]
MOST_EPOCHS = 1e9


@dataclass(frozen=True)
class Curves:
    """The losses and learning rates of a run, one per epoch.

    Args:
        train: mean training loss, including the effect of regularization.
        val: validation loss.
        rates: learning rate at the start of the epoch.
        guess: loss of zero outputs; see `start_checks.losses_before`.
        initial: loss before the first step.
        batch_size: samples per step.

    """

    train: list[float]
    val: list[float]
    rates: list[float]
    guess: float
    initial: float
    batch_size: int

    @cached_property
    def drop(self) -> float:
        """Range from the higher of guess and initial loss down to the lowest training loss."""
        return max(self.guess - min(self.train), self.initial - min(self.train), 0.1 * self.guess)

    @property
    def tail(self) -> int:
        """Number of epochs at the end of the run: a quarter, at least two."""
        return max(2, len(self.train) // 4)

    @property
    def lowest(self) -> int:
        """Epoch of the lowest validation loss."""
        return self.val.index(min(self.val))


def read(path: Path) -> list[Row]:
    """Return the rows of a metrics.csv; [] if there is no file.

    Raises:
        DamagedError: it is not a table of numbers with one row per epoch.

    """
    if not untrusted_files.has(path.parent, path.name):
        return []
    table = untrusted_files.read_table(path.parent, path.name)
    with untrusted_files.understood(path):
        rows = [{key: float(value) for key, value in row.items() if value} for row in table]
        for row in rows:
            if not 0 <= row["epoch"] <= MOST_EPOCHS:
                raise ValueError(f"{row['epoch']} is not an epoch")
    return rows


def diagnose(
    rows: Sequence[Row], guess: float, initial: float | None = None, batch_size: int = 0
) -> list[str]:
    """Return the problems of a run's curves, the most important first; [] if there are none.

    Args:
        rows: rows of metrics.csv.
        guess: validation loss of zero outputs.
        initial: validation loss before the first step; None: that of a guess.
        batch_size: samples per step.

    """
    needed = ("train/loss", "val/loss", "lr")
    whole = [row for row in rows if all(key in row for key in needed)]
    if len(whole) < 2 or not guess > 0:
        return []
    train, val, rates = ([row[key] for row in whole] for key in needed)
    curves = Curves(train, val, rates, guess, guess if initial is None else initial, batch_size)
    if found := diverged(curves):
        return [found]
    return [problem for pattern in PATTERNS if (problem := pattern(curves))]


def diverged(c: Curves) -> str | None:
    """Check whether the loss is NaN, or rose above its initial value and stayed there."""
    finite = all(map(math.isfinite, c.train))
    began = max(c.guess, c.initial)
    if finite and (c.train[-1] < 0.9 * c.guess or max(*c.train, *c.val) < 1.5 * began):
        return None
    return (
        f"Diverged: the training loss ends at {c.train[-1]:.3g}, a guess has {c.guess:.3g}. "
        f"Lower optimizer.lr (try {max(c.rates) / 10:.1g}) or set trainer.gradient_clip_val=1.0."
    )


def hockey_stick(c: Curves) -> str | None:
    """Check whether the model starts far worse than a guess and first has to undo the init."""
    if c.initial < 1.5 * c.guess:
        return None
    return (
        f"Hockey stick: the loss starts at {c.initial:.3g}, well above that of a guess "
        f"({c.guess:.3g}), so the first epochs only undo the init. init=he_uniform (ReLU) or "
        "init=xavier_uniform (tanh), with init.output_gain=0.1, starts better."
    )


def climbing(c: Curves) -> str | None:
    """Check whether both losses still fall substantially at the end."""
    fall = {name: _fall(loss, c.tail) / c.drop for name, loss in (("t", c.train), ("v", c.val))}
    if min(fall.values()) < 0.04 or c.val[-1] > min(c.val) + 0.02 * c.drop:
        return None
    return (
        "Still climbing: training and validation both get better to the end. Train longer "
        f"(trainer.max_epochs={3 * len(c.train)})"
        + (" or with a higher optimizer.lr." if len(c.train) > 5 else ".")
    )


def overfitting(c: Curves) -> str | None:
    """Check whether the gap is wide and grows: the training loss falls, validation does not."""
    end = len(c.train) - c.tail
    train, val = fmean(c.train[end:]), fmean(c.val[end:])
    rise = (val - min(c.val)) / c.drop
    fell = c.train[c.lowest] - train
    gap = (val - train) / c.drop
    before = (fmean(c.val[: c.tail]) - fmean(c.train[: c.tail])) / c.drop
    apart = val - train > 0.05 * c.guess and val - min(c.val) > 2 * _jitter(c.val)
    turned = apart and rise > 0.1 and fell > 0.02 * c.drop and c.lowest < end
    wide = gap > 0.2 and gap > before + 0.1 and _fall(c.val, c.tail) < 0.04 * c.drop
    if not turned and not wide:
        return None
    seen = (
        f"validation is best in epoch {c.lowest + 1} of {len(c.val)} and gets worse"
        if turned
        else "validation does not improve"
    )
    return (
        f"Overfitting: {seen} while the training loss keeps falling (loss {train:.3g} in training, "
        f"{val:.3g} in validation). Regularise (model.dropout, optimizer=adamw "
        "optimizer.weight_decay=0.1, a smaller model) or get more data."
    )


def too_small(c: Curves) -> str | None:
    """Check whether both losses are close together, flat, and not far below that of a guess."""
    end = len(c.train) - c.tail
    train, val = fmean(c.train[end:]), fmean(c.val[end:])
    flat = max(abs(_fall(c.train, c.tail)), abs(_fall(c.val, c.tail))) < 0.04 * c.guess
    if train < 0.6 * c.guess or not flat or val - train > 0.15 * c.guess or len(c.train) < 5:
        return None
    return (
        f"Too small, or too slow: training and validation are both near {train:.3g}, a "
        f"guess has {c.guess:.3g}. Check whether optimizer.lr is too low "
        f"({with_same_overrides('check')}); if not, more capacity (model.width, model.depth) and "
        "less dropout. If that changes nothing, these inputs hold no more information."
    )


def plateau(c: Curves) -> str | None:
    """Check whether the loss is flat above its floor at a learning rate that was never lowered."""
    end = len(c.train) - c.tail
    level = fmean(c.train[end:])
    constant = c.rates[-1] > 0.5 * max(c.rates)
    fell = c.guess - level > 0.4 * c.guess
    flat = abs(_fall(c.train, c.tail)) < 0.03 * c.drop
    if len(c.train) < 12 or not constant or not fell or not flat or level < 0.04 * c.guess:
        return None
    return (
        f"Plateau: the training loss has stopped falling at {level:.3g} and the learning rate is "
        f"still high ({c.rates[-1]:.2g}). Lower it during training: scheduler=cosine, one_cycle or "
        "plateau."
    )


def noisy(c: Curves) -> str | None:
    """Check whether the training loss oscillates from epoch to epoch."""
    steps = _steps(c.train)
    if len(steps) < 5:
        return None
    turns = sum(a * b < 0 for a, b in pairwise(steps)) / (len(steps) - 1)
    size = _jitter(c.train) / c.drop
    if turns < 0.4 or size < 0.06:
        return None
    cure = (
        f"Take larger batches (data.batch_size={8 * c.batch_size})"
        if 0 < c.batch_size < 32
        else "Lower optimizer.lr"
    )
    return (
        f"Noisy: the training loss jumps by {size:.0%} of its whole fall from one epoch to the "
        f"next. {cure}, or callbacks=ema."
    )


PATTERNS: tuple[Callable[[Curves], str | None], ...] = (
    hockey_stick,
    climbing,
    overfitting,
    too_small,
    plateau,
    noisy,
)


def _fall(losses: Sequence[float], tail: int) -> float:
    """Return the decrease of the losses over the last `tail` epochs, by a linear fit."""
    last = losses[-tail - 1 :]
    return -linear_regression(range(len(last)), last).slope * (len(last) - 1)


def _steps(losses: Sequence[float]) -> list[float]:
    """Return the changes from epoch to epoch in the second half of a run."""
    last = losses[-max(6, len(losses) // 2) :]
    return [after - before for before, after in pairwise(last)]


def _jitter(losses: Sequence[float]) -> float:
    return fmean(map(abs, _steps(losses)))
