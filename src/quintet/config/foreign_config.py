"""Validation of configs that were loaded from a folder: plain data, or an error.

After validation, no reference of the folder is resolved against the environment, and every
`_target_` may be called. See SECURITY.md.
"""

import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from quintet.base import plain_yaml, schema
from quintet.base.errors import Code, UserError
from quintet.config.building_blocks import ENGINE, FAMILIES
from quintet.config.instantiate import ARGS, refuse_special
from quintet.config.references import check_references, literal, refusal, substituted, value
from quintet.config.renamed_targets import with_current_targets
from quintet.config.run_nodes import DEFAULT
from quintet.config.signature import locate
from quintet.config.trust import ELSEWHERE, REFERENCE, Trust

WATCHING = "callbacks"
BEGUN = ("metric", "loss", "model", "data", "trainer")
NEEDED = (*BEGUN, "facts")
"""The nodes from which a model is rebuilt."""
OURS = ("facts", "choices", "overrides", "trust", "resume", "study")
"""Nodes that the command fills in."""
LIKE = {"metrics": "metric"}
"""Groups whose nodes may name the same targets as those of another group."""
PLACES = ("path", "dirpath", "folder", "save_dir", "default_root_dir", "filename")
"""Arguments that are paths to write to."""
FIELD = re.compile(r"\{\w+(:\d{0,2}(\.\d{1,2})?[defg]?)?\}", re.ASCII)
"""A permitted field of a template, such as `{epoch:02d}`. Lightning passes a checkpoint's
`filename` to `str.format`, whose fields can reach the environment through attributes."""


def read(path: Path) -> dict[str, Any]:
    """Return a config as plain data in which nothing is resolved or checked.

    Renamed targets are replaced by their current paths.

    Raises:
        UserError: as `quintet.base.plain_yaml.mapping`.

    """
    found: dict[str, Any] = with_current_targets(plain_yaml.mapping(plain_yaml.text(path), path))
    return found


def as_text(config: dict[str, Any]) -> DictConfig:
    """Return plain data as a config in which every `${...}` is literal text."""
    return cast(DictConfig, OmegaConf.create(literal(config)))


def resolved(path: Path, trust: Trust) -> DictConfig:
    """Return the resolved config of a run after checking that it may be instantiated.

    Callbacks, loggers and similar nodes are left out: commands that read a finished run do not need
    them.

    Raises:
        UserError: the config names code that is not trusted; gives the key and a hint.

    """
    config = {k: v for k, v in read(path).items() if k not in (*ELSEWHERE, WATCHING)}
    require(config, NEEDED, path)
    if "module" not in config:
        named = {"metric_name": config["metric"].get("name"), "task": config["facts"].get("task")}
        config["module"] = DEFAULT | named
    config = _mapped(config, lambda text, _: substituted(text, trust))
    check(config, trust)
    check_facts(config["facts"])
    _keep_to_reading(config)
    return as_text(config)


def composed(config: dict[str, Any], trust: Trust, typed: list[str]) -> dict[str, Any]:
    """Return the initial config of a run after checking it; references to its own keys are kept.

    Args:
        config: config as Hydra wrote it.
        trust: code and variables that the config may name.
        typed: keys that the command overrides.

    Raises:
        UserError: the config names code that is not trusted, or refers to anything but itself.

    """
    config = {k: v for k, v in config.items() if k not in (*ELSEWHERE, *OURS)}
    require(config, (*BEGUN, WATCHING), "The run's .hydra/config.yaml")
    config.setdefault("module", dict(DEFAULT))
    for key in typed:
        if not isinstance(value(config, key), dict | list | None):
            _set(config, key, None)
    config = _mapped(config, lambda text, _: substituted(text, trust, live=True))
    _mapped(config, lambda text, place: check_references(text, place, config, trust))
    check(config, trust)
    _keep_to_reading(config)
    return config


def put(config: dict[str, Any], last: dict[str, Any], key: str, trust: Trust) -> None:
    """Set a key of a composed config to its value in the run's latest, resolved config."""
    place = str(value(last, "paths.run") or "")

    def told(text: str, _: str) -> str:
        text = substituted(text, trust, live=True)
        inside = bool(place) and (text == place or text.startswith(f"{place}/"))
        if REFERENCE.search(text):
            return text  # an error is raised later, if the value is used
        return f"${{paths.run}}{literal(text[len(place) :])}" if inside else str(literal(text))

    _set(config, key, _mapped(value(last, key), told))


def check(config: dict[str, Any], trust: Trust) -> None:
    """Check every `_target_` of a config, at any depth.

    Raises:
        UserError: a target is not trusted; gives the key and a hint.

    """
    for place, node in _nodes(config, ""):
        group, where = place.partition(".")[0].partition("[")[0], f"{place}." if place else ""
        path = node["_target_"]
        if not trust.allows(path, LIKE.get(group, group), place):
            raise _untrusted(f"{where}_target_", str(path), group)
        refuse_special(node, place)
        if ARGS in node:
            _check_positional(str(path), place)


def _check_positional(path: str, place: str) -> None:
    """Allow positional arguments only for layers, such as `torch.nn.Sequential`.

    The meaning of an argument cannot be inferred from its position; it could be a path to write to.

    Raises:
        UserError: a trusted target with positional arguments is not a layer.

    """
    from torch import nn

    found = locate(path, place)
    if not (inspect.isclass(found) and issubclass(found, nn.Module)):
        raise UserError(
            "is read from a folder for layers (torch.nn.Module) alone",
            code=Code.NOT_TRUSTED,
            key=f"{place}.{ARGS}",
            hint="Give the arguments by name.",
        )


