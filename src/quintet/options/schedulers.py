"""Learning-rate schedules: warm-up before any of them, and cycles that follow the optimizer.

The schedules themselves are torch's. A schedule has one of two intervals: it is stepped after every
optimizer step ("step") or after every epoch ("epoch").
"""

import math
from collections.abc import Callable
from typing import Any, Literal

from torch.optim import Optimizer
from torch.optim import lr_scheduler as lrs
from torch.optim.lr_scheduler import LRScheduler

from quintet.base.errors import Code, UserError, check_known
from quintet.options.optimizers import SwitchesModes

FALLS: dict[str, Callable[[float], float]] = {
    "sqrt": lambda over: 1 - math.sqrt(over),
    "linear": lambda over: 1 - over,
    "cosine": lambda over: (1 + math.cos(math.pi * over)) / 2,
}
"""Decay from 1 to 0, as a function of the share of the decay that has passed."""

Factory = Callable[..., LRScheduler]
"""Makes the schedule of an optimizer; usually a `functools.partial` of its class."""

SPANS = ("T_max", "total_steps", "total_iters")
"""Arguments that set the length of a schedule."""

FACTORS = (
    lrs.ConstantLR,
    lrs.StepLR,
    lrs.MultiStepLR,
    lrs.ExponentialLR,
    lrs.ReduceLROnPlateau,
)
"""Schedules that only multiply the rate, so that a warm-up can scale it at the same time."""


def with_warmup(
    factory: Factory,
    optimizer: Optimizer,
    *,
    interval: Literal["step", "epoch"],
    warmup: int | float = 0,
    total_steps: int,
    epochs: int | None = None,
    monitor: str | None = None,
) -> list[dict[str, Any]]:
    """Make the schedule, after a linear warm-up of w steps: step t runs at (t + 1) / (w + 1).

    So no step is wasted at 0, and the full rate is not used twice (warm-up: Goyal et al., 2017,
    "Accurate, Large Minibatch SGD", section 2.2).

    - With interval "step" the schedule starts when the warm-up ends, at its own first rate, and
      spans the steps that are left: a T_max (or the like) of `total_steps` loses w.
    - With interval "epoch", where epochs are counted from the start of the run, the warm-up scales
      the first steps; a plateau can be noticed at any time. There a T_max (or the like) of
      `total_steps`, which is what the configs refer to, means all of the run's `epochs`.

    Args:
        factory: makes the schedule
        optimizer: whose rate is scheduled
        interval: when the schedule is stepped
        warmup: steps, or a fraction of the run if below 1
        total_steps: optimizer steps of the run
        epochs: of the run, begun ones included
        monitor: name of the metric that a plateau schedule monitors

    Returns:
        one or two schedulers to step, each a dict as Lightning takes it: "scheduler", "interval"
        and, for a plateau, "monitor". Their states are plain numbers.

    Raises:
        UserError: an interval or warm-up that does not fit the schedule or the run

    """
    steps = warmup_steps(warmup, total_steps)
    length = total_steps - steps
    if interval == "epoch" and epochs is not None:
        length = epochs
    main = _fitted(factory, total_steps, length)(optimizer)
    _check_interval(main, interval, steps)
    config: dict[str, Any] = {"scheduler": main, "interval": interval}
    if isinstance(main, lrs.ReduceLROnPlateau):
        config |= {"monitor": monitor, "strict": False}  # an epoch without validation has none
    if not steps:
        return [config]
    ramp = lrs.LinearLR(optimizer, start_factor=1 / (steps + 1), total_iters=steps)
    if interval == "epoch":
        return [{"scheduler": ramp, "interval": "step"}, config]
    both = lrs.SequentialLR(optimizer, [ramp, main], milestones=[steps])
    return [{"scheduler": both, "interval": "step"}]


def warmup_steps(warmup: int | float, total_steps: int) -> int:
    """Count the steps of a warm-up that is given in steps, or as a fraction of the run.

    Raises:
        UserError: negative, neither whole nor below 1, or as long as the run

    Examples:
        >>> warmup_steps(0.1, 200), warmup_steps(30, 200)
        (20, 30)

    """
    steps = round(warmup * total_steps) if 0 < warmup < 1 else int(warmup)
    if warmup < 0 or (warmup > 1 and steps != warmup):
        raise UserError(
            "is not a number of steps",
            code=Code.OUT_OF_RANGE,
            key="scheduler.warmup",
            value=warmup,
            hint="Give an integer of 0 or more, or a fraction of the run below 1, such as 0.1",
        )
    if 0 < total_steps <= steps:
        raise UserError(
            f"does not fit a run of {total_steps} steps",
            code=Code.INCOMPATIBLE,
            key="scheduler.warmup",
            value=warmup,
            hint=f"Give an integer from 0 to {max(total_steps - 1, 0)} steps, or a "
            "fraction of the run below 1, such as 0.1",
        )
    return steps


def _fitted(factory: Factory, total_steps: int, length: int) -> Factory:
    given: dict[str, Any] = getattr(factory, "keywords", {})
    spans = {key: length for key in SPANS if given.get(key) == total_steps}

    def build(optimizer: Optimizer) -> LRScheduler:
        return factory(optimizer, **spans)

    return build


def _check_interval(main: LRScheduler, interval: str, steps: int) -> None:
    name = type(main).__name__
    check_known("scheduler.interval", interval, ("step", "epoch"))
    if isinstance(main, lrs.ReduceLROnPlateau) and interval == "step":
        raise UserError(
            "does not fit plateau, which monitors a metric that is computed once per epoch",
            code=Code.INCOMPATIBLE,
            key="scheduler.interval",
            value=interval,
            hint="Use scheduler.interval=epoch",
        )
    if steps and interval == "epoch" and not isinstance(main, FACTORS):
        raise UserError(
            f"does not allow a warm-up before {name}",
            code=Code.INCOMPATIBLE,
            key="scheduler.interval",
            value=interval,
            hint="Use scheduler.interval=step (and give its lengths in steps), or "
            "scheduler.warmup=0",
        )


