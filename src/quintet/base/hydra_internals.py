"""All private parts of Hydra and OmegaConf that are used or overridden.

tests/quintet/base/test_hydra_internals.py fails if an upgrade has changed one.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache, wraps
from typing import TYPE_CHECKING, Any, cast

import yaml

from quintet.base import paths

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override
    from omegaconf import DictConfig


def overrides_of(arguments: Sequence[str]) -> list[str]:
    """Return the overrides among the arguments of a command, without Hydra's flags."""
    from hydra._internal.utils import get_args_parser

    return cast(list[str], get_args_parser().parse_args(arguments).overrides)


def config_flags_of(arguments: Sequence[str]) -> list[str]:
    """Return the flags among the arguments of a command that set the location of its configs."""
    from hydra._internal.utils import get_args_parser

    given = get_args_parser().parse_args(arguments)
    named = {"path": given.config_path, "name": given.config_name, "dir": given.config_dir}
    return [f"--config-{what}={value}" for what, value in named.items() if value]


SEARCHPATH = "hydra.searchpath"
"""The key that lists further folders of configs."""
MULTIRUN = "MULTIRUN"
"""Hydra's mode for a sweep."""
MULTIRUN_FLAGS = ("-m", "--multirun")
"""Flags that ask for a sweep."""
CONFIG_FLAGS = {"-cp": "--config-path", "-cn": "--config-name", "-cd": "--config-dir"}
"""Flags for the location of configs: short form and long form."""


def with_values(arguments: Sequence[str]) -> list[str]:
    """Return arguments with `-cd mine` and `--config-dir mine` joined to `--config-dir=mine`."""
    found, left = [], iter(arguments)
    for word in left:
        name, equals, value = word.partition("=")
        full = CONFIG_FLAGS.get(name, name)
        known = full in CONFIG_FLAGS.values()
        found.append(f"{full}={value if equals else next(left, '')}" if known else word)
    return found


def flags_first(arguments: Sequence[str]) -> list[str]:
    """Return arguments with the flags moved before the overrides.

    Hydra's parser rejects an override after a flag that itself follows an override.
    """
    words = with_values(arguments)
    flags = [w for w in words if w in MULTIRUN_FLAGS or w.startswith("--config-")]
    return [*flags, *(word for word in words if word not in flags)]


def compose_once(*, as_flagged: bool = False) -> None:
    """Make Hydra compose the config only once if its mode is known.

    Otherwise it composes every config twice, the first time only to read `hydra.mode`.

    Args:
        as_flagged: the flags say the mode, as `-m` does; if not, it is a single run.

    """
    from hydra._internal.hydra import Hydra
    from hydra.types import RunMode

    Hydra.get_mode = lambda *_, **__: None if as_flagged else RunMode.RUN  # type: ignore[method-assign]


def is_single_run(arguments: Sequence[str], primary: str) -> bool:
    """Return whether a command is known to be a single run before its config is composed.

    A sweep is requested by a flag, by `hydra.mode`, or by an option that sets it, which may be
    named by an override or by another option. If any of these is possible, the result is False.

    Args:
        arguments: arguments of the command.
        primary: name of its primary config.

    """
    flags = [word for word in arguments if word.startswith("-")]
    if not all(flag.startswith("--config-dir=") for flag in flags):
        return False
    files = (path for folder in paths.SEARCHED for path in folder.rglob("*.yaml"))
    texts = {path.stem: path.read_text("utf-8", "replace") for path in files}
    sweeping = {name for name, text in texts.items() if MULTIRUN in text}
    whole = {name: text for name, text in texts.items() if "_global_" in text}
    sweeping |= {name for name, text in whole.items() if any(each in text for each in sweeping)}
    named = (primary, *arguments)
    asking = ("hydra.mode", SEARCHPATH, *sweeping)
    return not any(each in word for word in named for each in asking)


NAME = re.compile(r"\$\{([a-zA-Z_]\w*(?:\.[a-zA-Z_]\w*)*)\}")
"""A value that consists of a single reference to a key."""


def compose_fast() -> None:
    """Read, compose and resolve configs with the same result in half of the time."""
    read_yaml_fast()
    avoid_copies()
    cache_references()


