"""The code in the pages of the documentation, in reading order.

A comment before a block, which no reader sees, says how a test treats it:

    <!-- test: with trainer.max_epochs=1 -->          these words are added to its commands
    <!-- test: not run, needs a cluster of its own -->
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

BLOCK = re.compile(
    r"^(?:<!-- test: (?P<note>[^\n]*?) -->\n+)?"
    r"^(?P<indent> *)```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?[^\n]*\n"
    r"(?P<text>.*?)^(?P=indent)```",
    re.MULTILINE | re.DOTALL,
)
INLINE = re.compile(r"`(python src/[^`]+)`")


@dataclass(frozen=True)
class Block:
    """One fenced block of code.

    Args:
        language: as the fence says.
        title: a file that the reader is to write; None for what is to be run.
        text: the code.
        words: added to its commands by the test.
        skipped: why it is not run; None where it is.
        line: of the page, from 1.

    """

    language: str
    title: str | None
    text: str
    words: tuple[str, ...]
    skipped: str | None
    line: int


def blocks(page: str) -> Iterator[Block]:
    """Yield a page's blocks of code, in order."""
    for found in BLOCK.finditer(page):
        note = found["note"] or ""
        indent = len(found["indent"])
        yield Block(
            language=found["language"],
            title=found["title"],
            text="".join(line[indent:] or "\n" for line in found["text"].splitlines(True)),
            words=tuple(note[5:].split()) if note.startswith("with ") else (),
            skipped=note.removeprefix("not run").lstrip(", ") if "not run" in note else None,
            line=page[: found.start()].count("\n") + 1,
        )


def commands(text: str) -> list[str]:
    """Return a shell block's commands, each on one line and without its comment."""
    joined = re.sub(r"\\\n\s*", "", text)
    bare = (re.sub(r"(^|\s)#( .*|$)", "", line).strip() for line in joined.splitlines())
    return [line for line in bare if line]


def inline(page: str) -> list[str]:
    """Return the commands in a page's running text and tables."""
    text = BLOCK.sub("", page)
    return [found.replace("\\|", "|") for found in INLINE.findall(text)]
