"""Write .vscode/schemas: JSON schemas (draft 7) of the configs, for editors.

make signatures

Names, types and ranges are those of `signatures.json` and of the values in the YAMLs; descriptions
are the comments of the YAMLs. A schema never forbids a key: a team's options have their own.
`.vscode/settings.json` maps schemas to files; other editors can use them as well.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf

from quintet.base import paths
from quintet.config.instantiate import TARGET
from quintet.config.known_signatures import DATA_MODULE, SETTINGS, parameters

FOLDER = paths.CHECKOUT / ".vscode" / "schemas"
PRESET = "experiment"
"""The schema of train.yaml and of the presets in configs/experiment."""
NODES = ("metric", "loss", "init", "optimizer", "scheduler", "module", "model", "data", "trainer")
GROUPS = (*NODES, "callbacks", "logger", "sweeper", "search_space")
UNLISTED = ("defaults", "choices", "overrides", "facts", "hydra")
LINE = re.compile(
    r"^(?P<indent>(?: |- )*)(?P<key>[\w.*]+):(?: +(?:'[^']*'|[^#]*?))? *(?:# *(?P<comment>.*))?$"
)
REFERENCE = {"type": "string", "pattern": r"\$\{|^\?\?\?$"}
"""Schema of placeholders for any value: an interpolation, or the mark of a missing value."""
NODE = {"type": "object", "required": [TARGET]}
"""Schema of an object in place of a plain value."""
KINDS: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "str": {"type": "string"},
    "dict": {"type": "object"},
    "null": {"type": "null"},
    "any": {},
}
BOUNDS = {
    "least": "minimum",
    "above": "exclusiveMinimum",
    "most": "maximum",
    "below": "exclusiveMaximum",
}
FILLED_IN = {"optimizer": {"params"}, "scheduler": {"optimizer"}, "data": {"source"}}
"""Parameters that the engine fills in."""
OPTION_KEYS = {
    TARGET: "the class or function that is called with the other keys, by its full name",
    "_partial_": "true: called later, with what only the run knows, such as the parameters",
    "defaults": "other options of the group that this one begins with",
    "fits": "the tasks or kinds of inputs that the option is for",
    "search_space": "the values that a sweep with search_space=architecture and the like may try",
}
"""Descriptions of the keys that options of all groups have."""
ABOUT = ("description", "default", "properties")
"""Keywords of a schema that do not restrict values."""

Schema = dict[str, Any]


def comments(text: str) -> dict[tuple[str, ...], str]:
    """Return the comments after a YAML's keys, by the path of the key."""
    found: dict[tuple[str, ...], str] = {}
    above: list[tuple[int, str]] = []
    for match in filter(None, map(LINE.match, text.splitlines())):
        indent = len(match["indent"])
        above = [*((i, key) for i, key in above if i < indent), (indent, match["key"])]
        if match["comment"]:
            found[tuple(key for _, key in above)] = match["comment"].strip()
    return found


def loaded(text: str) -> dict[str, Any]:
    """Return a YAML as Hydra reads it, where 1.0e4 is a number."""
    return cast(dict[str, Any], OmegaConf.to_container(OmegaConf.create(text), resolve=False))


def of_kind(kind: Any) -> Schema:
    """Return the schema of a kind in the notation of signatures.json."""
    if isinstance(kind, str):
        return KINDS[kind]
    if "literal" in kind:
        return {"enum": kind["literal"]}
    if "tuple" in kind:
        parts = [any_of([of_kind(k) for k in kinds]) for kinds in kind["tuple"]]
        return {"type": "array", "items": parts, "minItems": len(parts), "maxItems": len(parts)}
    return {"type": "array", "items": any_of([of_kind(k) for k in kind["list"]])}


def any_of(schemas: list[Schema]) -> Schema:
    """Return a schema that allows what any of the schemas allows; anything, if there is none."""
    distinct = [each for i, each in enumerate(schemas) if each not in schemas[:i]]
    if not distinct or {} in distinct:
        return {}
    return distinct[0] if len(distinct) == 1 else {"anyOf": distinct}


def of_parameter(known: Mapping[str, Any]) -> Schema:
    """Return the schema of a constructor's argument: its types and range; null is also allowed."""
    if not known.get("accepts"):
        return {}
    bounds = {BOUNDS[key]: known[key] for key in BOUNDS if key in known}
    kinds = [of_kind(kind) for kind in known["accepts"]]
    numbers = ("integer", "number")
    ranged = [{**each, **bounds} if each.get("type") in numbers else each for each in kinds]
    return any_of([*ranged, KINDS["null"], REFERENCE, NODE])


def of_value(value: Any, said: Mapping[tuple[str, ...], str], at: tuple[str, ...]) -> Schema:
    """Return the schema of a key without a signature: of its keys, or only a description."""
    inner = {
        key: of_value(each, said, (*at, key))
        for key, each in (value.items() if isinstance(value, dict) else ())
    }
    described = {"description": said[at]} if at in said else {}
    if inner:
        return {**described, "properties": inner}
    return described if value is None else {**described, "default": value}


