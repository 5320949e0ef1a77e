"""What a page is made of: text, numbers, pictures, commands. Each block knows its HTML."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from quintet.page.text import escape

Tone = Literal["plain", "good", "warn", "bad"]


class Block(Protocol):
    """A part of a page."""

    def html(self) -> str:
        """Return the block as HTML, all text in it escaped."""


@dataclass(frozen=True)
class Text:
    """A paragraph; `strong` is what it opens with, in bold."""

    text: str
    strong: str = ""

    def html(self) -> str:
        """Return the block as HTML."""
        bold = f"<strong>{escape(self.strong)}</strong> " if self.strong else ""
        return f"<p>{bold}{escape(self.text)}</p>"


@dataclass(frozen=True)
class Note:
    """A remark with a sign before it: advice, a warning, something that went well."""

    text: str
    tone: Tone = "plain"

    def html(self) -> str:
        """Return the block as HTML."""
        sign = {"plain": "&middot;", "good": "&#10003;", "warn": "!", "bad": "&times;"}[self.tone]
        return (
            f'<p class="note {self.tone}"><span class="sign">{sign}</span>'
            f"<span>{escape(self.text)}</span></p>"
        )


@dataclass(frozen=True)
class Headline:
    """The one sentence that a reader takes away, and what supports it."""

    text: str
    detail: str = ""

    def html(self) -> str:
        """Return the block as HTML."""
        detail = f'<p class="detail">{escape(self.detail)}</p>' if self.detail else ""
        return f'<p class="headline">{escape(self.text)}</p>{detail}'


@dataclass(frozen=True)
class Tile:
    """A number in large type: what it is, its value, and what to compare it with."""

    label: str
    value: str
    hint: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True)
class Tiles:
    """Numbers side by side."""

    tiles: Sequence[Tile]

    def html(self) -> str:
        """Return the block as HTML."""
        parts = (
            f'<div class="tile {t.tone}"><div class="label">{escape(t.label)}</div>'
            f'<div class="value">{escape(t.value)}</div>'
            f'<div class="hint">{escape(t.hint)}</div></div>'
            for t in self.tiles
        )
        count = len(self.tiles)  # at most five a row, and no last row with one alone
        columns = count if count <= 5 else 3 if count % 3 == 0 else 4
        return f'<div class="tiles" style="--columns:{columns}">{"".join(parts)}</div>'


@dataclass(frozen=True)
class Facts:
    """Names and values, a line each."""

    values: Mapping[str, object]

    def html(self) -> str:
        """Return the block as HTML."""
        rows = (
            f"<dt>{escape(str(name))}</dt><dd>{escape(str(value))}</dd>"
            for name, value in self.values.items()
        )
        return f'<dl class="facts">{"".join(rows)}</dl>'


@dataclass(frozen=True)
class Commands:
    """Commands by what they do, each with a button that copies it."""

    commands: Mapping[str, str]

    def html(self) -> str:
        """Return the block as HTML."""
        rows = (
            f'<div class="command"><span class="what">{escape(what)}</span>'
            f'<code tabindex="0">{escape(command)}</code>{copy_button(command)}</div>'
            for what, command in self.commands.items()
        )
        return f'<div class="commands">{"".join(rows)}</div>'


def copy_button(text: str, label: str = "Copy") -> str:
    """Return a button that copies a text."""
    return f'<button type="button" class="copy" data-copy="{escape(text)}">{escape(label)}</button>'


@dataclass(frozen=True)
class Links:
    """Where to read on: paths relative to the page, by what is there."""

    links: Mapping[str, str]

    def html(self) -> str:
        """Return the block as HTML."""
        found = (f'<a href="{escape(to)}">{escape(what)}</a>' for what, to in self.links.items())
        return f'<p class="links">{" &middot; ".join(found)}</p>'


@dataclass(frozen=True)
class Code:
    """Text as it is, such as a config or the end of a log."""

    text: str

    def html(self) -> str:
        """Return the block as HTML."""
        return f'<pre tabindex="0"><code>{escape(self.text)}</code></pre>'


@dataclass(frozen=True)
class Fold:
    """Blocks that open at a click; print shows them all."""

    title: str
    blocks: Sequence[Block]
    open: bool = False

    def html(self) -> str:
        """Return the block as HTML."""
        state = " open" if self.open else ""
        inside = "".join(block.html() for block in self.blocks)
        return f"<details{state}><summary>{escape(self.title)}</summary>{inside}</details>"


@dataclass(frozen=True)
class Side:
    """Blocks side by side where the screen is wide enough."""

    blocks: Sequence[Block]

    def html(self) -> str:
        """Return the block as HTML."""
        parts = (f"<div>{block.html()}</div>" for block in self.blocks)
        return f'<div class="side">{"".join(parts)}</div>'


@dataclass(frozen=True)
class Picture:
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

    def html(self) -> str:
        """Return the block as HTML."""
        data = base64.b64encode(self.png).decode("ascii")
        width = f' width="{self.width}"' if self.width else ""
        return (
            f'<figure class="picture"><img src="data:image/png;base64,{data}" '
            f'alt="{escape(self.alt)}"{width}>'
            f"<figcaption>{escape(self.caption)}</figcaption></figure>"
        )


@dataclass(frozen=True)
class Gallery:
    """Pictures in a grid."""

    pictures: Sequence[Picture]

    def html(self) -> str:
        """Return the block as HTML."""
        return f'<div class="gallery">{"".join(p.html() for p in self.pictures)}</div>'
