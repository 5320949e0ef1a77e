"""The blocks of a page: text, numbers, pictures, commands; their HTML is in templates/."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from quintet.report.html.template import Block as Block

Tone = Literal["plain", "good", "warn", "bad"]


@dataclass(frozen=True)
class Text(Block):
    """A paragraph; `strong` is its opening in bold."""

    text: str
    strong: str = ""


@dataclass(frozen=True)
class Note(Block):
    """A remark marked with a sign: advice, a warning or a good result."""

    text: str
    tone: Tone = "plain"

    @property
    def sign(self) -> str:
        """The sign shown before the text."""
        return {"plain": "·", "good": "✓", "warn": "!", "bad": "×"}[self.tone]


@dataclass(frozen=True)
class Headline(Block):
    """The main result in one sentence, with supporting detail."""

    text: str
    detail: str = ""


@dataclass(frozen=True)
class Tile:
    """A number in large type, with a label and a hint for comparison."""

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
        """Tiles per row: at most five, avoiding a last row of one."""
        count = len(self.tiles)
        return count if count <= 5 else 3 if count % 3 == 0 else 4


@dataclass(frozen=True)
class FactList(Block):
    """Names and values, one per line."""

    values: Mapping[str, object]


@dataclass(frozen=True)
class Commands(Block):
    """Commands by what they do, each with a copy button."""

    commands: Mapping[str, str]


@dataclass(frozen=True)
class Links(Block):
    """Links by title: paths relative to the page."""

    links: Mapping[str, str]


@dataclass(frozen=True)
class CodeBlock(Block):
    """Verbatim text, such as a config or the end of a log."""

    text: str


@dataclass(frozen=True)
class Fold(Block):
    """Blocks that open on click and are always printed."""

    title: str
    blocks: Sequence[Block]
    open: bool = False


@dataclass(frozen=True)
class Columns(Block):
    """Blocks side by side, where the screen is wide enough."""

    blocks: Sequence[Block]


@dataclass(frozen=True)
class Picture(Block):
    """An image with a caption.

    Args:
        png: the file's bytes.
        alt: alternative text.
        caption: below it.
        width: in CSS pixels; None for the native width. Images are enlarged without smoothing.

    """

    png: bytes
    alt: str
    caption: str = ""
    width: int | None = None

    @property
    def data(self) -> str:
        """The file in base64, for a data URL."""
        return base64.b64encode(self.png).decode("ascii")


@dataclass(frozen=True)
class Gallery(Block):
    """Pictures in a grid.

    Args:
        pictures: of one width.

    """

    pictures: Sequence[Picture]

    @property
    def width(self) -> int | None:
        """Least width of a column, in CSS pixels; None where the pictures have their own."""
        return max((p.width for p in self.pictures if p.width), default=None)
