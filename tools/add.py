"""Add an option of your own: its source, its YAML and its test, in the team's package.

make add KIND=model NAME=my_net
make add KIND=optimizer NAME=nadam     # torch has it: a YAML and a test are all it needs

What is written works at once (`python src/train.py model=my_net`) and is an example to change: a
method of its own, from a paper, in the form that this project gives such a thing.
"""

import keyword
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import library

from quintet.base import paths
from quintet.base.errors import UserError, nearest
from quintet.base.files import write_atomically

ROOT = Path(__file__).parents[1]
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Kind:
    """Where a kind of option lives.

    Args:
        group: its config group, a folder of configs/.
        package: of its source, below the team's own; None where a YAML is all there is.
        word: what chooses it; `{}` is the option's name.

    """

    group: str
    package: str | None
    word: str = ""

    def command(self, name: str) -> str:
        """Return the command that tries the option."""
        return f"python src/train.py {(self.word or self.group + '={}').format(name)}"


SWEEP = "-m sweeper={} optimizer.lr='interval(1e-4,1e-1)' sweeper.n_trials=4"
KINDS = {
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
    """Return the files to write, and their text.

    Raises:
        UserError: an unknown kind, a name that cannot be, or one that is taken.

    """
    if kind not in KINDS:
        raise UserError(f"KIND={kind} is not known. {nearest(kind, KINDS)}")
    check_name(name)
    place, package = KINDS[kind], package_name()
    source = ROOT / "src" / package / f"{place.package}/{name}.py"
    config = ROOT / "configs" / place.group / f"{name}.yaml"
    test = ROOT / "tests" / package / f"{place.package or 'experiments'}/test_{name}.py"
    for path in (config, source, test):
        if path.exists() or (path == source and path.with_suffix("").is_dir()):
            raise UserError(f"NAME={name} is taken: {shown(path)} is there. Take another name.")
    if of_torch := library.texts(kind, name):
        return dict(zip((config, test), of_torch, strict=True))
    templates = {source: "source.py", config: "config.yaml", test: "test.py"}
    return {
        path: filled((TEMPLATES / kind / template).read_text("utf-8"), name)
        for path, template in templates.items()
        if (TEMPLATES / kind / template).exists()
    }


def check_name(name: str) -> None:
    """Refuse what cannot be both a module and a word of the command line.

    Raises:
        UserError: says what a name is made of, and the nearest good one.

    """
    good = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    good = re.sub(r"[^a-z0-9]+", "_", good).strip("_")
    good = good if re.match(r"[a-z]", good) else f"my_{good}".strip("_")
    if keyword.iskeyword(good) or good in ("null", "true", "yes", "no", "on", "off"):
        good = f"my_{good.lower()}"
    if name != good:
        raise UserError(
            f"NAME={name} is no name for an option: it is small letters, digits and underscores, "
            f"a letter first, and no word of Python or YAML. Take for instance NAME={good}."
        )


def filled(template: str, name: str) -> str:
    """Put the option's name, and the package's, in place of the template's own."""
    words = name.split("_")
    text = template.replace("NewOption", "".join(word[:1].upper() + word[1:] for word in words))
    text = re.sub(r"(?<![.\w])project(?=\.\w)", package_name(), text)
    return text.replace("new_option", name)


def package_name() -> str:
    """Return what the team's package is called."""
    return paths.package() or "project"


def shown(path: Path) -> str:
    """Return a path as it is called in the checkout."""
    return str(path.relative_to(ROOT))


def polish(paths: list[Path]) -> None:
    """Sort imports and format, as names of another length may need."""
    python = [str(path) for path in paths if path.suffix == ".py"]
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "-q", "--fix-only", *python], cwd=ROOT, check=True)
    subprocess.run([*ruff, "format", "-q", *python], cwd=ROOT, check=True)


def main(kind: str, name: str) -> None:
    """Write the files, and say what to do with them."""
    files = planned(kind, name)
    for path, text in files.items():
        write_atomically(path, text)
    if kind in KINDS and KINDS[kind].package:
        (ROOT / "src" / package_name() / str(KINDS[kind].package) / "__init__.py").touch()
    polish(list(files))
    print("Written, to be made your own:")
    print(*(f"  {shown(path)}" for path in files), sep="\n")
    tests = " ".join(shown(path) for path in files if path.name.startswith("test_"))
    print(f"\nTry it:   {KINDS[kind].command(name)}")
    print(f'Test it:  make test ARGS="{tests}", then make check and make test: the contract tests')
    print("          run over every option of every group, this one included.")


if __name__ == "__main__":
    try:
        main(*(*sys.argv[1:], "", "")[:2])
    except UserError as error:
        sys.exit(f"Error: {error}")
