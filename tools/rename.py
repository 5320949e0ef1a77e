"""Give the project your own name, once, in a fork: package, plugin, distribution, docs, tests.

make rename NAME=my_project

It changes the working tree and stages the change; nothing is committed. Written with nothing but
the standard library and ruff, as it must not import the package that it moves.
"""

import ast
import json
import keyword
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
OLD = "quintet"
LONGEST = 24

KEPT = ("LICENSE", "CITATION.cff", "tools/rename.py", "tests/tools/test_rename.py")
"""Files that go on naming the template: whom its licence asks you to name, and this tool."""

TRACKERS = "configs/logger/"
"""Where only `_target_` is ours: `project:` and the like are names in somebody else's tracker."""


class Refusal(Exception):
    """The rename cannot be done; the message says why, and what to do."""


def forms(name: str) -> list[tuple[str, str]]:
    """Return patterns of the template's name, each with the new name in the same form.

    Whole words only: `quintets` is no package.
    """
    words = [word.capitalize() for word in name.split("_") if word]
    return [
        (rf"\b{OLD}\b", name),  # quintet.errors, hydra/sweeper: quintet
        (rf"\b{OLD.upper()}_(?=[A-Z])", f"{name.upper()}_"),  # QUINTET_PROCESS
        (rf"\b{OLD.capitalize()}(?=[A-Z])", "".join(words)),  # QuintetSweeper
        (rf"\b{OLD.capitalize()}\b", " ".join(words)),  # Quintet, in prose
    ]


def renamed(text: str, path: str, name: str) -> str:
    """Return a file's text with the new name."""
    if path in KEPT:
        return text
    if path.startswith(TRACKERS):
        lines = text.splitlines(keepends=True)
        return "".join(substituted(li, name) if "_target_:" in li else li for li in lines)
    return substituted(text, name)


def substituted(text: str, name: str) -> str:
    """Return text with every form of the template's name replaced."""
    for pattern, new in forms(name):
        text = re.sub(pattern, new, text)
    return text


def checked(name: str) -> None:
    """Refuse what cannot be, or should not be, the name of a package of one's own.

    Raises:
        Refusal: says why, and names the nearest good name.

    """
    if not name:
        raise Refusal("Which name? make rename NAME=my_project")
    if name == OLD:
        raise Refusal(f"It is called {OLD} already. make rename NAME=my_project")
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
    return {re.sub(r"[-.]", "_", pin).lower() for pin in pins} | {*own, *installed} - {OLD}


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
    if not (ROOT / "src" / OLD).is_dir():
        now = sorted(p.parent.name for p in ROOT.glob("src/hydra_plugins/*/__init__.py"))
        raise Refusal(f"This works once, and was done: the project is called {' '.join(now)}.")
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


def rename(name: str) -> list[str]:
    """Move folders, rewrite files, stage it all; return the lines that kept the name."""
    for folder in ("src", "src/hydra_plugins", "tests"):
        if (ROOT / folder / OLD).is_dir():
            git("mv", f"{folder}/{OLD}", f"{folder}/{name}")
    kept = []
    for path in git("ls-files", "-z").split("\0")[:-1]:
        file = ROOT / path
        if file.is_symlink() or (before := content(file)) is None:
            continue
        after = renamed(before, path, name)
        if after != before:
            file.write_text(after, encoding="utf-8", newline="")
        if path not in KEPT[2:]:
            kept += [
                f"{path}:{number}: {line.strip()}"
                for number, line in enumerate(after.splitlines(), 1)
                if re.search(rf"\b{OLD}\b", line, re.I)
            ]
    tidy()
    git("add", "--update")
    return kept


def content(file: Path) -> str | None:
    """Return a file's text with its own line ends, or None of a binary file."""
    try:
        return file.read_bytes().decode("utf-8")
    except (UnicodeDecodeError, FileNotFoundError):
        return None


def tidy() -> None:
    """Sort imports as the alphabet wants them now, and see to lines that became too long."""
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "-q", "--fix-only", "--select", "I", "."], cwd=ROOT, check=True)
    subprocess.run([*ruff, "format", "-q", "."], cwd=ROOT, check=True)
    long = [*ruff, "check", "-q", "--select", "E501"]
    listed = [*long, "--output-format", "json", "."]
    found = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    for one in sorted(json.loads(found), key=lambda o: -o["location"]["row"]):  # from below
        wrap(Path(one["filename"]), one["location"]["row"])
    # What is no prose cannot be broken without knowing what it means: it may stay long.
    subprocess.run([*long, "--add-noqa", "."], cwd=ROOT, check=True, capture_output=True)


def wrap(file: Path, row: int, width: int = 100) -> None:
    """Break a line of a comment or a docstring before the word that sticks out; leave any other."""
    lines = file.read_text("utf-8").splitlines()
    line = lines[row - 1]
    comment = re.match(r"\s*# ", line)
    if not comment and row not in prose(file):
        return
    indent = comment[0] if comment else line[: -len(line.lstrip())]
    cut = line.rfind(" ", len(indent), width)
    if cut > len(indent):
        lines[row - 1 : row] = [line[:cut], indent + line[cut + 1 :]]
        file.write_text("\n".join(lines) + "\n", "utf-8")


def prose(file: Path) -> set[int]:
    """Return the lines of a module's docstrings, but for their first, which are to be one line."""
    strings = (
        node.value
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )
    return {row for node in strings for row in range(node.lineno + 1, (node.end_lineno or 0) + 1)}


def forget_install() -> None:
    """Uninstall the old name where it is this very checkout, and remove what building it left."""
    try:
        origin = metadata.distribution(OLD).read_text("direct_url.json") or "{}"
    except metadata.PackageNotFoundError:
        return
    if json.loads(origin).get("url") == ROOT.as_uri():
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "uninstall", "--quiet", "--yes", OLD], check=True)
        subprocess.run(["rm", "-rf", f"src/{OLD}.egg-info"], cwd=ROOT, check=True)


def main(name: str) -> None:
    """Rename, and say what was done and what was left."""
    checked(name)
    check_tree()
    kept = rename(name)
    forget_install()
    print(f"{OLD} is {name} now: src/{name}, its plugin, pyproject.toml, configs, docs and tests.")
    print("These lines keep the old name, on purpose; change them if you mean to:")
    print(*(f"  {line}" for line in kept), sep="\n")
    print(f"\nLook at it:  git diff --staged --stat\nKeep it:     git commit -m 'Call it {name}'")


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "")
    except Refusal as refusal:
        sys.exit(f"Error: {refusal}")
