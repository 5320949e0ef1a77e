"""What a page is made of: text, numbers, pictures, commands; their HTML is in templates/."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from quintet.report.html.template import Block as Block

Tone = Literal["plain", "good", "warn", "bad"]


@dataclass(frozen=True)
class Text(Block):
    """A paragraph; `strong` is what it opens with, in bold."""

    text: str
    strong: str = ""


@dataclass(frozen=True)
class Note(Block):
    """A remark with a sign before it: advice, a warning, something that went well."""

    text: str
    tone: Tone = "plain"

    @property
    def sign(self) -> str:
        """What stands before it."""
        return {"plain": "·", "good": "✓", "warn": "!", "bad": "×"}[self.tone]


@dataclass(frozen=True)
class Headline(Block):
    """The one sentence that a reader takes away, and what supports it."""

    text: str
    detail: str = ""


@dataclass(frozen=True)
class Tile:
    """A number in large type: what it is, its value, and what to compare it with."""

    label: str
    value: str
    hint: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True)
class Tiles(Block):
    """Numbers side by side."""

    tiles: Sequence[Tile]

    @property
    def columns(self) -> int:
        """Tiles in a row: at most five, and no last row with one alone."""
        count = len(self.tiles)
        return count if count <= 5 else 3 if count % 3 == 0 else 4


@dataclass(frozen=True)
class FactList(Block):
    """Names and values, a line each."""

    values: Mapping[str, object]


@dataclass(frozen=True)
class Commands(Block):
    """Commands by what they do, each with a button that copies it."""

    commands: Mapping[str, str]


@dataclass(frozen=True)
class Links(Block):
    """Where to read on: paths relative to the page, by what is there."""

    links: Mapping[str, str]


@dataclass(frozen=True)
class CodeBlock(Block):
    """Text as it is, such as a config or the end of a log."""

    text: str


@dataclass(frozen=True)
class Fold(Block):
    """Blocks that open at a click; print shows them all."""

    title: str
    blocks: Sequence[Block]
    open: bool = False


@dataclass(frozen=True)
class Columns(Block):
    """Blocks side by side where the screen is wide enough."""

    blocks: Sequence[Block]


@dataclass(frozen=True)
class Picture(Block):
    """An image with a caption.

    Args:
        png: the file's bytes.
        alt: what it shows, for who cannot see it.
        caption: below it.
        width: in CSS pixels; None for its own. Small images are enlarged without smoothing.

    """

    png: bytes
    alt: str
    caption: str = ""
    width: int | None = None

    @property
    def data(self) -> str:
        """The file in base64, as a data URL has it."""
        return base64.b64encode(self.png).decode("ascii")


@dataclass(frozen=True)
class Gallery(Block):
    """Pictures in a grid."""

    pictures: Sequence[Picture]
