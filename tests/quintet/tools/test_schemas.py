"""The editors' schemas match the configs and the signatures."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from omegaconf import OmegaConf

from options import template_only
from quintet.base.paths import CHECKOUT, CONFIGS

EDITOR = CHECKOUT / ".vscode"


@pytest.fixture(scope="module")
def tool() -> Iterator[ModuleType]:
    sys.path.insert(0, str(CHECKOUT / "tools"))
    import schemas

    yield schemas
    sys.path.remove(str(CHECKOUT / "tools"))


@template_only
def test_the_schemas_are_fresh(tool: ModuleType) -> None:
    kept = {path.name: path.read_text("utf-8") for path in tool.FOLDER.glob("*.json")}
    assert kept == tool.schemas(), "run `make signatures`"


def test_every_group_has_the_schema_that_the_settings_name() -> None:
    settings = json.loads((EDITOR / "settings.json").read_text("utf-8"))
    files = [
        path
        for named in settings["yaml.schemas"].values()
        for pattern in ([named] if isinstance(named, str) else named)
        for path in CHECKOUT.glob(pattern)
    ]
    unnamed = {"hydra", "paths"}  # nothing to complete in them
    assert {p.name for p in CONFIGS.iterdir() if p.is_dir()} - unnamed <= {
        path.parent.name for path in files
    }
    assert all((CHECKOUT / name).is_file() for name in settings["yaml.schemas"])


def errors(name: str, text: str) -> list[str]:
    """Return what a schema objects to in a YAML."""
    jsonschema = pytest.importorskip("jsonschema")
    schema: Any = json.loads((EDITOR / "schemas" / f"{name}.json").read_text("utf-8"))
    found = jsonschema.Draft7Validator(schema).iter_errors(
        OmegaConf.to_container(OmegaConf.create(text))
    )
    return [f"{'.'.join(map(str, each.path))}: {each.message}" for each in found]


def shipped() -> Iterator[tuple[str, Path]]:
    for schema in (EDITOR / "schemas").glob("*.json"):
        yield from ((schema.stem, path) for path in (CONFIGS / schema.stem).glob("*.yaml"))


def test_no_schema_objects_to_a_shipped_option() -> None:
    found = {
        str(p): wrong for name, p in shipped() if (wrong := errors(name, p.read_text("utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("schema", "text", "says"),
    [
        ("optimizer", "{_target_: torch.optim.Adam, lr: -1}", "lr: -1"),
        ("optimizer", "{_target_: torch.optim.Adam, betas: [0.9]}", "betas: [0.9]"),
        ("experiment", "{trainer: {max_epochs: 3.5}}", "trainer.max_epochs: 3.5"),
        ("experiment", "{optimizer: {lr: fast}}", "optimizer.lr: 'fast'"),
    ],
)
def test_a_wrong_value_is_underlined(schema: str, text: str, says: str) -> None:
    (error,) = errors(schema, text)
    assert error.startswith(says)


def test_a_reference_may_stand_for_any_value() -> None:
    assert errors("optimizer", "{_target_: torch.optim.Adam, lr: '${oc.env:LR}'}") == []


def test_descriptions_are_the_comments_of_the_files(tool: ModuleType) -> None:
    text = "trainer: # hardware\n  max_epochs: 3 # of training\n  - key: 1\nlr: '#' # a rate\n"
    assert tool.comments(text) == {
        ("trainer",): "hardware",
        ("trainer", "max_epochs"): "of training",
        ("lr",): "a rate",
    }