def uses_momentum(optimizer: Optimizer) -> bool:
    """Return whether the optimizer uses momentum or betas, so that cycling them has an effect.

    SGD and RMSprop have the argument but do not use it at 0. Schedule-free optimizers interpolate
    with it between an iterate and the average, so it must not change.
    """
    if isinstance(optimizer, SwitchesModes):
        return False
    return any("betas" in g or g.get("momentum", 0) > 0 for g in optimizer.param_groups)


def by_group(optimizer: Optimizer, rate: float) -> list[float]:
    """Return `rate` for each parameter group, in the proportions of the groups' own rates."""
    usual = optimizer.defaults["lr"]
    return [rate * (group["lr"] / usual if usual else 1.0) for group in optimizer.param_groups]


def one_cycle(
    optimizer: Optimizer,
    max_lr: float,
    total_steps: int,
    pct_start: float = 0.3,
    anneal_strategy: Literal["cos", "linear"] = "cos",
    cycle_momentum: bool = True,
    base_momentum: float = 0.85,
    max_momentum: float = 0.95,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    three_phase: bool = False,
) -> lrs.OneCycleLR:
    """Make torch's `OneCycleLR`, cycling the momentum only of an optimizer that uses it.

    Torch's own fails on Adagrad, and gives plain SGD a momentum that was not requested. Smith
    and Topin (2018), "Super-Convergence".

    Raises:
        UserError: the rise would last exactly one step, which torch divides by zero on

    """
    if pct_start * total_steps == 1:
        raise UserError(
            f"leaves one_cycle a single step of {total_steps} to raise the learning rate",
            code=Code.OUT_OF_RANGE,
            key="scheduler.pct_start",
            value=pct_start,
            hint="Raise it, or train longer",
        )
    return lrs.OneCycleLR(
        optimizer,
        by_group(optimizer, max_lr),
        total_steps=total_steps,
        pct_start=float(pct_start),
        anneal_strategy=anneal_strategy,
        cycle_momentum=cycle_momentum and uses_momentum(optimizer),
        base_momentum=base_momentum,
        max_momentum=max_momentum,
        div_factor=div_factor,
        final_div_factor=final_div_factor,
        three_phase=three_phase,
    )


def cyclic(
    optimizer: Optimizer,
    max_lr: float,
    base_lr: float | None = None,
    step_size_up: int = 2000,
    step_size_down: int | None = None,
    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
    gamma: float = 1.0,
    cycle_momentum: bool = False,
    base_momentum: float = 0.8,
    max_momentum: float = 0.9,
) -> lrs.CyclicLR:
    """Make torch's `CyclicLR`, with a lower bound that follows the upper one.

    `base_lr=None` is a quarter of `max_lr`, as Smith (2017), "Cyclical Learning Rates for Training
    Neural Networks", section 3.3, proposes. The momentum is cycled only where it is used.
    """
    return lrs.CyclicLR(
        optimizer,
        base_lr=by_group(optimizer, max_lr / 4 if base_lr is None else base_lr),
        max_lr=by_group(optimizer, max_lr),
        step_size_up=step_size_up,
        step_size_down=step_size_down,
        mode=mode,
        gamma=gamma,
        cycle_momentum=cycle_momentum and uses_momentum(optimizer),
        base_momentum=base_momentum,
        max_momentum=max_momentum,
    )


def warmup_stable_decay(
    optimizer: Optimizer,
    total_steps: int,
    decay: float = 0.2,
    shape: Literal["sqrt", "linear", "cosine"] = "sqrt",
    min_factor: float = 0.0,
) -> lrs.LambdaLR:
    """Keep the rate constant, then decay it over the last share `decay` of the steps.

    The warm-up is `scheduler.warmup`'s. Until the decay a run does not depend on its length, so
    shorter and longer runs can be compared, or continued, there. Hu et al. (2024), "MiniCPM",
    section 4; the square root: Hägele et al. (2024), "Scaling laws and compute-optimal training
    beyond fixed training durations".

    Args:
        optimizer: whose rate is scheduled.
        total_steps: of the run, without the warm-up.
        decay: share of the steps over which the rate decays, above 0 and at most 1.
        shape: of the fall from 1 to 0 over its share x: sqrt is 1 - sqrt(x), linear 1 - x, cosine
            half a cosine.
        min_factor: final factor of the learning rate.

    Raises:
        UserError: decay or min_factor is out of range, or shape is unknown

    """
    for key, value, low in (
        ("decay", decay, 0 < decay <= 1),
        ("min_factor", min_factor, 0 <= min_factor <= 1),
    ):
        if not low:
            raise UserError(
                "is not a share",
                code=Code.OUT_OF_RANGE,
                key=f"scheduler.{key}",
                value=value,
                hint="Give a number from 0 to 1",
            )
    if shape not in FALLS:
        raise UserError(
            "is unknown",
            code=Code.UNKNOWN_NAME,
            key="scheduler.shape",
            value=shape,
            allowed=list(FALLS),
        )
    steps = max(1, round(decay * total_steps))

    def factor(step: int) -> float:
        over = min(max(step - (total_steps - steps), 0) / steps, 1.0)
        return min_factor + (1 - min_factor) * FALLS[shape](over)

    return lrs.LambdaLR(optimizer, factor)
