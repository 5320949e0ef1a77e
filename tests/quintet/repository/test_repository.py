"""Guards: rules that the whole repository must follow."""

import ast
import graphlib
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from options import own, template_only
from quintet.base.paths import package
from quintet.problems import PROBLEMS

ROOT = Path(__file__).parents[3]
SRC = ROOT / "src"
SOURCES = sorted(SRC.rglob("*.py"))
ENGINE = [path for path in SOURCES if package() not in path.relative_to(SRC).parts]
CONFIGS = [
    path
    for path in sorted((ROOT / "configs").rglob("*.yaml"))
    if f"_target_: {package()}." not in path.read_text("utf-8")
]
"""The engine's files. Those that name the team's package follow the team's own rules."""

# The rooms of the engine, from the top: a room imports from itself and from those below it.
ROOMS = (
    *(
        "__main__",
        "testing",
        "api",
        "commands",
        "comparison",
        "report",
        "sweep",
        "ensembles",
        "training",
    ),
    *("trackers", "diagnostics", "modules", "study", "config", "analysis", "artifacts", "options"),
    *("data", "problems", "base"),
)
PLAIN = ("analysis", "options", "data", "problems")
"""Rooms of plain torch and arrays: they know neither Hydra nor Lightning."""
LIGHTNINGS = {
    *("quintet.data.module", "quintet.data.lightning_data", "quintet.data.lightning_loaders"),
    *("quintet.data.sources.token_files", "quintet.data.sources.two_targets"),
}
"""DataModules are Lightning's by their nature."""
FRAMEWORKS = {"hydra", "omegaconf", "lightning", "pytorch_lightning"}


def named(path: Path) -> str:
    """Give a file's module name: src/quintet/data/csv.py is quintet.data.csv."""
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str | None:
    """Return the room of a module of the engine; None for any other."""
    package, _, rest = module.partition(".")
    return rest.partition(".")[0] if package == "quintet" and rest else None


def imports(code: str, module: str = "", package: bool = False) -> Iterator[str]:
    """Yield every name that the code imports, inside functions too, relative ones spelled out."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")[: None if package else -1]
                above = parents[: len(parents) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imports_of(path: Path) -> set[str]:
    return set(imports(path.read_text("utf-8"), named(path), path.name == "__init__.py"))


def instantiates(code: str) -> bool:
    """Whether the code gets hold of Hydra's `instantiate` (or `call`, its other name)."""
    brought = {name for name in imports(code) if name.startswith("hydra.")}
    dotted = (ast.unparse(n) for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Attribute))
    return any(name.endswith(("utils.instantiate", "utils.call")) for name in (*brought, *dotted))


def pins() -> dict[str, Requirement]:
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    entries = [Requirement(line.split("#")[0]) for line in lines if line[:1].isalnum()]
    return {canonicalize_name(entry.name): entry for entry in entries}


LEFT_OUT = re.compile(r"(cuda|nvidia|triton)([-a-z0-9]*)|httpx2-jsfetch|tzdata")
"""What pip finds itself: torch pins its CUDA packages, and two are of other platforms."""


def test_both_locks_pin_the_same() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
    own = {each["name"] for each in lock["package"] if "editable" in each["source"]}
    pinned = {each["name"]: each["version"] for each in lock["package"] if each["name"] not in own}
    for_pip = {name: str(entry.specifier).removeprefix("==") for name, entry in pins().items()}
    rest = {n: v for n, v in pinned.items() if n in for_pip or not LEFT_OUT.fullmatch(n)}
    assert rest == for_pip, "run `make lock`"


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def requirements() -> list[str]:
    """All that pyproject.toml asks for; `all` only names the other extras."""
    extras = {k: v for k, v in project()["optional-dependencies"].items() if k != "all"}
    return [*project()["dependencies"], *(line for lines in extras.values() for line in lines)]


def test_the_extra_all_is_all_of_them():
    extras = project()["optional-dependencies"]
    (everything,) = map(Requirement, extras["all"])
    assert everything.extras == {*extras} - {"all"}


@pytest.mark.parametrize("path", ENGINE, ids=named)
def test_imports_run_downward(path):
    if (own := room(named(path))) is None:
        return
    found = {name: room(name) for name in imports_of(path)}
    upward = {n for n, at in found.items() if at in ROOMS and ROOMS.index(at) < ROOMS.index(own)}
    assert not upward, f"{named(path)} is below what it imports: {sorted(upward)}"


def test_every_room_has_its_place_and_says_what_it_is_for():
    rooms = {path.name for path in (SRC / "quintet").iterdir() if any(path.glob("*.py"))}
    assert rooms <= {*ROOMS}
    for path in (SRC / "quintet").rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), f"{path} says nothing"


def test_no_circle_of_imports():
    """Over every import, also those inside functions."""
    modules = {named(path): path for path in ENGINE}
    graph = {
        name: {found for n in imports_of(path) for found in (n, n.rpartition(".")[0])}
        & modules.keys() - {name}
        for name, path in modules.items()
    }
    sorter = graphlib.TopologicalSorter(
        {
            name: {n for n in uses if modules[n].name != "__init__.py"}
            for name, uses in graph.items()
        }
    )
    sorter.prepare()  # raises CycleError with the circle