def check_facts(facts: dict[str, Any]) -> None:
    """Check the types and ranges of a run's facts, from which models and inputs are built.

    Raises:
        UserError: a fact is invalid; names it.

    """
    from quintet.data.lightning_data import StatedFacts

    given = {key: each for key, each in facts.items() if each is not None}
    try:
        schema.build(StatedFacts, given)
    except ValueError as error:
        raise _wrong_facts(str(error)) from None
    for key, each in given.items():
        if any(n < 0 for n in _numbers(each)) and key != "other":
            raise _wrong_facts(f"{key} is below 0")
    if len(given.get("cardinalities", ())) > ([0, *given.get("input_shape", ())])[-1]:
        raise _wrong_facts("there are more cardinalities than inputs")


def _wrong_facts(why: str) -> UserError:
    return UserError(
        f"is not what a run knows of its data: {why}",
        code=Code.DAMAGED,
        key="facts",
        hint="Restore the run's config.yaml from a copy.",
    )


def _numbers(value: Any) -> list[Any]:
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, int | float)]


def check_places(config: DictConfig, run: Path) -> None:
    """Check that callbacks and trainer only write inside the run's own folder.

    Raises:
        UserError: one would write elsewhere; names the key.

    """
    for group in (WATCHING, "trainer"):
        part: Any = OmegaConf.to_container(config[group], resolve=True) if config[group] else {}
        for place, key, text in _texts(_known(part), group):
            names_place = key in PLACES and key != "filename"
            inside = run.resolve() in (resolved := Path(text).resolve()).parents or (
                resolved == run.resolve()
            )
            if key == "filename" and {*"{}"} & {*FIELD.sub("", text)}:
                raise UserError(
                    "is a template that may reveal more than a metric",
                    code=Code.NOT_TRUSTED,
                    key=place,
                    value=text,
                    allowed=["{name}", "{name:.3f}"],
                    hint="If more is meant, give this key on the command line.",
                )
            if key != "monitor" and (names_place or "/" in text or "\\" in text) and not inside:
                raise UserError(
                    f"is outside the run's folder {run}, and a folder may not choose where else "
                    "to write",
                    code=Code.NOT_TRUSTED,
                    key=place,
                    value=text,
                    hint="If that is intended, give this key on the command line.",
                )


def refuse_references(config: DictConfig, *groups: str) -> None:
    """Check that groups of a run's config do not refer to the environment where they are used.

    Raises:
        UserError: one does; names the key and the variable.

    """
    for group in groups:
        part: Any = OmegaConf.to_container(config[group], resolve=True)
        for place, _, text in _texts(part, group):
            if found := REFERENCE.search(text):
                raise refusal(place, found[1])


def require(config: dict[str, Any], groups: Iterable[str], name: object) -> None:
    """Check that a config has all of the given groups.

    Raises:
        UserError: a group is missing; names it.

    """
    for group in groups:
        if not isinstance(config.get(group), dict):
            raise UserError(
                f"{name} is not the config of a run: {group} is missing", code=Code.DAMAGED
            )


def _keep_to_reading(config: dict[str, Any]) -> None:
    """Make a data source write only to its default path."""
    if isinstance(config.get("data"), dict) and "cache" in config["data"]:
        config["data"]["cache"] = None


def _untrusted(key: str, path: str, group: str) -> UserError:
    homes = [*dict.fromkeys(home for f in FAMILIES.get(group, ()) for home in f.homes)]
    package = path.partition(".")[0]
    known = any(home.partition(".")[0] == package for home in (*homes, "torch", "lightning"))
    word = path if known else package
    may = f"Here it may name the building blocks of {', '.join(homes)}. " if homes else ""
    allow = (
        f"If you know this code, allow it with trust={word} on the command line, or with "
        f'trusted = ["{word}"] under [tool.quintet] in pyproject.toml.'
    )
    named = all(map(str.isidentifier, word.split(".")))  # other text is unsafe to paste in a shell
    return UserError(
        "is not trusted, so it was not called: it came with a folder, and a config runs "
        "the code that it names",
        code=Code.NOT_TRUSTED,
        key=key,
        value=path,
        hint=f"{may}{allow if named else ''}",
    )


def _nodes(value: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every mapping with a `_target_`, and its key."""
    if isinstance(value, dict):
        if "_target_" in value:
            yield place, value
        for key, each in value.items():
            yield from _nodes(each, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        for i, each in enumerate(value):
            yield from _nodes(each, f"{place}[{i}]")


def _texts(value: Any, place: str, key: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield every string with its full key and its last key."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _texts(each, f"{place}.{name}", str(name))
    elif isinstance(value, list):
        for i, each in enumerate(value):
            yield from _texts(each, f"{place}[{i}]", key)
    elif isinstance(value, str) and key != "_target_":
        yield place, key, value


def _mapped(value: Any, change: Any, place: str = "") -> Any:
    """Return plain data with every string replaced by `change(text, place)`."""
    if isinstance(value, dict):
        below = f"{place}." if place else ""
        return {k: _mapped(each, change, f"{below}{k}") for k, each in value.items()}
    if isinstance(value, list):
        return [_mapped(each, change, f"{place}[{i}]") for i, each in enumerate(value)]
    return change(value, place) if isinstance(value, str) else value


def _known(value: Any) -> Any:
    """Return the config without the nodes of code that the user trusts."""
    if isinstance(value, list):
        return [_known(each) for each in value]
    if not isinstance(value, dict):
        return value
    if str(value.get("_target_", ENGINE)).partition(".")[0] not in (ENGINE, "lightning"):
        return None
    return {key: _known(each) for key, each in value.items()}


def _set(config: dict[str, Any], key: str, new: Any) -> None:
    *parents, last = key.split(".")
    for part in parents:
        below = config.setdefault(part, {})
        if not isinstance(below, dict):
            return
        config = below
    config[last] = new
