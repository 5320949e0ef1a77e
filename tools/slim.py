"""Remove the example data sets, models and presets that a team does not want.

make slim                                       # list what can be removed, and what depends on it
make slim KEEP="data/digits data/csv model/mlp" # keep only these options of the named groups
make slim DROP="data/elnino model/transformer"  # remove these options

Removing an option also removes the presets that need it, its name in the README's list, its own
test, and its source unless something else uses it. Other tests that train on it are skipped
from then on, with the reason. All changes are staged, not committed.
"""

import re
import subprocess
import sys
from pathlib import Path

from quintet.base import plain_yaml
from quintet.base.errors import Code, UserError
from quintet.base.files import write_atomically

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"
GROUPS = ("data", "model", "experiment")
RECORD = ROOT / "tests/removed.txt"
"""The options removed so far, one per line; tests/conftest.py reads it."""


def options() -> list[str]:
    """Return the options that can be removed: not the defaults of train.yaml, nor base configs."""
    start = plain_yaml.own_config(CONFIGS / "train.yaml")["defaults"]
    needed = {f"{k}/{v}" for entry in start if isinstance(entry, dict) for k, v in entry.items()}
    found = [f"{g}/{p.stem}" for g in GROUPS for p in sorted((CONFIGS / g).glob("*.yaml"))]
    return [option for option in found if option not in needed | {"data/base"}]


def chosen(keep: list[str], drop: list[str]) -> set[str]:
    """Return the options to remove.

    Raises:
        UserError: both were given, a name is unknown, or train.yaml starts from one to remove.

    """
    known = options()
    for name in (*keep, *drop):
        if not (CONFIGS / f"{name}.yaml").is_file() or name.partition("/")[0] not in GROUPS:
            raise UserError(
                "is not an option that can be kept or removed",
                code=Code.UNKNOWN_NAME,
                key="KEEP" if name in keep else "DROP",
                value=name,
                allowed=known,
            )
    if keep and drop:
        raise UserError(
            "KEEP= and DROP= exclude each other",
            code=Code.CONFLICT,
            hint="Give one of the two: KEEP= names what stays, DROP= what goes.",
        )
    if fixed := set(drop) - set(known):
        raise UserError(
            "cannot be removed: configs/train.yaml starts from it",
            code=Code.CONFLICT,
            key="DROP",
            value=", ".join(sorted(fixed)),
            hint="Change configs/train.yaml first.",
        )
    groups = {name.partition("/")[0] for name in keep}
    return set(drop) | {n for n in known if n.partition("/")[0] in groups and n not in keep}


def dependents(going: set[str]) -> set[str]:
    """Return the presets that need an option in `going`."""
    needing = set()
    for path in (CONFIGS / "experiment").glob("*.yaml"):
        needs = re.findall(r"override /(\w+): (\w+)", path.read_text("utf-8"))
        if going & {f"{group}/{name}" for group, name in needs}:
            needing.add(f"experiment/{path.stem}")
    return needing - going


def sources(going: set[str]) -> list[Path]:
    """Return the modules, and their own tests, that only the removed options use."""
    texts = {name: (CONFIGS / f"{name}.yaml").read_text("utf-8") for name in going}
    found = []
    for module in sorted(
        {m for t in texts.values() for m in re.findall(r"_target_: ([\w.]+)\.", t)}
    ):
        path = ROOT / "src" / f"{module.replace('.', '/')}.py"
        if not path.is_file():
            continue
        folder = path.relative_to(ROOT / "src").parent
        own = ROOT / "tests" / folder / f"test_{path.stem}.py"
        out = [path, own, *(CONFIGS / f"{name}.yaml" for name in going)]
        if not any(uses(file, module) for file in tracked() if file not in out):
            found += [file for file in (path, own) if file.is_file()]
    return found


def uses(file: Path, module: str) -> bool:
    """Return whether a file imports a module, or names it as a config does."""
    if file.suffix not in (".py", ".yaml"):
        return False
    package, _, name = module.rpartition(".")
    pattern = rf"\b{re.escape(module)}\b|from {re.escape(package)} import [^\n]*\b{name}\b"
    return re.search(pattern, file.read_text("utf-8")) is not None


