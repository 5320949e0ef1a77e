"""Instantiation of config nodes: the only module that calls a `_target_`.

Hydra composes configs, but its `instantiate` is not used. Every mapping with a `_target_`, at any
depth, is processed in the same steps: import the target, check the arguments against its signature,
call it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationToMissingValueError, MissingMandatoryValue

from quintet.base.errors import Code, UserError
from quintet.config.signature import check_arguments, check_positional, locate, parameters

# Keys that are read by other parts of the config or by this module, not by the constructor.
RESERVED: dict[str, set[str]] = {
    "metric": {"name", "mode", "fits"},
    "loss": {"fits", "num_outputs", "search_space"},
    "init": {"search_space"},
    "module": {"fits", "search_space"},
    "model": {"fits", "fresh", "weights", "freeze", "search_space"},
    "optimizer": {"weight_decay_on", "layer_decay", "search_space"},
    "scheduler": {"interval", "warmup", "monitor", "search_space"},
    "data": {"task", "kind", "seed", "search_space"},
}
TARGET, PARTIAL, ARGS = "_target_", "_partial_", "_args_"
NODE_KEYS = {TARGET, PARTIAL, ARGS}
SPECIAL = re.compile(r"_[a-z]+(_[a-z]+)*_")
"""Keys that are special to Hydra's `instantiate`, such as `_convert_`."""


def instantiate(node: DictConfig, where: str, **objects: Any) -> Any:
    """Check and instantiate `node`.

    Args:
        node: mapping with a `_target_` and its arguments; `_partial_: true` returns a partial.
        where: name of the node in the config, for messages.
        objects: arguments that are not plain data; they override those of the node.

    Raises:
        UserError: the target does not exist, or the arguments do not match its signature.

    """
    values = checked(node, where)
    rest = {key: value for key, value in values.items() if key not in objects}
    return _call(rest, where, objects) if objects else _built(rest, where)


def _built(value: Any, where: str) -> Any:
    """Return a value with every node in it instantiated, innermost first."""
    if isinstance(value, list):
        return [_built(each, f"{where}[{i}]") for i, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if TARGET not in value:
        return {key: _built(each, f"{where}.{key}") for key, each in value.items()}
    with explained(where, (Exception,)):
        return _call(value, where, {})


def _call(node: dict[str, Any], where: str, objects: dict[str, Any]) -> Any:
    target = locate(node[TARGET], where)
    args = _built(node.get(ARGS, []), f"{where}.{ARGS}")
    own = {k: _built(v, f"{where}.{k}") for k, v in node.items() if k not in NODE_KEYS}
    if node.get(PARTIAL):
        return partial(target, *args, **own, **objects)
    with explained(where):
        return target(*args, **own, **objects)


@contextmanager
def explained(
    where: str, errors: tuple[type[Exception], ...] = (ValueError, RuntimeError, TypeError)
) -> Iterator[None]:
    """Convert a library's error about a value out of range to a `UserError`."""
    try:
        yield
    except UserError:
        raise
    except errors as error:
        raise UserError(f"cannot be built: {error}", code=Code.FAILED, key=where) from error


def checked(node: DictConfig, where: str) -> dict[str, Any]:
    """Check the node against its signature; return it as plain data without reserved keys."""
    return cast(dict[str, Any], _checked(plain(node, where), where))


def plain(node: DictConfig, where: str) -> dict[str, Any]:
    """Return the node as plain data; `_target_` is "" if it is missing.

    Raises:
        UserError: a required value is missing, or it is not a node.

    """
    if not isinstance(node, DictConfig):
        raise UserError(
            "is not a node: a mapping with a _target_ and its arguments",
            code=Code.WRONG_TYPE,
            key=where,
            value=node,
        )
    try:
        found = cast(
            dict[str, Any], OmegaConf.to_container(node, resolve=True, throw_on_missing=True)
        )
    except (MissingMandatoryValue, InterpolationToMissingValueError) as error:
        key = getattr(error, "full_key", None) or where
        raise UserError(
            "has no value, and one is required here",
            code=Code.MISSING_VALUE,
            key=key,
            hint=f"Give {key}=<value>.",
        ) from None
    found.setdefault(TARGET, "")
    return found


def _checked(value: Any, where: str) -> Any:
    """Check every node in a value; return the value."""
    if isinstance(value, list):
        return [_checked(each, f"{where}[{i}]") for i, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if TARGET in value:
        value = _check(value, where)
    return {key: _checked(each, f"{where}.{key}") for key, each in value.items()}


def _check(values: dict[str, Any], where: str) -> dict[str, Any]:
    target = locate(values[TARGET], where)
    refuse_special(values, where)
    takes = parameters(target)
    reserved = RESERVED.get(_group(where), set()) - set(takes)
    values = {key: value for key, value in values.items() if key not in reserved}
    check_arguments(target, {k: v for k, v in values.items() if k not in NODE_KEYS}, where)
    check_positional(target, values.get(ARGS, []), {*values}, f"{where}.{ARGS}")
    return values


def _group(where: str) -> str:
    """Return the group that a key belongs to; further metrics belong to `metric`."""
    return "metric" if where.startswith("metrics.") and where.count(".") == 1 else where


def refuse_special(node: dict[str, Any], where: str) -> None:
    """Check that a node has none of Hydra's other special keys, and no values of a wrong type.

    Raises:
        UserError: it has; gives the key.

    """
    for key in node:
        if isinstance(key, str) and SPECIAL.fullmatch(key) and key not in NODE_KEYS:
            raise UserError(
                "is not a key of a node",
                code=Code.UNKNOWN_NAME,
                key=f"{where}.{key}",
                allowed=[TARGET, PARTIAL, ARGS, "the arguments"],
            )
    if not isinstance(node.get(ARGS, []), list):
        raise UserError(
            "is not a list of arguments",
            code=Code.WRONG_TYPE,
            key=f"{where}.{ARGS}",
            value=node[ARGS],
            hint="Give it as a list, or give the arguments by name.",
        )
    if not isinstance(node.get(PARTIAL, False), bool):
        raise UserError(
            "is not a switch",
            code=Code.WRONG_TYPE,
            key=f"{where}.{PARTIAL}",
            value=node[PARTIAL],
            allowed=["true", "false"],
        )
