"""Validation of JSON data against the field types of a dataclass."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def build(cls: type[T], given: Mapping[str, Any]) -> T:
    """Build a dataclass from plain data; unknown keys are ignored.

    Raises:
        ValueError: a field is missing or has another type.

    """
    if not isinstance(given, Mapping):
        raise ValueError(f"{shown(given)} is given where a mapping is expected")
    hints = _hints(cls)  # type: ignore[arg-type]  # every class is hashable
    found = {}
    for field in fields(cls):  # type: ignore[arg-type]
        if field.name in given:
            found[field.name] = fitting(hints[field.name], given[field.name], field.name)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{field.name} is missing")
    return cls(**found)


@cache
def _hints(cls: type) -> Mapping[str, Any]:
    return get_type_hints(cls)


def with_nan(measures: Any) -> Any:
    """Return measures, optionally nested by split, with NaN in place of null.

    Examples:
        >>> with_nan({"test": {"auc_roc": None, "f1": 0.5}})
        {'test': {'auc_roc': nan, 'f1': 0.5}}

    """
    if isinstance(measures, Mapping):
        return {name: with_nan(value) for name, value in measures.items()}
    return math.nan if measures is None else measures


def unknown(cls: type, given: Mapping[str, Any]) -> list[str]:
    """Return the keys for which a dataclass has no field."""
    return sorted(map(str, given.keys() - {field.name for field in fields(cls)}))


def fitting(hint: Any, value: Any, at: str) -> Any:
    """Check a value against a type and return it; an integer is accepted for a float.

    Args:
        hint: annotation made of plain types, Literal, unions, lists, dicts and dataclasses.
        value: value as read from JSON.
        at: name of the value, for the message.

    Raises:
        ValueError: it has another type.

    """
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, UnionType):
        return _one_of(inner, hint, value, at)
    if origin is Literal and isinstance(value, str) and value in inner:
        return value
    if origin is dict and isinstance(value, dict):
        return {_key(k, at): fitting(inner[1], v, f"{at}.{k}") for k, v in value.items()}
    if origin is list and isinstance(value, list):
        return [fitting(inner[0], v, f"{at}[{i}]") for i, v in enumerate(value)]
    if is_dataclass(hint) and isinstance(value, dict):
        return build(hint, value)  # type: ignore[arg-type]
    return _plain(hint, value, at)


def _one_of(hints: tuple[Any, ...], whole: Any, value: Any, at: str) -> Any:
    for hint in hints:
        try:
            return fitting(hint, value, at)
        except ValueError:
            continue
    raise ValueError(_other(whole, value, at))


def _key(key: Any, at: str) -> str:
    if not isinstance(key, str):
        raise ValueError(f"{at} has a key that is not a string: {shown(key)}")
    return key


def _plain(hint: Any, value: Any, at: str) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if hint is float and number:
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{at} is too large a number") from None
    if hint is int and number and isinstance(value, int):
        return value
    if hint in (str, bool, NoneType) and isinstance(value, hint):
        return value
    raise ValueError(_other(hint, value, at))


def _other(hint: Any, value: Any, at: str) -> str:
    name = getattr(hint, "__name__", str(hint)) if get_origin(hint) is None else str(hint)
    return f"{at} is {shown(value)}, and should be {name.removeprefix('typing.')}"


def shown(value: Any) -> str:
    """Return a value for a message, truncated if it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