def tracked() -> list[Path]:
    """Return the files that git tracks."""
    listed = git("ls-files", "-z", "src", "configs", "tests", "benchmarks", "docs", "README.md")
    return [p for name in listed.split("\0")[:-1] if (p := ROOT / name).is_file()]


def git(*words: str) -> str:
    """Run git in the checkout and return its output."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def unlisted(readme: str, going: set[str]) -> str:
    """Return the README without the options in the lists of their groups."""
    kept = []
    for line in readme.splitlines():
        group = next((group for group in GROUPS if f"`{group}=` |" in line), None)
        for name in (n.partition("/")[2] for n in going if n.startswith(f"{group}/")):
            line = re.sub(rf"(?<=[ ,]){name}, |, {name}\b|(?<=: ){name}(?=;)", "", line)
        kept.append(line.replace(": ;", ": none yet;"))
    return "\n".join(kept) + "\n"


def spaces(going: set[str]) -> list[Path]:
    """Return the search spaces that only the removed presets use."""
    found = []
    presets = {path: path.read_text("utf-8") for path in (CONFIGS / "experiment").glob("*.yaml")}
    for name in sorted(n.partition("/")[2] for n in going if n.startswith("experiment/")):
        stay = [t for p, t in presets.items() if f"experiment/{p.stem}" not in going]
        space = CONFIGS / f"search_space/{name}.yaml"
        if space.is_file() and not any(re.search(rf"/search_space: {name}\b", t) for t in stay):
            found.append(space)
    return found


def remove(going: set[str]) -> None:
    """Remove the options and all that depends on them."""
    gone = [CONFIGS / f"{name}.yaml" for name in going] + sources(going) + spaces(going)
    git("rm", "--quiet", "--", *map(str, gone))
    for group in GROUPS:  # an empty group remains, so that options can be added to it
        if not any((CONFIGS / group).glob("*.yaml")):
            (CONFIGS / group).mkdir(exist_ok=True)
            (CONFIGS / group / ".gitkeep").touch()
    write_atomically(ROOT / "README.md", unlisted((ROOT / "README.md").read_text("utf-8"), going))
    known = RECORD.read_text("utf-8").split() if RECORD.is_file() else []
    write_atomically(RECORD, "\n".join(sorted({*known, *going})) + "\n")
    git("add", "--", "configs", "README.md", str(RECORD))
    print("Removed:", *(f"  {path.relative_to(ROOT)}" for path in sorted(gone)), sep="\n")
    print("Sources not listed are still used by something that stays, for example a test.")


def mentions(going: set[str]) -> list[str]:
    """Return the lines of the documentation that still name what was removed."""
    words = "|".join(rf"\b{n.replace('/', '=')}\b" for n in sorted(going))
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked()
        if path.suffix == ".md"
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(words, line)
    ]


def main(keep: str, drop: str) -> None:
    """List what can be removed, or remove it."""
    going = chosen(keep.split(), drop.split())
    if not going:
        print("These can be removed; an arrow names the presets that would be removed with them:")
        for name in options():
            needing = ", ".join(sorted(dependents({name})))
            print(f"  {name}" + (f"  -> {needing}" if needing else ""))
        print('\nmake slim DROP="data/elnino model/transformer"')
        print('make slim KEEP="data/digits data/csv model/mlp"')
        return
    if git("status", "--porcelain"):
        raise UserError(
            "The working tree has changes, from which these could not be told apart",
            code=Code.CONFLICT,
            hint="Commit or stash them first.",
        )
    while more := dependents(going):
        going |= more
    if lost := sorted(set(keep.split()) & going):
        raise UserError(
            "needs what is not kept",
            code=Code.CONFLICT,
            key="KEEP",
            value=", ".join(lost),
            hint="Keep that too.",
        )
    remove(going)
    if left := mentions(going):
        print("\nThe documentation still names removed options; please edit these lines:")
        print(*(f"  {line}" for line in left), sep="\n")
    print("\nLook at it:  git diff --staged --stat\nThen:        make check && make test")


if __name__ == "__main__":
    try:
        main(*(*sys.argv[1:], "", "")[:2])
    except UserError as error:
        sys.exit(f"Error: {error}")
