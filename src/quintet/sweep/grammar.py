"""From Hydra's override grammar to a search space."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quintet.errors import UserError
from quintet.sweep.space import Choice, Interval, Parameter, Scale

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override

SCALES: tuple[Scale, ...] = ("log", "reverse_log")


def parse(loader: "ConfigLoader", arguments: Iterable[str]) -> "list[Override]":
    """Return the overrides of a command line.

    Raises:
        OverrideParseException: an argument that is no override.

    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return OverridesParser.create(config_loader=loader).parse_overrides(list(arguments))


def parameter(override: "Override", when: Mapping[str, tuple[str, ...]]) -> Parameter:
    """Return the parameter that a sweep override describes.

    Raises:
        UserError: a glob that matches nothing, a range without end, or a tag that is unknown.

    """
    key, value = override.get_key_element(), override.value()
    if override.is_interval_sweep():
        tags, low, high = _interval(value)
        whole = "int" in tags or (isinstance(low, int) and isinstance(high, int))
        return Interval(key, low, high, _scale(key, tags - {"int"}), whole, when)
    if getattr(value, "shuffle", False):  # an order of its own each day could not be continued
        value.shuffle = False  # type: ignore[union-attr]
    values = _values(override)
    if not values:
        raise UserError(f"{override.input_line} leaves nothing to try. Give at least one value.")
    return Choice(key, values, when, ordered=_ascending(values))


def _values(override: "Override") -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(override.sweep_string_iterator()))
    except ValueError as error:  # a range with steps of 0
        raise UserError(f"{override.input_line} has no values: {error}.") from None


def _interval(value: Any) -> tuple[set[str], float, float]:
    return set(value.tags), value.start, value.end


def _scale(key: str, tags: set[Any]) -> Scale:
    if unknown := tags - set(SCALES):
        raise UserError(
            f"{key} has the tag {', '.join(sorted(unknown))}. Allowed: int, {', '.join(SCALES)}."
        )
    return next((scale for scale in SCALES if scale in tags), "linear")


def _ascending(values: tuple[str, ...]) -> bool:
    try:
        numbers = [float(v) for v in values]
    except ValueError:
        return False
    return numbers == sorted(numbers)


def preset(loader: "ConfigLoader", entries: Mapping[str, Any]) -> list[Parameter]:
    """Return the parameters of a `search_space=` preset.

    An entry is a text in Hydra's grammar; or a mapping with `values` (such a text) and `when` (the
    options by which the parameter exists); or a list of such mappings, of which the first that
    is possible counts.

    Raises:
        UserError: an entry of another form.

    """
    found = []
    for key, entry in entries.items():
        for node in (
            entry if isinstance(entry, Sequence) and not isinstance(entry, str) else [entry]
        ):
            if node is not None:  # null switches a parameter off
                found.append(_entry(loader, key, node))
    return found


def _entry(loader: "ConfigLoader", key: str, entry: Any) -> Parameter:
    node = entry if isinstance(entry, Mapping) else {"values": entry}
    if set(node) - {"values", "when"} or not isinstance(node.get("values"), str):
        raise UserError(
            f"search_space: {key}: {entry} is no range. Allowed: a text in Hydra's grammar such as "
            "choice(a,b) or tag(log, interval(1e-4, 1e-1)), or a mapping with values: and when:."
        )
    when = {owner: _several(options) for owner, options in (node.get("when") or {}).items()}
    (override,) = parse(loader, [f"{key}={node['values']}"])
    if not override.is_sweep_override():
        raise UserError(
            f"search_space: {key}={node['values']} is one value. Give several, choice(a,b), or set "
            "it on the command line."
        )
    return parameter(override, when)


def _several(options: Any) -> tuple[str, ...]:
    return (options,) if isinstance(options, str) else tuple(map(str, options))
