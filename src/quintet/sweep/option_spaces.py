"""Search spaces in the YAMLs of options: each option defines the ranges of its own parameters.

An option may have a node `search_space:` with a range for each parameter worth varying, and in it
named smaller spaces, for sweeps of few trials. A preset of `configs/search_space/` has `own` in
place of a range:

- `model.width: own` is the range that each model gives its width,
- `model.width: [own.grid, own]` that of its space `grid`, of those without one the one above,
- `model.*: own` all that it gives ranges of,
- `model: own.automl` the models with a space of that name, on the kinds of data that it lists;
  `module: own.automl` likewise.

So a preset names no option, and a new one takes part by existing. In its space `automl`, a node
`first:` gives its first trial other values than the config's own, `{optimizer.lr: 0.003}`.
A family is an option of `model`, or of `module` if that takes no model of `model=`.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from quintet.base import paths, plain_yaml
from quintet.base.errors import Code, UserError
from quintet.study.grammar import ENTRY
from quintet.study.space import Choice, Params, Space

OWN, SPACE, KIND = "own", "search_space", "data.kind"
TRANSFORM = "data.target_transform"
FAMILIES, AUTOML, FIRST = ("module", "model"), "automl", "first"
"""Groups whose options are families, the outer one first."""
Node = dict[str, Any]


def expanded(entries: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return a preset's entries with `own` replaced by the options' own ranges.

    A range that the preset itself defines applies to the options that have the parameter.

    Raises:
        UserError: no option has a space of that name.

    """
    found: dict[str, list[Any]] = {}
    for pattern, entry in entries.items():
        group, _, parameter = pattern.partition(".")
        keys = [f"{group}.{p}" for p in _varied(group)] if parameter == "*" else [pattern]
        for key in keys:
            found.setdefault(key, []).extend(
                expanded for node in _listed(entry) for expanded in _nodes(key, node)
            )
    return found


def first_trials(space: Space, defaults: Params) -> Iterator[Params]:
    """Yield the params of the first trial of each family but that of the defaults.

    They are the defaults with the family's own values in place of the first family's. If inspecting
    the data chose a transform of the target, the defaults without it follow.

    Args:
        space: of the sweep; a group counts if all its options have a space `automl`.
        defaults: the params of trial 0.

    """
    for group in FAMILIES:
        shared = {k: v for k, v in defaults.items() if not k.startswith(f"{group}.")}
        for name, recipe in _recipes(space, group, defaults).items():
            own = {f"{group}.{key}": value for key, value in _options(group)[name].items()}
            yield _first_trial(space, shared | own | recipe | {group: name})
    if defaults.get(TRANSFORM, "null") != "null":
        yield {**defaults, TRANSFORM: "null"}


def family(params: Params) -> tuple[str, str] | None:
    """Return the group and the option that a trial's family is; None if families do not vary."""
    inner = [group for group in FAMILIES if group in params]
    return (inner[-1], params[inner[-1]]) if inner else None


def _recipes(space: Space, group: str, defaults: Params) -> dict[str, dict[str, Any]]:
    """Return what the first trial of each family of a group but that of the defaults changes."""
    varied = (p.values for p in space.parameters if p.key == group and isinstance(p, Choice))
    names = next(varied, ())
    spaces = {n: (_options(group).get(n, {}).get(SPACE) or {}).get(AUTOML) for n in names}
    if group not in defaults or None in spaces.values():
        return {}
    return {n: (of or {}).get(FIRST) or {} for n, of in spaces.items() if n != defaults[group]}


def _first_trial(space: Space, wanted: Mapping[str, Any]) -> Params:
    params: Params = {}
    for p in space.parameters:
        value = str(wanted.get(p.key, "null"))
        if space.active(p, params) and p.contains("null" if value == "None" else value):
            params[p.key] = "null" if value == "None" else value
    return params


def _listed(entry: Any) -> Sequence[Any]:
    return entry if isinstance(entry, Sequence) and not isinstance(entry, str) else [entry]


def _nodes(key: str, entry: Any) -> Iterator[Any]:
    node = entry if isinstance(entry, Mapping) else {"values": entry}
    group, _, parameter = key.partition(".")
    when, values = node.get("when") or {}, node.get("values")
    word, _, name = values.partition(".") if isinstance(values, str) else ("", "", "")
    if word == OWN and not parameter:
        yield from _families(group, name)
    elif word == OWN:
        yield from _ranges(group, parameter, name, when)
    elif entry is not None and parameter and group not in when and set(node) <= ENTRY:
        having = [o for o, yaml in _options(group).items() if _has(yaml, parameter)]
        some = {group: having} if 0 < len(having) < len(_options(group)) else {}
        yield {**node, "when": {**some, **when}}
    else:
        yield entry


def _ranges(group: str, parameter: str, name: str, when: Mapping[str, Any]) -> Iterator[Node]:
    """Yield a parameter's ranges, each with the options that define it; intervals first."""
    given: dict[str, list[str]] = {}
    for option, space in _spaces(group, name).items():
        if text := (space.get(name, {}) if name else space).get(parameter):
            given.setdefault(str(text), []).append(option)
    for text in sorted(given, key=lambda text: ("interval" not in text, -len(given[text]))):
        yield {"values": text, "when": {group: given[text], **when}}


def _families(group: str, name: str) -> Iterator[Node]:
    """Yield for each kind of data the options whose space `name` lists it, most general first."""
    spaces = _spaces(group, name).items()
    kinds = {option: space[name][KIND] for option, space in spaces if name in space}
    order = sorted(kinds, key=lambda option: (-len(kinds[option]), option))
    for kind in sorted({kind for of in kinds.values() for kind in of}):
        values = [option for option in order if kind in kinds[option]]
        fitting = [o for o, yaml in _options(group).items() if kind in yaml.get("fits", [kind])]
        before = values if group == "module" else fitting  # its `fits` lists tasks
        yield {"values": f"choice({','.join(values)})", "when": {group: before, KIND: kind}}


def _spaces(group: str, name: str) -> dict[str, dict[str, Any]]:
    """Return the options' own spaces, by option.

    Raises:
        UserError: none has a space `name`.

    """
    found = {option: yaml.get(SPACE) or {} for option, yaml in _options(group).items()}
    names = {key for space in found.values() for key, v in space.items() if isinstance(v, dict)}
    if name and name not in names:
        raise UserError(
            f"is a space that no option of {group} has",
            code=Code.UNKNOWN_NAME,
            key=SPACE,
            value=name,
            allowed=names,
        )
    return found


def _varied(group: str) -> list[str]:
    """Return all parameters for which an option of a group has a range."""
    spaces = _spaces(group, "").values()
    return [*dict.fromkeys(k for space in spaces for k, v in space.items() if isinstance(v, str))]


def _has(option: Mapping[str, Any], parameter: str) -> bool:
    return parameter in option or "defaults" in option


@cache
def _options(group: str) -> dict[str, dict[str, Any]]:
    found = paths.options(group).items()
    return {name: dict(plain_yaml.own_config(path)) for name, path in found}
