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
from string import Template

from quintet.files import write_atomically
from quintet.page.blocks import Block
from quintet.page.text import escape

HERE = Path(__file__).parent
START = (HERE / "page.html").read_text("utf-8").partition('<meta name="viewport"')[0]
"""What each page begins with, by which it is known as one of ours."""


@dataclass(frozen=True)
class Section:
    """A part of the page with a title, reached from the table of contents."""

    title: str
    blocks: Sequence[Block]
    intro: str = ""

    @property
    def anchor(self) -> str:
        """The section's name in links."""
        return re.sub(r"\W+", "-", self.title.lower()).strip("-")

    def html(self) -> str:
        """Return the section as HTML."""
        intro = f'<p class="intro">{escape(self.intro)}</p>' if self.intro else ""
        inside = "".join(block.html() for block in self.blocks)
        return f'<section id="{self.anchor}"><h2>{escape(self.title)}</h2>{intro}{inside}</section>'


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
        body = "".join(section.html() for section in self.sections)
        head = "".join(block.html() for block in self.head)
        links = "".join(f'<a href="#{s.anchor}">{escape(s.title)}</a>' for s in self.sections)
        drawn = '<figure class="chart">' in head + body
        text = Template((HERE / "page.html").read_text("utf-8")).substitute(
            kind=escape(self.kind),
            title=escape(self.title),
            links=links,
            head=head,
            body=body,
            foot=escape(self.foot),
            style=(HERE / "page.css").read_text("utf-8"),
            script=(HERE / "page.js").read_text("utf-8"),
            plotly=plotly() if drawn else "",
        )
        return text.encode("ascii", "xmlcharrefreplace").decode("ascii")

    def write(self, path: Path) -> None:
        """Replace the file in one step.

        Raises:
            UserError: there is no room, or this is no place to write to.

        """
        write_atomically(path, self.html())


@cache
def plotly() -> str:
    """Return plotly.js, gzipped, in base64."""
    spec = find_spec("plotly")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    library = Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js"
    packed = gzip.compress(library.read_bytes(), compresslevel=6, mtime=0)
    return base64.b64encode(packed).decode("ascii")
