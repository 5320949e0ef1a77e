"""Write src/quintet/config/signatures.json: the signatures of the shipped options' constructors.

make signatures

Names and types are read from the signatures. Ranges are found by trial: a number that a constructor
rejects for every value of its boolean arguments is out of range.
"""

import inspect
import json
import types
import typing
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

from omegaconf import OmegaConf

from quintet.base import paths
from quintet.config.instantiate import RESERVED, TARGET, instantiate
from quintet.config.known_signatures import DATA_MODULE, FILE, installed
from quintet.config.signature import hints_of, locate, parameters, written
from quintet.problems import PROBLEMS
from quintet.testing.compose import facts

GROUPS = (
    *("metric", "loss", "init", "optimizer", "scheduler", "module", "model", "data", "trainer"),
    "callbacks",
)
LIBRARIES = ("lightning", "torch", "torchmetrics")
SHAPES = {"table": [4], "image": [1, 8, 8], "sequence": [6, 2], "tokens": [6]}
SHAPES |= {n: p.example_input["input_shape"] for n, p in PROBLEMS.items() if p.example_input}
SCALARS = {int: "int", float: "float", bool: "bool", str: "str", dict: "dict", type(None): "null"}


def options(group: str) -> Iterator[dict[str, Any]]:
    """Yield the contents of each option of a group, except the team's."""
    for path in paths.options(group).values():
        if f"{paths.package()}." not in path.read_text("utf-8"):
            option = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
            yield cast(dict[str, Any], option) or {}


def targets() -> set[str]:
    """Return all targets of the options that need no other library than these."""
    found = {DATA_MODULE}
    for group in GROUPS:
        for option in options(group):
            found |= set(nested(option))
    return found


def nested(value: Any) -> Iterator[str]:
    """Yield the targets of a node and of all nodes in it."""
    if isinstance(value, dict):
        if isinstance(value.get(TARGET), str):
            yield value[TARGET]
        for each in value.values():
            yield from nested(each)


def signature(path: str) -> dict[str, Any]:
    """Describe the parameters of a target."""
    target = locate(path, "signatures")
    hints = hints_of(target)
    found: dict[str, Any] = {}
    variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    for name, parameter in parameters(target).items():
        if parameter.kind in variadic:
            continue
        found[name] = {}
        if name in hints:
            found[name] = {"type": written(hints[name]), "accepts": kinds(hints[name])}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters(target).values())
    return {"name": target.__qualname__, "open": takes_any, "parameters": found}


def kinds(hint: Any) -> list[Any]:
    """Return the YAML values that an annotation allows; none for a library's class."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in SCALARS:
        return [SCALARS[hint]]
    if origin in (typing.Union, types.UnionType):
        return [kind for part in inner for kind in kinds(part)]
    if origin is typing.Literal:
        return [{"literal": list(inner)}]
    if hint is tuple or hint is list or hint in (typing.Any, object, inspect.Parameter.empty):
        return [{"list": ["any"]}] if hint in (tuple, list) else ["any"]
    if origin is tuple and Ellipsis not in inner:
        return [{"tuple": [kinds(part) for part in inner]}]
    if inspect.isclass(origin) and issubclass(list, origin):
        strings = ["str"] if issubclass(str, origin) and "str" in kinds(inner[0]) else []
        return [{"list": kinds(inner[0])}, *strings]
    if origin is tuple:
        return [{"list": kinds(inner[0])}]
    if inspect.isclass(origin) and issubclass(dict, origin):
        return ["dict"]
    foreign = inspect.isclass(hint) or inspect.isclass(origin)
    return [] if foreign and origin is not type else ["any"]


def node(group: str, option: dict[str, Any]) -> Any:
    """Return an option in a config with the facts that it refers to."""
    kind = (option.get("fits") or ["table"])[0] if group == "model" else "table"
    tasks = option.get("fits") if group == "loss" else None
    vocabulary = 20 if len(SHAPES[kind]) == 1 and kind != "table" else 0
    known = facts((tasks or ["multiclass"])[-1], kind=kind, vocabulary=vocabulary)
    known["input_shape"] = SHAPES[kind]
    root = {
        "facts": known,
        "metric": {"name": "accuracy", "mode": "max"},
        "optimizer": {"lr": 0.1},
        "loss": {"num_outputs": 3},
    }
    return OmegaConf.to_container(OmegaConf.create(root | {group: option}), resolve=True)[group]  # type: ignore[index, call-overload]


def build(group: str, values: dict[str, Any]) -> None:
    """Build an option as a run does."""
    import torch
    from torch import nn

    if group == "data":
        locate(DATA_MODULE, "data")(None, **values)
        return
    made = instantiate(OmegaConf.create(values), group)
    if group == "optimizer":
        made(nn.Linear(2, 2).parameters())
    elif group == "scheduler":
        made(torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1, momentum=0.9))
    elif group == "init":
        made(nn.Sequential(nn.Linear(2, 2)))


def ranges(group: str, taken: dict[str, Any], takes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Find the ranges of an option's numbers by trial."""
    found: dict[str, Any] = {}
    for key, value in taken.items():
        if key in takes and not key.startswith("_"):
            accepted = partial(allowed, group, taken, key)
            if bounds := limits(value, takes[key].get("accepts", []), accepted):
                found[key] = bounds
    return found


