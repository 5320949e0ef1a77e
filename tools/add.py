"""Add an option of your own to the team's package: a source, a YAML and a test.

make add KIND=model NAME=my_net
make add KIND=optimizer NAME=nadam     # part of torch: needs only a YAML and a test

The new option works at once (`python src/train.py model=my_net`) and is an example to edit: a
method from a paper that the engine does not have, written in the project's style.
"""

import keyword
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import library

from quintet.base import paths
from quintet.base.errors import Code, UserError
from quintet.base.files import write_atomically

ROOT = Path(__file__).parents[1]
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Kind:
    """Where a kind of option lives.

    Args:
        group: its config group, a folder of configs/.
        package: of its source, inside the team's package; None for a YAML without a source.
        word: the override that selects it; `{}` is the option's name.

    """

    group: str
    package: str | None
    word: str = ""

    def command(self, name: str) -> str:
        """Return a command that tries the option."""
        return f"python src/train.py {(self.word or self.group + '={}').format(name)}"


SWEEP = "-m sweeper={} optimizer.lr='interval(1e-4,1e-1)' sweeper.n_trials=4"
KINDS = {
    "module": Kind("module", "modules"),
    "model": Kind("model", "models"),
    "data": Kind("data", "data"),
    "loss": Kind("loss", "losses"),
    "metric": Kind("metric", "metrics"),
    "init": Kind("init", "inits"),
    "optimizer": Kind("optimizer", "optimizers"),
    "scheduler": Kind("scheduler", "schedulers"),
    "sweeper": Kind("sweeper", "samplers", SWEEP),
    "experiment": Kind("experiment", None),
    "callback": Kind("callbacks", "callbacks"),
}


def planned(kind: str, name: str) -> dict[Path, str]:
    """Return the files to write, with their contents.

    Raises:
        UserError: the kind is unknown, or the name is invalid or taken.

    """
    if kind not in KINDS:
        raise UserError(
            "is unknown", code=Code.UNKNOWN_NAME, key="KIND", value=kind, allowed=sorted(KINDS)
        )
    check_name(name)
    place, package = KINDS[kind], package_name()
    source = ROOT / "src" / package / f"{place.package}/{name}.py"
    config = ROOT / "configs" / place.group / f"{name}.yaml"
    test = ROOT / "tests" / package / f"{place.package or 'experiments'}/test_{name}.py"
    for path in (config, source, test):
        if path.exists() or (path == source and path.with_suffix("").is_dir()):
            raise UserError(
                f"is taken: {shown(path)} exists",
                code=Code.EXISTS,
                key="NAME",
                value=name,
                hint="Choose another name.",
            )
    if of_torch := library.texts(kind, name):
        return dict(zip((config, test), of_torch, strict=True))
    templates = {source: "source.py", config: "config.yaml", test: "test.py"}
    return {
        path: filled((TEMPLATES / kind / template).read_text("utf-8"), name)
        for path, template in templates.items()
        if (TEMPLATES / kind / template).exists()
    }


def check_name(name: str) -> None:
    """Refuse a name that cannot be both a Python module and a Hydra option.

    Raises:
        UserError: the name is invalid; the error suggests the nearest valid one.

    """
    good = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    good = re.sub(r"[^a-z0-9]+", "_", good).strip("_")
    good = good if re.match(r"[a-z]", good) else f"my_{good}".strip("_")
    if keyword.iskeyword(good) or good in ("null", "true", "yes", "no", "on", "off"):
        good = f"my_{good.lower()}"
    if name != good:
        raise UserError(
            "is not a valid name for an option: use lowercase letters, digits and underscores, a "
            "letter first, and no keyword of Python or YAML",
            code=Code.OUT_OF_RANGE,
            key="NAME",
            value=name,
            hint=f"For example: NAME={good}",
        )


def filled(template: str, name: str) -> str:
    """Replace the template's placeholders by the names of the option and of the package."""
    words = name.split("_")
    text = template.replace("NewOption", "".join(word[:1].upper() + word[1:] for word in words))
    text = re.sub(r"(?<![.\w])project(?=\.\w)", package_name(), text)
    return text.replace("new_option", name)


def package_name() -> str:
    """Return the name of the team's package."""
    return paths.package() or "project"


def shown(path: Path) -> str:
    """Return a path relative to the checkout."""
    return str(path.relative_to(ROOT))


def polish(paths: list[Path]) -> None:
    """Sort imports and format: names of another length change both."""
    python = [str(path) for path in paths if path.suffix == ".py"]
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "-q", "--fix-only", *python], cwd=ROOT, check=True)
    subprocess.run([*ruff, "format", "-q", *python], cwd=ROOT, check=True)


def main(kind: str, name: str) -> None:
    """Write the files and print what to do next."""
    files = planned(kind, name)
    for path, text in files.items():
        write_atomically(path, text)
    if kind in KINDS and KINDS[kind].package:
        (ROOT / "src" / package_name() / str(KINDS[kind].package) / "__init__.py").touch()
    polish(list(files))
    print("Written, for you to edit:")
    print(*(f"  {shown(path)}" for path in files), sep="\n")
    tests = " ".join(shown(path) for path in files if path.name.startswith("test_"))
    print(f"\nTry it:   {KINDS[kind].command(name)}")
    print(f'Test it:  make test ARGS="{tests}", then make check and make test: the contract tests')
    print("          cover every option of every group, including this one.")


if __name__ == "__main__":
    try:
        main(*(*sys.argv[1:], "", "")[:2])
    except UserError as error:
        sys.exit(f"Error: {error}")
