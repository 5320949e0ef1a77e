"""Signatures of the shipped options' constructors, known without importing them.

`signatures.json` contains names, types and ranges of their parameters; `make signatures` writes it.
A wrong value is therefore reported as fast as a typo. User-defined classes, and libraries whose
version differs from that in the file, are only checked against their live signatures.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from quintet.base.errors import Code, UserError
from quintet.config.instantiate import NODE_KEYS, RESERVED, TARGET, plain

FILE = Path(__file__).with_name("signatures.json")
DATA_MODULE = "quintet.data.module.DataModule"
PLAIN: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "str": (str,),
    "dict": (dict,),
    "null": (type(None),),
    "any": (object,),
}
SETTINGS: dict[str, dict[str, dict[str, Any]]] = {
    "optimizer": {
        "layer_decay": {"type": "float", "accepts": ["float"], "above": 0, "most": 1},
        "weight_decay_on": {"accepts": [{"literal": ["weights", "all"]}]},
    },
    "scheduler": {
        "warmup": {"type": "int | float", "accepts": ["float"], "least": 0},
        "interval": {"accepts": [{"literal": ["step", "epoch"]}]},
    },
}
"""Keys of a node that are read by the engine."""

Parameters = Mapping[str, Mapping[str, Any]]


def check(node: DictConfig, where: str) -> None:
    """Check a node and all nested nodes against the shipped signatures, without imports.

    Raises:
        UserError: an argument is unknown, has a wrong type or is out of range.

    """
    values = plain(node, where)
    check_values(values, SETTINGS.get(where, {}), where)
    _check(values, where)


def check_data(node: DictConfig) -> None:
    """Check a data node, which has the arguments of its source and those of DataModule.

    Raises:
        UserError: as in `check`.

    """
    values = plain(node, "data")
    takes = {**parameters(values[TARGET]), **parameters(DATA_MODULE)}
    check_values(values, takes, "data")


def _check(value: Any, where: str) -> None:
    if isinstance(value, list):
        for i, each in enumerate(value):
            _check(each, f"{where}[{i}]")
    elif isinstance(value, dict):
        if (known := targets().get(value.get(TARGET))) is not None:
            takes = known["parameters"]
            own = {k: v for k, v in value.items() if k not in NODE_KEYS}
            reserved = RESERVED.get(where, set()) - set(takes)
            own = {k: v for k, v in own.items() if k not in reserved}
            unknown = [k for k in own if k not in takes]
            if unknown and not known["open"]:
                key = unknown[0]
                raise UserError(
                    f"is unknown: {known['name']} takes no {key!r} argument",
                    code=Code.UNKNOWN_NAME,
                    key=f"{where}.{key}",
                    allowed=takes,
                )
            check_values(own, takes, where)
        for key, each in value.items():
            _check(each, f"{where}.{key}")


def check_values(values: Mapping[str, Any], takes: Parameters, where: str) -> None:
    """Check types and ranges; null is accepted, as it may be a fact that is not known yet.

    Raises:
        UserError: a value is invalid; gives the key, the value and what is allowed.

    """
    for key, value in values.items():
        wanted = takes.get(key, {})
        if value is None or "accepts" not in wanted or _has_nodes(value):
            continue
        if not any(accepts(kind, value) for kind in wanted["accepts"]):
            raise _wrong_type(value, wanted, f"{where}.{key}")
        numbers = value if isinstance(value, list) else [value]
        if not all(within(wanted, n) for n in numbers if isinstance(n, int | float)):
            raise UserError(
                "is out of range",
                code=Code.OUT_OF_RANGE,
                key=f"{where}.{key}",
                value=value,
                allowed=[written_range(wanted)],
            )


def accepts(kind: Any, value: Any) -> bool:
    """Return whether a YAML value has a type, given in the notation of `signatures.json`.

    Examples:
        >>> accepts("float", 1), accepts({"list": ["int"]}, [1, "a"])
        (True, False)

    """
    if isinstance(kind, str):
        return isinstance(value, PLAIN[kind])
    if "literal" in kind:
        return any(value == each and type(value) is type(each) for each in kind["literal"])
    if not isinstance(value, list):
        return False
    if "tuple" in kind:
        return len(value) == len(kind["tuple"]) and all(
            any(accepts(k, v) for k in kinds) for kinds, v in zip(kind["tuple"], value, strict=True)
        )
    return all(any(accepts(k, v) for k in kind["list"]) for v in value)


def within(bounds: Mapping[str, Any], number: float) -> bool:
    """Return whether a number is in a range; `least` and `most` are inclusive bounds.

    Examples:
        >>> within({"least": 0, "below": 1}, 0), within({"least": 0, "below": 1}, 1)
        (True, False)

    """
    return (
        number >= bounds.get("least", number)
        and number <= bounds.get("most", number)
        and ("above" not in bounds or number > bounds["above"])
        and ("below" not in bounds or number < bounds["below"])
    )


def written_range(bounds: Mapping[str, Any]) -> str:
    """Return a range as text.

    Examples:
        >>> written_range({"above": 0, "most": 1}), written_range({"least": 1})
        ('more than 0 and at most 1', 'at least 1')

    """
    words = {"least": "at least", "above": "more than", "most": "at most", "below": "less than"}
    return " and ".join(f"{text} {bounds[key]}" for key, text in words.items() if key in bounds)


def parameters(target: object) -> Parameters:
    """Return the parameters of a shipped target; {} for any other."""
    known = targets().get(target) if isinstance(target, str) else None
    found: Parameters = known["parameters"] if known else {}
    return found


@cache
def targets() -> Mapping[Any, Any]:
    """Return the shipped targets, except those of libraries whose version differs from the file."""
    file = json.loads(FILE.read_text("utf-8"))
    same = {name for name, made in file["versions"].items() if installed(name) == made}
    others = file["versions"].keys() - same
    return {
        path: each
        for path, each in file["targets"].items()
        if not others and (path.split(".")[0] in same or path.startswith("quintet."))
    }


def installed(package: str) -> str | None:
    """Return the version of a package without the build tag: 2.9.0 for 2.9.0+cpu."""
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:
        return None


def _has_nodes(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_has_nodes, value)))


def _wrong_type(value: Any, wanted: Mapping[str, Any], key: str) -> UserError:
    kinds = wanted["accepts"]
    literals = [str(v) for k in kinds if isinstance(k, dict) for v in k.get("literal", ())]
    if literals and isinstance(value, str):
        problem, allowed, code = "is not known", literals, Code.UNKNOWN_NAME
    else:
        problem, code = f"is of type {type(value).__name__}", Code.WRONG_TYPE
        allowed = [wanted.get("type") or " | ".join(literals)]
    lengths = [len(k["tuple"]) for k in kinds if isinstance(k, dict) and "tuple" in k]
    if isinstance(value, list) and lengths and len(value) not in lengths:
        what = "numbers" if "float" in wanted["type"] else "values"
        problem, allowed = f"is a list of {len(value)}", [f"{lengths[0]} {what}"]
    return UserError(problem, code=code, key=key, value=value, allowed=allowed)
