"""What the pages state about the code, compared with the code."""

import ast
import importlib
import re
import runpy
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from options import own, template_only
from quintet.base.paths import package

ROOT = Path(__file__).parents[3]
SRC = ROOT / "src"
ENGINE = [path for path in sorted(SRC.rglob("*.py")) if str(package()) not in path.parts]
TREES = [ast.parse(path.read_text("utf-8")) for path in ENGINE]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "benchmarks/README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
IMPORTS = re.compile(r"^from (quintet[\w.]*) import (.+)$", re.M)
VARIABLE = r"[A-Z][A-Z0-9_]+[A-Z0-9]"


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def texts(node: ast.AST) -> set[str]:
    """Return the texts in an expression; of a dict its keys."""
    if isinstance(node, ast.Dict):
        return {text for key in node.keys if key for text in texts(key)}
    found = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant)}
    return {text for text in found if isinstance(text, str)}


def constants(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    """Yield a module's constants, those of `A, B = "a", "b"` included."""
    for node in tree.body:
        if isinstance(node, ast.AugAssign):
            yield ast.unparse(node.target), texts(node.value)
        elif isinstance(node, ast.Assign):
            (target,) = node.targets
            both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
            pairs = zip(target.elts, node.value.elts) if both else [(target, node.value)]  # noqa: B905
            yield from ((ast.unparse(name), texts(value)) for name, value in pairs)


def uses_environment(node: ast.AST) -> bool:
    return any(
        (isinstance(n, ast.Attribute) and n.attr == "environ")
        or (isinstance(n, ast.arg) and n.arg == "environment")
        for n in ast.walk(node)
    )


def variables() -> set[str]:
    """Find the environment variables that the engine names where it uses the environment.

    A constant that is imported counts as all constants of its name: too many rather than too few.
    """
    known: dict[str, set[str]] = {}
    for name, values in (pair for tree in TREES for pair in constants(tree)):
        known[name] = known.get(name, set()) | values
    found: set[str] = set()
    for tree in TREES:
        own: dict[str, set[str]] = {}
        for name, values in constants(tree):
            own[name] = own.get(name, set()) | values
        parts = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        parts = [*parts, *(n for n in tree.body if isinstance(n, ast.Assign))]
        for node in (n for part in parts if uses_environment(part) for n in ast.walk(part)):
            if isinstance(node, ast.Name):
                found |= own.get(node.id, known.get(node.id, set()))
            elif isinstance(node, ast.keyword):
                found.add(node.arg or "")
            else:
                found |= texts(node) if isinstance(node, ast.Constant) else set()
    return {text for text in found if re.fullmatch(VARIABLE, text)}


@template_only
def test_the_page_of_environment_variables_lists_what_the_code_uses():
    configs = "".join(path.read_text("utf-8") for path in (ROOT / "configs").rglob("*.yaml"))
    used = variables() | set(re.findall(rf"\$\{{oc\.env:({VARIABLE})", configs))
    assert {"QUINTET_FAULT", "MLFLOW_DISABLE_TELEMETRY", "PROJECT_ROOT", "LOCAL_RANK"} <= used
    assert set(re.findall(rf"`({VARIABLE})`", read("docs/environment.md"))) == used


def test_the_architecture_lists_the_rooms_from_the_top():
    guards = runpy.run_path(str(ROOT / "tests/quintet/repository/test_repository.py"))
    rooms = [room for room in guards["ROOMS"] if (SRC / "quintet" / room / "__init__.py").is_file()]
    table = read("docs/architecture.md").partition("## The rooms")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == rooms
    drawn = re.findall(r">(\w+)/<", read("docs/assets/house.svg"))
    assert drawn == rooms


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_files_of_the_code_that_a_page_names_exist(page):
    """`src/quintet/data/csv.py`, and, of the architecture, `data/csv.py` in a room."""
    named = re.findall(r"`([a-z_]+/[\w/]+\.py|src/quintet/[\w/]*)`", page.read_text("utf-8"))
    bases = (ROOT, SRC, SRC / "quintet")
    missing = {n for n in named if not any((base / n).exists() for base in bases)}
    assert not {n for n in missing if not n.startswith((f"src/{package()}", f"{package()}/"))}


@template_only
@pytest.mark.parametrize(
    "group", ["sweeper", "data", "trainer", "callbacks", "logger", "experiment"]
)
def test_the_readme_lists_the_options_that_people_choose(group):
    row = re.search(rf"`{group}=` \|(.*)", read("README.md"))
    assert row
    shared = {"base", "default"}
    missing = {name for name in {*own(group)} - shared if not re.search(rf"\b{name}\b", row[1])}
    assert not missing


def test_the_checks_are_as_many_as_the_pages_say():
    from quintet.diagnostics.checks import CHECKS

    table = read("docs/practice.md").partition("| check |")[2].partition("\n\n")[0]
    assert table.count("\n| ") == len(CHECKS)
    (number,) = re.findall(r"^(\w+) checks:", read("docs/ten-minutes.md"), re.MULTILINE)
    assert {"Fifteen": 15}.get(number) == len(CHECKS)


@pytest.mark.parametrize(
    ("page", "text", "constant", "factor"),
    [
        ("practice", r"loss on (\S+) samples", "diagnostics.start_checks.SMALL", 1),
        ("practice", r"more than (\S+) training samples", "diagnostics.baselines.ROWS", 1),
        ("practice", r"column has more than (\S+)\.", "diagnostics.baselines.BINS", 1),
        ("presets", r"at least (\S+) seconds", "sweep.time_budget.LEAST", 1),
        ("presets", r"by default, at most (\S+)\)", "diagnostics.data_choices.FEW", 1),
        ("presets", r"up to (\S+), until", "diagnostics.data_choices.MOST_EPOCHS", 1),
        ("presets", r"has taken (\S+) steps", "diagnostics.data_choices.STEPS", 1),
        ("reports", r"(\S+) seeded resamples", "analysis.bootstrap.RESAMPLES", 1),
        ("reports", r"with a (\S+) % interval", "analysis.bootstrap.COVERAGE", 100),
        ("reports", r"the (\S+) validation samples", "artifacts.predictions_file.SHOWN", 1),
        ("reports", r"at most (\S+) evenly", "artifacts.predictions_file.MOST_SAMPLES", 1),
        ("sweeps", r"at least (\S+) have completed", "sweep.stagnation.LEAST", 1),
        ("sweeps", r"one of more than (\S+) %", "sweep.stagnation.GAIN", 100),
        ("sweeps", r"`auto` for up to (\S+);", "sweep.stacking.DEFAULT_WIDTH", 1),
        ("your-data", r"fitted on (\S+) of them", "data.loading.disk.PROBED_IMAGES", 1),
        ("your-data", r"becomes (\S+) numbers, hashed", "data.sources.hashed_text.FEATURES", 1),
    ],
)
def test_a_limit_that_a_page_states_is_that_of_the_code(page, text, constant, factor):
    (stated,) = re.findall(text, read(f"docs/{page}.md"))
    module, _, name = constant.rpartition(".")
    value = getattr(importlib.import_module(f"quintet.{module}"), name)
    assert float(stated.replace(",", "")) == value * factor


def test_the_data_sets_have_as_many_samples_as_the_pages_say():
    from quintet.data.sources.bundled import digits, digits_masks

    pages = {page.name: page.read_text("utf-8") for page in PAGES}
    counts = [re.findall(r"([\d,]+) handwritten\s+digits", text) for text in pages.values()]
    assert {count for found in counts for count in found} == {f"{len(digits().y):,}"}
    (canvases,) = re.findall(r"(\d+) canvases", pages["segmentation.md"])
    assert int(canvases) == len(digits_masks().y)


def test_the_language_model_has_as_many_parameters_as_its_page_says():
    from quintet.options.models.causal_transformer import CausalTransformer

    length = OmegaConf.load(ROOT / "configs/data/python_topics.yaml").length
    model = CausalTransformer([length], vocabulary=256)
    (stated,) = re.findall(r"preset's (\S+) parameters", read("docs/language-model.md"))
    assert f"{sum(each.numel() for each in model.parameters()):,}" == stated


def test_the_sweep_is_the_largest_room_after_data_as_the_decision_says():
    sizes: Counter[str] = Counter()
    for path in (SRC / "quintet").glob("*/**/*.py"):
        sizes[path.relative_to(SRC / "quintet").parts[0]] += len(path.read_text().splitlines())
    assert [room for room, _ in sizes.most_common(2)] == ["data", "sweep"]


def test_the_glossary_has_the_five_letters_and_their_groups():
    rows = re.findall(r"^\| ([PCWAT]) \| (\w+) \| `(\w+)=`", read("docs/glossary.md"), re.MULTILINE)
    assert rows == [
        (letter, group, group)
        for letter, group in zip(
            "PCWAT", ("metric", "loss", "init", "optimizer", "sweeper"), strict=True
        )
    ]
    assert all((ROOT / "configs" / group).is_dir() for _, _, group in rows)


def test_what_is_called_public_can_be_imported():
    rows = re.findall(
        r"^\| `(quintet\.[\w.]+)` \| (.*?)(?::|\|)", read("docs/stability.md"), re.MULTILINE
    )
    assert len(rows) > 5
    for module, named in rows:
        for name in re.findall(r"`(\w+)`", named):
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


def test_the_pages_say_metric_and_not_p():
    """The letters stand in the glossary, where the strategy is explained, and in decisions."""
    explained = {"glossary.md", "choosing.md"}
    for path in [p for p in PAGES if p.name not in explained and p.parent.name != "decisions"]:
        prose = re.sub(r"```.*?```|`[^`]*`", "", path.read_text("utf-8"), flags=re.DOTALL)
        found = re.findall(r".*(?<![\w&-])P(?![\w&,-]).*", prose)
        assert not found, f"{path.name}: {found}"


@template_only
@pytest.mark.parametrize(("page", "group"), [("sweeps", "sweeper"), ("presets", "experiment")])
def test_a_page_explains_every_option_of_its_group(page, group):
    files = {path.stem for path in (ROOT / "configs" / group).glob("*.yaml")} - {"base"}
    assert not {name for name in files if f"`{name}`" not in read(f"docs/{page}.md")} - {"automl"}


@pytest.mark.parametrize("page", ["README.md", "docs/ten-minutes.md"])
def test_the_pythons_that_a_page_names_are_those_of_the_project(page):
    project = tomllib.loads(read("pyproject.toml"))["project"]
    first, last = re.findall(r"Python (3\.\d+) to (3\.\d+)", read(page))[0]
    bounds = sorted(re.findall(r"3\.(\d+)", project["requires-python"]), key=int)
    assert (first, last) == (f"3.{bounds[0]}", f"3.{int(bounds[-1]) - 1}")


@pytest.mark.parametrize("page", [p for p in PAGES if IMPORTS.search(p.read_text("utf-8"))])
def test_the_python_names_that_a_page_imports_exist(page):
    for module, names in IMPORTS.findall(page.read_text("utf-8")):
        for name in names.split(", "):
            found = importlib.import_module(module)
            assert hasattr(found, name) or importlib.import_module(f"{module}.{name}")