class Option:
    """An option's file: its values, its comments and its target's parameters."""

    def __init__(self, group: str, path: Path) -> None:
        text = path.read_text("utf-8")
        self.name, self.group = path.stem, group
        self.values: dict[str, Any] = loaded(text)
        self.said = comments(text)
        first = text.partition("\n")[0]
        self.about = first.removeprefix("# ") if first.startswith("# ") else ""

    @property
    def target(self) -> str | None:
        """The target that builds the option."""
        return self.values.get(TARGET)

    @property
    def takes(self) -> Mapping[str, Mapping[str, Any]]:
        """The parameters of its target; for data, also those of the DataModule."""
        shared = parameters(DATA_MODULE) if self.group == "data" else {}
        found = {**shared, **parameters(self.target)}
        own = {k: v for k, v in found.items() if k not in FILLED_IN.get(self.group, ())}
        return {**own, **SETTINGS.get(self.group, {})}

    def properties(self) -> dict[str, Schema]:
        """Return the schema of every key: those in the file, then other parameters."""
        found = {}
        for key, value in self.values.items():
            own = of_value(value, self.said, (key,))
            general = {"description": OPTION_KEYS[key]} if key in OPTION_KEYS else {}
            found[key] = {**general, **own, **of_parameter(self.takes.get(key, {}))}
        more = {key: of_parameter(each) for key, each in self.takes.items() if key not in found}
        return found | more


def options(group: str) -> list[Option]:
    """Return the options of a group, the default first, except the team's."""
    start = loaded(paths.config("train").read_text("utf-8"))["defaults"]
    default = {k: v for each in start if isinstance(each, dict) for k, v in each.items()}
    found = [
        Option(group, path)
        for path in paths.options(group).values()
        if f"{paths.package()}." not in path.read_text("utf-8")
    ]
    return sorted(found, key=lambda option: option.name != default.get(group))


def merged(found: list[Option]) -> dict[str, Schema]:
    """Return the schema of every key of the options: what any of them allows."""
    each: dict[str, list[Schema]] = {}
    for option in found:
        for key, schema in option.properties().items():
            each.setdefault(key, []).append(schema)
    return {key: dict(_merged(key, schemas)) for key, schemas in sorted(each.items())}


def _merged(key: str, schemas: list[Schema]) -> Iterator[tuple[str, Any]]:
    described = [s["description"] for s in schemas if "description" in s]
    if described:
        yield "description", described[0]
    if all("properties" in s for s in schemas):
        yield "properties", {k: v for s in schemas for k, v in s["properties"].items()}
    known = [{k: v for k, v in s.items() if k not in ABOUT} for s in schemas]
    allowed = any_of([each for each in known if each])  # where one says nothing, the others do
    if key != TARGET:
        yield from allowed.items()


def of_option(group: str) -> Schema:
    """Return the schema of an option's file: the keys of the group, typed by its target."""
    found = options(group)
    keys = merged(found)
    typed = {option.target: option for option in found if option.target}
    if typed:
        known = {"examples": sorted(typed), "type": "string"}
        keys[TARGET] = {"description": OPTION_KEYS[TARGET], **known}
    own = {target: of_target(option, keys) for target, option in sorted(typed.items())}
    cases = [
        {
            "if": {"properties": {TARGET: {"const": target}}, "required": [TARGET]},
            "then": {"properties": properties},
        }
        for target, properties in own.items()
        if properties
    ]
    return {"type": "object", "properties": keys, **({"allOf": cases} if cases else {})}


def of_target(option: Option, keys: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return the keys of an option whose meaning or values differ from the group's."""

    def differs(key: str, schema: Schema) -> bool:
        said = {k: v for k, v in schema.items() if k != "default"}
        return any(keys[key].get(k) != v for k, v in said.items())

    return {k: s for k, s in option.properties().items() if k != TARGET and differs(k, s)}


def of_space() -> Schema:
    """Return the schema of a search space: keys of the config, and the values to try."""
    value = {
        "description": "values, choice(1,2,3), interval(1e-4, 1e-1), range(1,4), tag(log, ...), "
        "or own: the space in the chosen option's own file; with `when`, only for some choices; "
        "with `prior`, what is believed to be good",
        "type": ["string", "object", "array", "number", "boolean"],
    }
    return {"type": "object", "additionalProperties": value}


def of_preset() -> Schema:
    """Return the schema of train.yaml and of a preset: all keys of a run, and its choices."""
    text = paths.config("train").read_text("utf-8")
    values, said = loaded(text), comments(text)
    keys = {k: of_value(v, said, (k,)) for k, v in values.items() if k not in UNLISTED}
    for group in GROUPS:
        shared = keys.get(group, {}).get("properties", {})
        about = {"description": said.get(("defaults", group), f"configs/{group}")}
        if group != "search_space":
            own = {k: v for k, v in merged(options(group)).items() if k != "defaults"}
            keys[group] = {**about, "properties": {**shared, **own}}
    named = {}
    for group in (*GROUPS, PRESET):
        names = [option.name for option in options(group) if option.name != "base"]
        of = {
            "enum": names,
            "enumDescriptions": [o.about for o in options(group) if o.name != "base"],
        }
        several = {"type": "array", "items": of}
        named[group] = {"anyOf": [of, several, {"type": ["string", "null"]}]}
    spelt = {f"{mark}{g}": choice for g, choice in named.items() for mark in ("override /", "/")}
    entry = {"anyOf": [{"type": "string"}, {"type": "object", "properties": {**spelt, **named}}]}
    keys["defaults"] = {
        "description": "the option of each choice: - override /optimizer: sgd",
        "type": "array",
        "items": entry,
    }
    return {"type": "object", "properties": keys}


def schemas() -> dict[str, str]:
    """Return the text of every schema, by the name of its file."""
    found = {group: of_option(group) for group in GROUPS if group != "search_space"}
    found |= {"search_space": of_space(), PRESET: of_preset()}
    head = {"$schema": "http://json-schema.org/draft-07/schema#"}
    titles = {name: {"title": f"Quintet: configs/{name}"} for name in found}
    return {
        f"{name}.json": json.dumps(head | titles[name] | schema, indent=1) + "\n"
        for name, schema in found.items()
    }


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, "utf-8")
