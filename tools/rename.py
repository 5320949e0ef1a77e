"""Give the project your own name, once, in a fork: your package, its tests, the distribution.

make rename NAME=acme

`src/project` and `tests/project` become yours, with the configs that name them, the distribution
and the docs' title. The engine stays `quintet`, so that `make update` can bring a later one. The
change is staged; nothing is committed.
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
"""What the team's package is called before it has a name."""
LONGEST = 24
Pattern = tuple[str, str]


class Refusal(Exception):
    """The rename cannot be done; the message says why, and what to do."""


def package(root: Path = ROOT) -> str:
    """Return what the team's package is called in a checkout."""
    tools = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]
    return str(tools[ENGINE]["project"])


def rename(root: Path, name: str) -> list[Path]:
    """Move the two folders and rewrite the files that name them; return what changed.

    It needs no git, so that `make update` can rename a version of the template likewise.
    """
    for folder in (root / "src", root / "tests"):
        if (folder / TEMPLATE).is_dir():
            (folder / TEMPLATE).rename(folder / name)
    changed = []
    for path, patterns in rewritten(root, name):
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
    """Return each file that may name the package, with what to replace in it."""
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
    ]
    return [
        *((path, of_code) for path in own),
        *((path, of_config) for path in configs),
        (root / "pyproject.toml", of_pyproject),
        (root / "docs/site/mkdocs.yml", [(r"^site_name: .*$", f"site_name: {title}")]),
    ]


def tidy(root: Path, files: list[Path]) -> None:
    """Sort imports as the alphabet wants them now, and format."""
    if files:
        names = [str(path) for path in files]
        ruff = [sys.executable, "-m", "ruff"]
        quiet = ["-q", "--no-cache"]
        sort = [*ruff, "check", *quiet, "--fix-only", "--select", "I", *names]
        for command in (sort, [*ruff, "format", *quiet, *names]):
            subprocess.run(command, cwd=root, check=True)


def checked(name: str) -> None:
    """Refuse what cannot be, or should not be, the name of a package of one's own.

    Raises:
        Refusal: says why, and names the nearest good name.

    """
    if not name:
        raise Refusal("Which name? make rename NAME=acme")
    if reason := objection(name):
        raise Refusal(f"NAME={name} {reason}. Take for instance NAME={suggestion(name)}.")


def objection(name: str) -> str | None:
    """Say what speaks against a name, or None."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        return "is no package name: small letters, digits and single underscores, a letter first"
    if len(name) > LONGEST:
        return f"is longer than {LONGEST} letters, and is typed in every import"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "is a keyword of Python"
    if name in sys.stdlib_module_names:
        return "is a module of Python's standard library, which it would hide"
    if name in taken():
        return "is the name of something that this project imports, which it would hide"
    return None


def taken() -> set[str]:
    """Return what can be imported beside the package: dependencies, commands, test helpers."""
    pins = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.M)
    own = [p.stem for folder in ("src", "tests", "tools") for p in (ROOT / folder).glob("*")]
    installed = metadata.packages_distributions()
    return {re.sub(r"[-.]", "_", pin).lower() for pin in pins} | {*own, *installed}


def suggestion(name: str) -> str:
    """Return the nearest name that nothing speaks against."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    plain = re.sub(r"[^a-z0-9]+", "_", plain).strip("_0123456789")[:LONGEST].strip("_")
    tries = (plain, f"{plain[:16]}_project", f"my_{plain[:16]}_project")
    return next((one for one in tries if not objection(one)), "my_project")


def git(*words: str) -> str:
    """Run git in the checkout and return what it says."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def check_tree() -> None:
    """Refuse a second rename, and a tree in which the change could not be told from others.

    Raises:
        Refusal: says which, and what to do.

    """
    if package() != TEMPLATE:
        raise Refusal(f"This works once, and was done: the project is called {package()}.")
    try:
        changed = git("status", "--porcelain")
    except (subprocess.CalledProcessError, FileNotFoundError):
        raise Refusal(
            f"{ROOT} is no git checkout, so that a rename could not be taken back. "
            "git init && git add --all && git commit -m 'Start from the template'"
        ) from None
    if changed:
        listed = "\n  ".join(changed.splitlines()[:5])
        raise Refusal(
            "The working tree has changes, in which the rename would be lost. Commit them, or "
            f"git stash --include-untracked:\n  {listed}"
        )


def main(name: str) -> None:
    """Rename, and say what was done."""
    checked(name)
    check_tree()
    rename(ROOT, name)
    git("add", "--all", "--", "src", "tests", "configs", "pyproject.toml", "docs")
    print(f"{TEMPLATE} is {name} now: src/{name}, tests/{name}, and what names them.")
    print(f"The engine keeps its name, src/{ENGINE}; `make update` brings later ones.")
    print(f"\nLook at it:  git diff --staged --stat\nKeep it:     git commit -m 'Call it {name}'")


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "")
    except Refusal as refusal:
        sys.exit(f"Error: {refusal}")
