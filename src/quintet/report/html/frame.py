"""The frame of a page: one HTML file that needs no network and no other file.

plotly.js travels inside it, compressed: 2 MB rather than 5. The page's own security policy forbids
every request.
"""

import base64
import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from quintet.base.files import write_atomically
from quintet.report.html.blocks import Block, Columns, Fold
from quintet.report.html.figure import Figure
from quintet.report.html.template import environment, source

START = source("page.html").partition('<meta name="viewport"')[0]
"""What each page begins with, by which it is known as one of ours."""


@dataclass(frozen=True)
class Section(Block):
    """A part of the page with a title, reached from the table of contents."""

    title: str
    blocks: Sequence[Block]
    intro: str = ""

    @property
    def anchor(self) -> str:
        """The section's name in links."""
        return re.sub(r"\W+", "-", self.title.lower()).strip("-")


@dataclass(frozen=True)
class Page:
    """A page: what opens it, and its sections.

    Args:
        kind: what it is a report of, in small type: "Sweep", "Run".
        title: its name.
        head: the first screen, which answers the reader's question.
        sections: the rest.
        foot: where it comes from, in small type.

    """

    kind: str
    title: str
    head: Sequence[Block]
    sections: Sequence[Section] = ()
    foot: str = ""

    def html(self) -> str:
        """Return the whole file, in ASCII, so that no encoding can spoil it."""
        text = (
            environment()
            .get_template("page.html")
            .render(
                page=self,
                style=source("page.css"),
                script=source("page.js"),
                plotly=plotly() if any(map(_draws, [*self.head, *self.sections])) else "",
            )
        )
        return text.encode("ascii", "xmlcharrefreplace").decode("ascii")

    def write(self, path: Path) -> None:
        """Replace the file in one step.

        Raises:
            UserError: there is no room, or this is no place to write to.

        """
        write_atomically(path, self.html())


def _draws(block: Block) -> bool:
    """Tell whether there is a chart in a block."""
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