def cache_references() -> None:
    """Cache parsed references, and look up those that are only a key's name directly.

    A config has about a hundred references, many of them identical. Parsing them takes a third of
    the time to resolve a config, and evaluating the parse trees another third.
    """
    from omegaconf import base

    parse, walk = base.parse, base.Container.resolve_parse_tree  # type: ignore[attr-defined]
    if hasattr(parse, "cache_info"):
        return

    @cache
    @wraps(parse)
    def parsed(value: str) -> Any:
        tree = parse(value)
        tree.name = found[1] if (found := NAME.fullmatch(value)) else None
        return tree

    @wraps(walk)
    def resolve(self: Any, parse_tree: Any, node: Any, memo: Any = None, key: Any = None) -> Any:
        if name := getattr(parse_tree, "name", None):
            with suppress(Exception):  # OmegaConf raises it again below, with its own message
                return self._resolve_node_interpolation(name, memo)
        return walk(self, parse_tree, node, memo, key)

    base.parse = parsed  # type: ignore[attr-defined]
    base.Container.resolve_parse_tree = resolve  # type: ignore[method-assign]


def read_yaml_fast() -> None:
    """Parse configs with libyaml if available, in a tenth of the time, by OmegaConf's rules.

    Parsing takes a fifth of the time to compose a config.
    """
    from omegaconf import _utils

    rules = _utils.get_yaml_loader()
    if hasattr(yaml, "CSafeLoader") and not issubclass(rules, yaml.CSafeLoader):
        loader = type("FastLoader", (yaml.CSafeLoader, rules), {})
        loader.yaml_implicit_resolvers = rules.yaml_implicit_resolvers  # type: ignore[attr-defined]
        loader.yaml_constructors = rules.yaml_constructors  # type: ignore[attr-defined]
        _utils.get_yaml_loader = lambda: loader


def avoid_copies() -> None:
    """Compose configs without copies that nobody reads, a quarter of the time it takes.

    Hydra copies the store of all structured configs for each composition, though the store gives
    copies itself, and for each file all choices so far, for references in its defaults list, which
    are rare.
    """
    from hydra._internal import defaults_list
    from hydra.core.config_store import ConfigStore

    choices = defaults_list._create_interpolation_map
    if hasattr(choices, "__wrapped__"):
        return

    @wraps(choices)
    def where_referred_to(overrides: Any, defaults: list[Any], self_added: bool) -> Any:
        if any(default.is_interpolation() for default in defaults):
            return choices(overrides, defaults, self_added)
        return None

    defaults_list._create_interpolation_map = where_referred_to  # type: ignore[assignment]
    ConfigStore.__deepcopy__ = lambda store, _: store  # type: ignore[attr-defined]


@dataclass(frozen=True)
class YamlSection:
    """Plain data that are compared by their representation."""

    shown: str
    plain: Any = field(compare=False)


def to_plain(node: Any) -> Any:
    """Return a config as plain data, with its references unresolved; other values unchanged."""
    from omegaconf import OmegaConf

    return OmegaConf.to_container(node) if OmegaConf.is_config(node) else node


def to_yaml(plain: Any) -> str:
    """Return plain data or a config as `OmegaConf.to_yaml` writes them, by libyaml if available.

    Sections are cached: the configs of a sweep's trials, or of one run, have most in common.
    """
    plain = to_plain(plain)
    parts = [{key: each} for key, each in plain.items()] if isinstance(plain, dict) else []
    return "".join(_text(YamlSection(repr(part), part)) for part in parts or [plain])


@lru_cache(maxsize=512)
def _text(section: YamlSection) -> str:
    layout: dict[str, Any] = {"default_flow_style": False, "allow_unicode": True}
    return str(yaml.dump(section.plain, Dumper=_dumper(), sort_keys=False, **layout))


@cache
def _dumper() -> Any:
    from omegaconf._utils import get_omega_conf_dumper

    class Dumper(getattr(yaml, "CDumper", yaml.Dumper)):  # type: ignore[misc]
        """A dumper that quotes strings that would be read as numbers."""

    Dumper.add_representer(str, get_omega_conf_dumper().str_representer)
    return Dumper


def swept_values(override: "Override") -> list[Any]:
    """Return the values of an override that lists several; [] for a pattern, `glob(ad*)`."""
    from hydra.core.override_parser.types import Override

    listed = getattr(override.value(), "list", ())
    return [Override._convert_value(value) for value in listed]


def set_parent(node: "DictConfig", parent: "DictConfig") -> None:
    """Resolve the references of a node as if it were a child of `parent`."""
    node._set_parent(parent)
