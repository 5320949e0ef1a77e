"""The frame of a page: one HTML file that needs neither a network nor other files.

plotly.js is embedded, compressed from 5 MB to 2 MB. The page's content security policy forbids all
requests.
"""

import base64
import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from quintet.artifacts.output_paths import begins
from quintet.base.files import write_atomically
from quintet.report.html.blocks import Block, Columns, Fold
from quintet.report.html.figure import Figure
from quintet.report.html.template import environment, source

START = source("page.html").partition('<meta name="viewport"')[0]
"""The beginning of every page, by which it is recognised as ours."""


def is_ours(path: Path) -> bool:
    """Return whether a file is a page written by this module."""
    return begins(path, START)


@dataclass(frozen=True)
class Section(Block):
    """A titled part of the page, listed in the table of contents."""

    title: str
    blocks: Sequence[Block]
    intro: str = ""

    @property
    def anchor(self) -> str:
        """The id of the section in links."""
        return re.sub(r"\W+", "-", self.title.lower()).strip("-")


@dataclass(frozen=True)
class Page:
    """A page: its first screen and its sections.

    Args:
        kind: what the report is about, in small type: "Sweep" or "Run".
        title: the name of the run or sweep.
        head: the first screen, with the main result.
        sections: the rest.
        foot: its origin, in small type.
        live: whether it asks its server for later versions.

    """

    kind: str
    title: str
    head: Sequence[Block]
    sections: Sequence[Section] = ()
    foot: str = ""
    live: bool = False

    def html(self) -> str:
        """Return the whole file in ASCII, which no encoding can corrupt."""
        text = (
            environment()
            .get_template("page.html")
            .render(
                page=self,
                style=source("page.css"),
                script=source("page.js"),
                live=source("live.js"),
                plotly=plotly() if any(map(_draws, [*self.head, *self.sections])) else "",
            )
        )
        return text.encode("ascii", "xmlcharrefreplace").decode("ascii")

    def write(self, path: Path) -> None:
        """Write the file atomically.

        Raises:
            UserError: the disk is full, or the path is not writable.

        """
        write_atomically(path, self.html())


def _draws(block: Block) -> bool:
    """Return whether a block contains a chart."""
    if isinstance(block, Fold | Columns | Section):
        return any(map(_draws, block.blocks))
    return isinstance(block, Figure)


@cache
def plotly() -> str:
    """Return plotly.js, gzipped, in base64."""
    spec = find_spec("plotly")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    library = Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js"
    packed = gzip.compress(library.read_bytes(), compresslevel=6, mtime=0)
    return base64.b64encode(packed).decode("ascii")