def test_no_two_modules_or_classes_have_one_name():
    modules = [path.stem for path in ENGINE if path.parent != SRC and path.stem != "__init__"]
    classes = [
        node.name
        for path in ENGINE
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    for names in (modules, classes):
        assert not [name for name, count in Counter(names).items() if count > 1]


@pytest.mark.parametrize("path", ENGINE, ids=named)
def test_the_engine_never_imports_the_teams_package(path):
    theirs = {name for name in imports_of(path) if name.split(".")[0] == package()}
    assert not theirs, f"{named(path)} imports {sorted(theirs)}"


@pytest.mark.parametrize("path", [p for p in ENGINE if room(named(p)) in PLAIN], ids=named)
def test_a_plain_room_knows_no_framework(path):
    used = {name.split(".")[0] for name in imports_of(path)} & FRAMEWORKS
    assert not used or named(path) in LIGHTNINGS, f"{named(path)} imports {sorted(used)}"


def test_a_sweep_knows_a_trial_by_its_command_line_and_record():
    inside = {"quintet.training.experiment", "quintet.modules.supervised"}
    for path in sorted((SRC / "quintet/sweep").rglob("*.py")):
        seen = {n for n in imports_of(path) if any(n.startswith(i) for i in inside)}
        assert not seen, f"{named(path)} imports {sorted(seen)}"


def private_parts(path: Path) -> set[str]:
    """What a file imports of the libraries' private parts."""
    libraries = {"torch", "torchmetrics", "optuna"} | FRAMEWORKS
    return {
        name
        for name in imports_of(path)
        if name.partition(".")[0] in libraries
        and any(re.match("_[a-z]", part, re.IGNORECASE) for part in name.split("."))
    }


def test_private_parts_of_libraries_are_imported_in_one_file_each():
    homes = {
        "quintet.base.hydra_internals": {"hydra", "omegaconf"},
        "quintet.options.torch_internals": {"torch"},
        "quintet.study.optuna_internals": {"optuna"},
        "quintet.training.lightning_patches": {"lightning"},
        "quintet.testing.sweep_contract": {"hydra"},  # composes as a sweep's start does
    }
    found = {named(path): private_parts(path) for path in ENGINE}
    used = {
        module: {n.partition(".")[0] for n in names} for module, names in found.items() if names
    }
    assert used == homes


def test_one_reader_of_yaml():
    """PyYAML's own rules read 1e-3 as text and 2026-01-31 as a date; OmegaConf's do not."""
    reader = SRC / "quintet/base/plain_yaml.py"
    used = [path for path in (*SOURCES, *(ROOT / "tools").glob("*.py")) if path != reader]
    reads = re.compile(r"\byaml\.(safe_|full_|unsafe_)?load")
    assert not [path.name for path in used if reads.search(path.read_text("utf-8"))]


def decisions(code: str) -> set[str]:
    """Return the names of problems that code compares with, looks up or allows.

    Stating one, as data do about their target, is not a decision.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Dict):
            parts = [*node.keys]
        elif isinstance(node, ast.Subscript):  # of a mapping, or of Literal
            parts = [node.slice]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".get", "startswith")):
            parts = [*node.args]
        inner = (each for part in parts if part for each in [part, *getattr(part, "elts", ())])
        found |= {each.value for each in inner if isinstance(each, ast.Constant)} & {*PROBLEMS}
    return found


@pytest.mark.parametrize(
    "path", [p for p in ENGINE if room(named(p)) not in (None, "problems")], ids=named
)
def test_nothing_is_decided_by_the_name_of_a_problem_outside_of_problems(path):
    assert not decisions(path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("task == 'binary'", {"binary"}),
        ("if task in (None, 'multiclass'): pass", {"multiclass"}),
        ("{'multilabel': 'bce'}.get(task)", {"multilabel"}),
        ("counts['regression'] = 3", {"regression"}),
        ("def f(task: Literal['binary', 'multilabel']): pass", {"binary", "multilabel"}),
        ("match task:\n    case 'segmentation': pass", {"segmentation"}),
        ("Samples(x, y, task='regression')", set()),
    ],
)
def test_the_guard_sees_a_decision_in_every_spelling(code, names):
    assert decisions(code) == names


def test_hydra_builds_nothing():
    assert not [named(path) for path in SOURCES if instantiates(path.read_text("utf-8"))]


@pytest.mark.parametrize(
    "code",
    [
        "import hydra\nhydra.utils.instantiate(c)",
        "from hydra import utils\nutils.instantiate(c)",
        "def f(c):\n    from hydra.utils import instantiate as make\n    make(c)",
        "from hydra.utils import call",
        "import hydra\nhydra.utils.call(c)",
    ],
)
def test_the_guard_sees_instantiate_in_every_spelling(code):
    assert instantiates(code)


def test_the_guard_spells_out_relative_imports():
    code = "from . import b\nfrom ...data.csv import Table"
    assert set(imports(code, "quintet.options.models.mlp")) == {
        "quintet.options.models.b",
        "quintet.data.csv.Table",
    }
    assert set(imports("from . import b", "quintet.options.models", package=True)) == {
        "quintet.options.models.b"
    }


def errors(code: str) -> Iterator[tuple[str, set[str]]]:
    """Yield for each `UserError` that code creates its constant text and its named fields."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("UserError"):
            parts = ast.walk(node.args[0]) if node.args else ()
            text = [str(each.value) for each in parts if isinstance(each, ast.Constant)]
            yield " ".join(text), {field.arg or "code" for field in node.keywords}


@pytest.mark.parametrize("path", ENGINE, ids=named)
def test_an_error_has_its_kind_and_its_key_as_fields(path):
    """Programs and tests read the fields, so that messages can change."""
    for text, fields in errors(path.read_text("utf-8")):
        assert "code" in fields, f"no code: {text}"
        assert "key" in fields or not re.match(r"[a-z][\w.]*=", text), f"a key in prose: {text}"


def test_hydra_finds_the_plugins():
    plugins = SRC / "hydra_plugins"
    assert not (plugins / "__init__.py").exists(), "Hydra wants hydra_plugins as a namespace"
    packages = [p for p in plugins.glob("*") if p.is_dir() and p.name != "__pycache__"]
    bare = [p.name for p in packages if any(p.glob("*.py")) and not (p / "__init__.py").exists()]
    assert not bare, f"packages inside hydra_plugins need an __init__.py: {bare}"


@template_only
@pytest.mark.parametrize("path", ENGINE, ids=named)
def test_a_source_file_says_what_it_is_and_stays_short(path):
    text = path.read_text("utf-8")
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), f"{path.name} has no docstring"
    lines = len(text.splitlines())
    assert lines <= 400, f"{path.name} has {lines} lines: does it still have one job?"