def allowed(group: str, taken: dict[str, Any], key: str, value: Any) -> bool:
    """Return whether an option can be built with a value, for some setting of its booleans."""
    switches = [k for k, v in taken.items() if isinstance(v, bool) and not k.startswith("_")]
    for changes in ({}, *({k: not taken[k]} for k in switches if k != key)):
        try:
            build(group, taken | changes | {key: value})
        except Exception:
            continue
        return True
    return False


def limits(value: Any, accepts: list[Any], accepted: Callable[[Any], bool]) -> dict[str, Any]:
    """Return the range of a number, or of those in a list, from what is accepted."""
    if isinstance(value, list) and value and all(type(v) is float for v in value):

        def each(number: Any) -> bool:
            return any(
                accepted([number if i == j else v for j, v in enumerate(value)])
                for i in range(len(value))
            )

        return of_floats(each) if accepted(value) else {}
    if isinstance(value, bool | str | list | dict) or not accepted(value):
        return {}
    if "float" in accepts:
        return of_floats(accepted)
    return of_integers(accepted) if "int" in accepts else {}


def of_integers(accepted: Callable[[Any], bool]) -> dict[str, Any]:
    """Return the lower bound of an integer: 0, 1 or none."""
    return {} if accepted(-1) else {"least": 0 if accepted(0) else 1}


def of_floats(accepted: Callable[[Any], bool]) -> dict[str, Any]:
    """Return the bounds of a number, 0 below and 1 above, if there are any."""
    found: dict[str, Any] = {}
    if not any(map(accepted, (0.25, 0.5, 0.75))):
        return found
    if not any(map(accepted, (-1.0, -1e-6))):
        found["least" if accepted(0.0) else "above"] = 0
    if not any(map(accepted, (1.000001, 2.0, 100.0))):
        found["most" if accepted(1.0) else "below"] = 1
    return found


def loosest(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the bounds that all options of a target agree on."""
    lower = [("least" in each, "above" in each) for each in found]
    upper = [("most" in each, "below" in each) for each in found]
    bounds = {}
    if all(map(any, lower)):
        key = "least" if any(least for least, _ in lower) else "above"
        bounds[key] = min(each[key] for each in found if key in each)
    if all(map(any, upper)):
        key = "most" if any(most for most, _ in upper) else "below"
        bounds[key] = max(each[key] for each in found if key in each)
    return bounds


def described() -> dict[str, Any]:
    """Return the file's content."""
    found = {path: signature(path) for path in sorted(targets())}
    tried: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for group in ("loss", "init", "optimizer", "scheduler", "model"):
        for option in options(group):
            takes = found[option[TARGET]]["parameters"]
            reserved = RESERVED[group] - set(takes)
            values = {k: v for k, v in node(group, option).items() if k not in reserved}
            bounds = ranges(group, values, takes)
            for key in values.keys() & takes.keys():
                tried.setdefault((option[TARGET], key), []).append(bounds.get(key, {}))
    takes = found[DATA_MODULE]["parameters"]
    usual = {"batch_size": 64, "val": 0.1}
    for key, bounds in ranges("data", usual, takes).items():
        tried[DATA_MODULE, key] = [bounds]
    for (path, key), each in tried.items():
        found[path]["parameters"][key] |= loosest(each)
    return {"versions": {name: installed(name) for name in LIBRARIES}, "targets": found}


def text(content: dict[str, Any]) -> str:
    """Return the file's text, one line per parameter."""
    blocks = []
    for path, target in content["targets"].items():
        lines = [f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in target["parameters"].items()]
        inside = "{\n" + ",\n".join(lines) + "\n  }" if lines else "{}"
        head = f'"name": {json.dumps(target["name"])}, "open": {json.dumps(target["open"])}'
        blocks.append(f' {json.dumps(path)}: {{{head}, "parameters": {inside}}}')
    versions = json.dumps(content["versions"])
    return f'{{"versions": {versions},\n"targets": {{\n' + ",\n".join(blocks) + "\n}}\n"


if __name__ == "__main__":
    FILE.write_text(text(described()), "utf-8")
