"""Checks of what a module of this package is configured with."""

from typing import Any

from quintet.base.errors import Code, UserError


def whole(name: str, value: Any, least: int = 1) -> int:
    """Return a whole number that is large enough.

    Raises:
        UserError: it is none.

    """
    if type(value) is int and value >= least:
        return value
    raise _out_of_range(name, value, f"whole numbers from {least}")


def between(name: str, value: float, least: float, most: float) -> float:
    """Return a number within bounds, which themselves are allowed.

    Raises:
        UserError: it is none.

    """
    if least <= value <= most:
        return value
    raise _out_of_range(name, value, f"{least} to {most}")


def above_zero(name: str, value: float) -> float:
    """Return a number over zero.

    Raises:
        UserError: it is none.

    """
    if value > 0:
        return value
    raise _out_of_range(name, value, "numbers over 0")


def _out_of_range(name: str, value: Any, allowed: str) -> UserError:
    return UserError(
        "is out of range",
        code=Code.OUT_OF_RANGE,
        key=f"module.{name}",
        value=value,
        allowed=[allowed],
    )
