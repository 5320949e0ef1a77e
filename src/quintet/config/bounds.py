"""The constraints of a sweep: `constraints={parameters: {max: 20000}}`.

What can be bounded is what can be an objective: see `quintet.config.objectives`.
"""

import math
from collections.abc import Mapping

from omegaconf import DictConfig

from quintet.base.errors import Code, UserError
from quintet.config import objectives

KEY = "constraints"
SIDES = ("min", "max")


def given(cfg: DictConfig) -> dict[str, dict[str, float]]:
    """Return the bounds that a config names, by name; {} if it names none.

    Raises:
        UserError: they are not a mapping of names to bounds, which are finite numbers.

    """
    named = cfg.get(KEY)
    if not named:
        return {}
    if not isinstance(named, Mapping):
        raise _not_bounds(KEY, named)
    return {str(name): _bounds(f"{KEY}.{name}", sides) for name, sides in named.items()}


def _bounds(key: str, sides: object) -> dict[str, float]:
    if not isinstance(sides, Mapping) or not sides:
        raise _not_bounds(key, sides)
    for side, bound in sides.items():
        if side not in SIDES:
            raise UserError(
                "is not a side", code=Code.UNKNOWN_NAME, key=key, value=side, allowed=SIDES
            )
        if type(bound) not in (int, float) or not math.isfinite(bound):
            raise UserError(
                "is not a finite number", code=Code.WRONG_TYPE, key=f"{key}.{side}", value=bound
            )
    found = {str(side): float(bound) for side, bound in sides.items()}
    if found.get("min", -math.inf) > found.get("max", math.inf):
        raise UserError(
            "cannot be satisfied: min is above max",
            code=Code.CONFLICT,
            key=key,
            value=found,
        )
    return found


def _not_bounds(key: str, value: object) -> UserError:
    return UserError(
        "is not a mapping to bounds",
        code=Code.WRONG_TYPE,
        key=key,
        value=value,
        hint=f"Give it as {KEY}={{parameters:{{max:20000}}}}, with min, max or both",
    )


def of(cfg: DictConfig) -> dict[str, dict[str, float]]:
    """Return the bounds of a sweep, by name; {} without any.

    Args:
        cfg: of one of its trials.

    Raises:
        UserError: what is bounded is not measured, or is the metric that decides alone.

    """
    found = given(cfg)
    for name in found:
        objectives.check_measured(cfg, KEY, name)
    if cfg.metric.name in found and not objectives.given(cfg):
        raise UserError(
            f"bounds {cfg.metric.name}, which decides alone: the best trial holds it, or none does",
            code=Code.CONFLICT,
            key=KEY,
            value=cfg.metric.name,
            hint="Leave it out, or add objectives=",
        )
    return found
