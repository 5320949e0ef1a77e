"""Build the documentation's site, or serve it.

    python docs/site/build.py build|serve

The site is docs/, the pages of BROUGHT, and pages made of the project itself: every option of every
group, of the YAMLs, and the Python reference, of the docstrings. None of them can be stale.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from posixpath import normpath, relpath

import yaml

ROOT = Path(__file__).parents[2]
STAGE = ROOT / "build" / "docs"
BROUGHT = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
    "notebooks/README.md": "notebooks.md",
}
"""Pages that live elsewhere in the project, and their place in the site."""
LINK = re.compile(
    r"(?<!!)\[((?:!\[[^\]]*\]\([^)]*\)|[^\]\[])+)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)"
)
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
GROUPS = (
    *("metric", "loss", "init", "optimizer", "scheduler", "sweeper", "search_space"),
    *("model", "data", "trainer", "callbacks", "logger", "experiment"),
)


def stage() -> None:
    """Put all pages in one place."""
    shutil.rmtree(STAGE, ignore_errors=True)
    found = {f"docs/{p.relative_to(ROOT / 'docs').as_posix()}": p for p in files()}
    pages = {
        source.removeprefix("docs/"): path.read_text("utf-8") for source, path in found.items()
    }
    pages |= {place: (ROOT / source).read_text("utf-8") for source, place in BROUGHT.items()}
    pages |= {"options.md": options(), **reference()}
    for place, text in pages.items():
        target = STAGE / "docs" / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(linked(text, place, {*pages}), "utf-8")
    shutil.copytree(ROOT / "docs" / "assets", STAGE / "docs" / "assets")
    shutil.copy(Path(__file__).with_name("mkdocs.yml"), STAGE)


def files() -> list[Path]:
    """Return the pages of docs/."""
    return sorted((ROOT / "docs").rglob("*.md"))


def linked(text: str, place: str, pages: set[str]) -> str:
    """Point links to where their pages are in the site; those to other files become their names."""
    source = next((s for s, target in BROUGHT.items() if target == place), f"docs/{place}")

    def moved(link: str) -> str:
        target = normpath(f"{Path(source).parent.as_posix()}/{link}")
        return BROUGHT.get(target, target.removeprefix("docs/"))

    def there(link: re.Match[str]) -> str:
        if (target := moved(link[2])) not in pages:
            return link[1]
        return f"[{link[1]}]({relpath(target, Path(place).parent.as_posix())}{link[3] or ''})"

    def shown(picture: re.Match[str]) -> str:
        return f"![{picture[1]}]({relpath(moved(picture[2]), Path(place).parent.as_posix())})"

    return PICTURE.sub(shown, LINK.sub(there, text))


def options() -> str:
    """Return a page with every option of every group, of the YAMLs themselves."""
    lines = [
        "# Options",
        "",
        "Every option of every group: what the first line of its YAML says, and its keys with",
        "their defaults, each of which is a word of the command line, such as `optimizer.lr=0.01`.",
    ]
    for group in GROUPS:
        lines += ["", f"## `{group}=`", "", "| option | | keys |", "|---|---|---|"]
        lines += [row(path) for path in sorted((ROOT / "configs" / group).glob("*.yaml"))]
    return "\n".join(lines) + "\n"


def row(path: Path) -> str:
    """Return an option's line of the table."""
    text = path.read_text("utf-8")
    said = next(line for line in text.splitlines() if not line.startswith("# @"))
    node = yaml.safe_load(text) or {}
    shown = [f"`{key}: {plain(value)}`" for key, value in node.items() if shows(key, value)]
    return (
        f"| `{path.stem}` | {said.lstrip('# ')} | {' '.join(shown).replace('|', chr(92) + '|')} |"
    )


def shows(key: str, value: object) -> bool:
    """Tell whether a key is one that people set, and not a fact that follows from other choices."""
    follows = isinstance(value, str) and value.startswith("${")
    said_to_us = ("defaults", "fits", "name", "search_space")
    return not key.startswith("_") and key not in said_to_us and not follows


def plain(value: object) -> str:
    """Return a value as YAML writes it, on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000).replace("\n...", "")
    return " ".join(text.split())


def reference() -> dict[str, str]:
    """Return a page a module, and one that lists them."""
    pages, listed = {}, ["# Python", "", "What configs name, and what notebooks use.", ""]
    for path in sorted((ROOT / "src" / "quintet").rglob("*.py")):
        parts = path.relative_to(ROOT / "src").with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text("utf-8")
        if not text.strip():
            continue
        pages[f"reference/{name}.md"] = f"# `{name}`\n\n::: {name}\n"
        listed.append(f"- [`{name}`]({name}.md): {text.split(chr(34) * 3)[1].splitlines()[0]}")
    pages["reference/index.md"] = "\n".join(listed) + "\n"
    return pages


def main() -> None:
    """Build, strictly, or serve."""
    stage()
    verb = sys.argv[1] if len(sys.argv) > 1 else "serve"
    strict = ["--strict"] if verb == "build" else []
    command = [sys.executable, "-m", "zensical", verb, "-f", str(STAGE / "mkdocs.yml"), *strict]
    sys.exit(subprocess.run(command).returncode)


if __name__ == "__main__":
    main()
