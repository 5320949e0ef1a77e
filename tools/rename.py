"""Rename the project, once, in a fork: the team's package, its tests and the distribution.

make rename NAME=acme

Renames `src/project` and `tests/project`, the configs that name them, the distribution and the
docs' title. The engine stays `quintet`, so that `make update` can take in later versions. The
change is staged, not committed.
"""

import keyword
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENGINE = "quintet"
TEMPLATE = "project"
"""The name of the team's package before it is renamed."""
TOUCHED = ("src", "tests", "configs", "pyproject.toml", "uv.lock", "docs")
"""The files that a rename changes, if they exist."""
LONGEST = 24
Pattern = tuple[str, str]


class Refusal(Exception):
    """A tool cannot proceed; the message says why, and what to do."""


def package(root: Path = ROOT) -> str:
    """Return the name of the team's package in a checkout."""
    tools = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]
    return str(tools[ENGINE]["project"])


def rename(root: Path, name: str) -> list[Path]:
    """Move the two folders, rewrite the files that name them, and return those that changed.

    Needs no git, so `make update` can apply it to any version of the template.
    """
    for folder in (root / "src", root / "tests"):
        if (folder / TEMPLATE).is_dir():
            (folder / TEMPLATE).rename(folder / name)
    changed = []
    for path, patterns in rewritten(root, name):
        if not path.is_file():  # an earlier version of the template, or a fork that removed it
            continue
        before = path.read_bytes().decode("utf-8")
        after = before
        for pattern, new in patterns:
            after = re.sub(pattern, new, after, flags=re.MULTILINE)
        if after != before:
            path.write_bytes(after.encode("utf-8"))
            changed.append(path)
    tidy(root, [path for path in changed if path.suffix == ".py"])
    return changed


def rewritten(root: Path, name: str) -> list[tuple[Path, list[Pattern]]]:
    """Return each file that may name the package, with its replacements."""
    title = " ".join(word.capitalize() for word in name.split("_"))
    paths = (rf"\b(src|tests)/{TEMPLATE}\b", rf"\1/{name}")
    of_code = [
        (rf"(?<![.\w]){TEMPLATE}(?=\.\w)", name),
        (rf"(?<=^from ){TEMPLATE}(?= import)|(?<=^import ){TEMPLATE}$", name),
        paths,
    ]
    own = sorted(p for top in ("src", "tests") for p in (root / top / name).rglob("*.py"))
    configs = sorted((root / "configs").rglob("*.yaml"))
    of_config = [(rf"(?<=_target_: ){TEMPLATE}(?=\.)", name), paths]
    of_pyproject = [
        (rf'^name = "{ENGINE}"$', f'name = "{name}"'),
        (rf'^all = \["{ENGINE}\[', f'all = ["{name}['),
        (rf'^project = "{TEMPLATE}"', f'project = "{name}"'),
        (rf'^include = \["{ENGINE}\*"', f'include = ["{name}*", "{ENGINE}*"'),
        (rf'"src/{TEMPLATE}"', f'"src/{name}"'),
        (rf'^dev = \["{ENGINE}\[', f'dev = ["{name}['),
        (rf"^{ENGINE} = (?={{ workspace)", f"{name} = "),
    ]
    return [
        *((path, of_code) for path in own),
        *((path, of_config) for path in configs),
        (root / "pyproject.toml", of_pyproject),
        (root / "uv.lock", [(rf'name = "{ENGINE}"', f'name = "{name.replace("_", "-")}"')]),
        (root / "docs/site/mkdocs.yml", [(r"^site_name: .*$", f"site_name: {title}")]),
    ]


def tidy(root: Path, files: list[Path]) -> None:
    """Sort imports, whose order depends on the name, and format."""
    if files:
        names = [str(path) for path in files]
        ruff = [sys.executable, "-m", "ruff"]
        quiet = ["-q", "--no-cache"]
        sort = [*ruff, "check", *quiet, "--fix-only", "--select", "I", *names]
        for command in (sort, [*ruff, "format", *quiet, *names]):
            subprocess.run(command, cwd=root, check=True)


def checked(name: str) -> None:
    """Refuse a name that a package cannot or should not have.

    Raises:
        Refusal: says why, and suggests the nearest valid name.

    """
    if not name:
        raise Refusal("NAME= is missing. For example: make rename NAME=acme.")
    if reason := objection(name):
        raise Refusal(f"NAME={name} {reason}. For example: NAME={suggestion(name)}.")


def objection(name: str) -> str | None:
    """Return why a name is refused; None for a valid one."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        return (
            "is not a package name: use lowercase letters, digits and single underscores, a letter "
            "first"
        )
    if len(name) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "is a keyword of Python"
    if name in sys.stdlib_module_names:
        return "would shadow a module of Python's standard library"
    if name in taken():
        return "would shadow a module that this project imports"
    return None


def taken() -> set[str]:
    """Return the names of importable modules: dependencies, commands, test helpers."""
    pins = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.M)
    own = [p.stem for folder in ("src", "tests", "tools") for p in (ROOT / folder).glob("*")]
    installed = metadata.packages_distributions()
    return {re.sub(r"[-.]", "_", pin).lower() for pin in pins} | {*own, *installed}


def suggestion(name: str) -> str:
    """Return the nearest valid name."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    plain = re.sub(r"[^a-z0-9]+", "_", plain).strip("_0123456789")[:LONGEST].strip("_")
    tries = (plain, f"{plain[:16]}_project", f"my_{plain[:16]}_project")
    return next((one for one in tries if not objection(one)), "my_project")


def git(*words: str) -> str:
    """Run git in the checkout and return its output."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def check_tree() -> None:
    """Refuse a second rename, and a working tree with uncommitted changes.

    Raises:
        Refusal: says which, and what to do.

    """
    if package() != TEMPLATE:
        raise Refusal(f"The project has already been renamed: it is called {package()}.")
    try:
        changed = git("status", "--porcelain")
    except (subprocess.CalledProcessError, FileNotFoundError):
        raise Refusal(
            f"{ROOT} is not a git checkout, so a rename could not be undone. "
            "git init && git add --all && git commit -m 'Start from the template'"
        ) from None
    if changed:
        listed = "\n  ".join(changed.splitlines()[:5])
        raise Refusal(
            "The working tree has uncommitted changes. Commit them, or "
            f"git stash --include-untracked:\n  {listed}"
        )


def main(name: str) -> None:
    """Rename, and print what was done."""
    checked(name)
    check_tree()
    rename(ROOT, name)
    git("add", "--all", "--", *(name for name in TOUCHED if (ROOT / name).exists()))
    print(f"Renamed {TEMPLATE} to {name}: src/{name}, tests/{name}, and all references to them.")
    print(f"The engine keeps its name, src/{ENGINE}; `make update` takes in later versions.")
    print(f"\nLook at it:  git diff --staged --stat\nKeep it:     git commit -m 'Rename to {name}'")


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "")
    except Refusal as refusal:
        sys.exit(f"Error: {refusal}")
