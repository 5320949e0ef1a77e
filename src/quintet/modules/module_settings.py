"""Checks of the settings of the modules in this package."""

from typing import Any

from quintet.base.errors import Code, UserError


def integer(name: str, value: Any, least: int = 1) -> int:
    """Return an integer of at least `least`.

    Raises:
        UserError: the value is anything else.

    """
    if type(value) is int and value >= least:
        return value
    raise _out_of_range(name, value, f"integers from {least}")


def between(name: str, value: float, least: float, most: float) -> float:
    """Return a number within bounds, both inclusive.

    Raises:
        UserError: the value is anything else.

    """
    if least <= value <= most:
        return value
    raise _out_of_range(name, value, f"{least} to {most}")


def positive(name: str, value: float) -> float:
    """Return a positive number.

    Raises:
        UserError: the value is anything else.

    """
    if value > 0:
        return value
    raise _out_of_range(name, value, "numbers above 0")


def _out_of_range(name: str, value: Any, allowed: str) -> UserError:
    return UserError(
        "is out of range",
        code=Code.OUT_OF_RANGE,
        key=f"module.{name}",
        value=value,
        allowed=[allowed],
    )