@template_only
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.relative_to(ROOT / "configs")))
def test_a_config_opens_with_a_sentence_about_it(path):
    lines = path.read_text("utf-8").splitlines()
    # Hydra reads its own header, `# @package ...`, only from the very top.
    first = next((line for line in lines if not line.startswith("# @")), "")
    assert re.match(r"# \w+.* \w+.* \w+", first), f"first line: {first!r}"


@pytest.mark.parametrize(
    "name", ["lightning", "torch", "torchmetrics", "hydra-core", "omegaconf", "optuna"]
)
def test_a_library_whose_private_parts_are_used_has_an_upper_bound(name):
    (wanted,) = (r for r in map(Requirement, project()["dependencies"]) if r.name == name)
    assert any(bound.operator == "<" for bound in wanted.specifier)


@pytest.mark.parametrize("line", requirements())
def test_the_lock_pins_what_the_project_asks_for(line):
    wanted = Requirement(line)
    pin = pins().get(canonicalize_name(wanted.name))
    assert pin is not None, f"{wanted.name} is not in requirements.lock; run `make lock`"
    (exact,) = pin.specifier
    assert exact.operator == "=="
    assert wanted.specifier.contains(exact.version, prereleases=True), (
        f"requirements.lock has {pin}, pyproject.toml asks for {wanted}; run `make lock`"
    )


def test_the_lock_holds_exact_pins_that_install_anywhere():
    assert pins()
    for pin in pins().values():
        (exact,) = pin.specifier
        assert exact.operator == "==", f"{pin} is not an exact pin"
        assert "+" not in exact.version, f"{pin} is a build of one index only"
    brought = [n for n in pins() if n.startswith(("nvidia-", "cuda-", "triton"))]
    assert not brought, f"torch brings these itself where it needs them: {brought}"


def test_the_pythons_of_the_project_are_tested():
    workflow = (ROOT / ".github/workflows/test.yml").read_text("utf-8")
    (matrix,) = re.findall(r"python: \[(.*)\]", workflow)
    supported = Requirement(f"python{project()['requires-python']}").specifier
    minors = [f"3.{minor}" for minor in range(40)]
    assert [m.strip(' "') for m in matrix.split(",")] == [*supported.filter(minors)]


@template_only
def test_nothing_is_left_for_later():
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    folders = ("src", "configs", "tests", "benchmarks", "docs", ".ci", ".github")
    theirs = {ROOT / "src" / str(package()), ROOT / "tests" / str(package())}
    files = [p for f in folders for p in (ROOT / f).rglob("*") if p.suffix != ".pyc"]
    files = [p for p in files if not theirs & {*p.parents}]
    files += [p for p in ROOT.glob("*") if p.suffix in {".md", ".toml"} or p.name == "Makefile"]
    left = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        if path.is_file()
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if marks.search(line)
    ]
    assert not left, f"finish it or open an issue: {left}"


@template_only
@pytest.mark.parametrize("group", ["metric", "loss", "init", "optimizer", "scheduler", "model"])
def test_the_readme_lists_every_option(group):
    listed = re.search(rf"`{group}=` \| ([a-z0-9_, ]+)", (ROOT / "README.md").read_text("utf-8"))
    assert listed
    assert listed[1].strip().split(", ") == own(group)
