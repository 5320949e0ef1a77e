"""From Hydra's override grammar to a search space."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any

from quintet.base.errors import Code, UserError, nearest
from quintet.study.overrides import read, value_text
from quintet.study.space import Choice, Interval, Parameter, Scale

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override

SCALES: tuple[Scale, ...] = ("log", "reverse_log")
ENTRY = {"values", "when", "prior"}
"""The keys of an entry of a preset."""
MOST = 10_000
"""Maximum number of listed values of one parameter; more should be an interval."""


def parameter(override: "Override", when: Mapping[str, tuple[str, ...]]) -> Parameter:
    """Return the parameter that a sweep override describes.

    Raises:
        UserError: no values, too many or duplicate ones, or a tag that does not apply.

    """
    key, value = override.get_key_element(), override.value()
    tags: set[str] = set(getattr(value, "tags", ()))
    if override.is_interval_sweep():
        low, high = value.start, value.end  # type: ignore[union-attr]
        whole = "int" in tags or (isinstance(low, int) and isinstance(high, int))
        return Interval(key, low, high, _scale(override, tags - {"int"}), whole, when)  # type: ignore[arg-type]
    if tags:
        raise _error(
            override,
            f"has the tag {', '.join(sorted(tags))}, which only a range can have",
            Code.CONFLICT,
            f"Leave it out, or give a range: {key}=tag(log,interval(1e-4,1e-1))",
        )
    values = _values(override)
    return Choice(key, values, when, ordered=_ascending(values))


def _values(override: "Override") -> tuple[str, ...]:
    """Return the values that an override lists; shuffling is deterministic."""
    value = override.value()
    if shuffled := getattr(value, "shuffle", False):
        value.shuffle = False  # type: ignore[union-attr]
    if any(hasattr(v, "tags") for v in getattr(value, "list", ())):
        hint = "Give all values in one: choice(a,b,c)"
        raise _error(override, "has a list within a list", Code.WRONG_TYPE, hint)
    try:
        found = list(islice(override.sweep_string_iterator(), MOST + 1))
    except ValueError as error:  # a range with step 0
        raise _error(override, f"has no values: {error}", Code.OUT_OF_RANGE) from None
    if options := _options(override):
        found = [name.strip("'\"") for name in found]  # a quoted name is the same option
    if not found:
        hint = _instead(override, options)
        raise _error(override, "has no values to try", Code.OUT_OF_RANGE, hint)
    if len(found) > MOST:
        raise _error(
            override,
            f"has more than {MOST:,} values",
            Code.OUT_OF_RANGE,
            "Give fewer, or a range for another strategy to draw from: "
            f"sweeper=random '{override.get_key_element()}=interval(a,b)'",
        )
    if twice := next((v for v, count in Counter(found).items() if count > 1), None):
        hint = "Give each value once; to repeat a trial with other random draws, vary seed=0,1"
        raise _error(override, f"has {twice} twice", Code.CONFLICT, hint)
    if shuffled:
        Random(0).shuffle(found)
    return tuple(found)


def _error(override: "Override", problem: str, code: Code, hint: str = "") -> UserError:
    """Return an error about an override's values."""
    key, value = override.get_key_element(), override.get_value_string()
    return UserError(problem, code=code, key=key, value=value, hint=hint)


def _options(override: "Override") -> list[str]:
    """Return the options of a group; [] for a plain key."""
    loader = override.config_loader
    return [*group_options(loader, override.key_or_group)] if loader else []


@lru_cache(maxsize=256)
def group_options(loader: "ConfigLoader", group: str) -> tuple[str, ...]:
    """Return the options of a group, for which Hydra reads its folders each time."""
    return tuple(loader.get_group_options(group))


def _instead(override: "Override", options: list[str]) -> str:
    """Return a hint for a list of values that turned out empty."""
    if not override.get_value_string().startswith("glob"):
        return "Give at least one; a range stops before its second number: range(1,4) is 1, 2, 3."
    if not options:
        return f"glob() is for the options of a group, and {override.key_or_group} is none."
    pattern = override.get_value_string().removeprefix("glob(").rstrip(")")
    return nearest(pattern, options)


def _scale(override: "Override", tags: set[str]) -> Scale:
    if unknown := sorted(tags - set(SCALES)):
        hint = nearest(unknown[0], ("int", *SCALES))
        raise _error(override, f"has the tag {', '.join(unknown)}", Code.UNKNOWN_NAME, hint)
    if len(tags) > 1:
        raise _error(
            override,
            f"has two scales, {' and '.join(SCALES)}",
            Code.CONFLICT,
            "Give one: log gives each decade of x the same share, reverse_log each decade of 1-x",
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

    An entry is a string in Hydra's grammar; or a mapping with `values` (such a string), `when`
    (the options for which the parameter exists) and `prior` (the value that is believed to be
    good); or a list of such mappings, of which the first that applies is used.

    Raises:
        UserError: an entry has another form, or a prior is outside its range.

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
    if set(node) - ENTRY or not isinstance(node.get("values"), str):
        raise UserError(
            "is not a range",
            code=Code.WRONG_TYPE,
            key=f"search_space: {key}",
            value=entry,
            hint="Allowed: a string in Hydra's grammar, such as choice(a,b) or "
            "tag(log, interval(1e-4, 1e-1)), or a mapping with values:, when: and prior:",
        )
    when = {owner: _several(options) for owner, options in (node.get("when") or {}).items()}
    (override,) = read([f"{key}={node['values']}"], loader)
    if not override.is_sweep_override():
        raise UserError(
            "is one value",
            code=Code.OUT_OF_RANGE,
            key=f"search_space: {key}",
            value=node["values"],
            hint="Give several, choice(a,b), or set it on the command line",
        )
    found, prior = parameter(override, when), node.get("prior")
    if prior is None:
        return found
    return replace(found, prior=believed(found, prior, f"search_space: {key}: prior"))


def believed(parameter: Parameter, prior: object, key: str) -> str:
    """Return a value that is believed to be good, as it is typed on the command line.

    Args:
        parameter: whose value it is.
        prior: the value.
        key: where it was given.

    Raises:
        UserError: it is outside the parameter's range.

    """
    value = value_text(prior)
    if not parameter.contains(value):
        raise UserError(
            "is outside the range",
            code=Code.OUT_OF_RANGE,
            key=key,
            value=value,
            hint=f"Allowed: {parameter}",
        )
    return value


def _several(options: Any) -> tuple[str, ...]:
    return (options,) if isinstance(options, str) else tuple(map(str, options))
