"""A study's spec: the metric, fixed overrides, space and strategy, stored as JSON.

Earlier versions stored the metric as text, `accuracy (max)`, and each parameter, `a,b when key=c`.
Both are read here and nowhere else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from quintet.study.space import Choice, Interval, Parameter, Space

Spec = Mapping[str, Any]


def space_fields(space: Space) -> dict[str, dict[str, Any]]:
    """Return the parameters of a space as JSON fields, by key."""
    return {p.key: _fields(p) for p in space.parameters}


def _fields(parameter: Parameter) -> dict[str, Any]:
    found = asdict(parameter)
    found["when"] = {key: list(options) for key, options in parameter.when.items()}
    if isinstance(parameter, Choice):
        found["values"] = list(parameter.values)
    del found["key"]
    if parameter.prior is None:
        del found["prior"]
    return found


def space_from_spec(spec: Spec) -> Space:
    """Return the space of a spec; the text of earlier versions is parsed."""
    kept = spec.get("space", {}).items()
    found = (_read(k, v) if isinstance(v, str) else _parameter(k, v) for k, v in kept)
    return Space(tuple(p for p in found if p is not None))


def _parameter(key: str, fields: Mapping[str, Any]) -> Parameter:
    when = {owner: tuple(options) for owner, options in fields["when"].items()}
    if "values" in fields:
        return Choice(key, tuple(fields["values"]), when, fields["ordered"], fields.get("prior"))
    ends, kind = (fields["low"], fields["high"]), (fields["scale"], fields["integer"])
    return Interval(key, *ends, *kind, when, fields.get("prior"))


def _read(key: str, text: str) -> Parameter | None:
    from quintet.study.grammar import parameter
    from quintet.study.overrides import read

    values, *conditions = text.split(" when ")
    owners = (condition.partition("=") for condition in conditions)
    (override,) = read([f"{key}={values}"])
    when = {owner: tuple(options.split(",")) for owner, _, options in owners}
    return parameter(override, when) if override.is_sweep_override() else None


def metric_name(spec: Spec) -> str | None:
    """Return the metric's name; None if the spec has none."""
    kept = spec.get("metric")
    if isinstance(kept, Mapping):
        return str(kept["name"])
    return kept if kept is None else str(kept).partition(" (")[0]


def differences(before: Spec, now: Spec) -> Iterator[str]:
    """Yield a line for each difference."""
    for key in now:
        if same(before, now, key):
            continue
        old, new = shown(before).get(key), shown(now)[key]
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            for part in sorted({*old, *new}):
                if old.get(part) != new.get(part):
                    yield f"{part}: was {old.get(part, 'absent')}, now {new.get(part, 'absent')}"
        else:
            yield f"{key}: was {old}, now {new}"


def same(one: Spec, other: Spec, key: str) -> bool:
    """Return whether two specs agree in a field, also if one of them stores it as text."""
    return one.get(key) == other.get(key) or shown(one).get(key) == shown(other).get(key)


def shown(spec: Spec) -> dict[str, Any]:
    """Return a spec in readable form."""
    found = dict(spec)
    if isinstance(metric := spec.get("metric"), Mapping):
        found["metric"] = f"{metric['name']} ({metric['mode']})"
    kept = spec.get("space", {}).items()
    texts = {key: part for key, part in kept if isinstance(part, str)}
    fields = (_parameter(key, part) for key, part in kept if key not in texts)
    found["space"] = texts | Space(tuple(fields)).describe()
    return found
