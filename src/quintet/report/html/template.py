"""Jinja2's environment of the pages: what is not known to be HTML is escaped."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from quintet.base.secrets import redact

HERE = Path(__file__).parent / "templates"


class Block:
    """A part of a page; its HTML is made by the macro of its class's name in blocks.html.

    Blocks stand in templates and in other blocks as they are: they know their HTML.
    """

    def html(self) -> Markup:
        """Return the block as HTML, all text in it escaped."""
        macros = environment().get_template("blocks.html").module
        html: Markup = getattr(macros, type(self).__name__.lower())(self)
        return html

    def __html__(self) -> Markup:
        return self.html()


@cache
def environment() -> Environment:
    """Return the environment: autoescape on, secrets redacted, a name not given is an error."""
    made = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        finalize=_without_secrets,
    )
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    return made


def _without_secrets(value: object) -> object:
    """Redact a text before it is escaped, which could hide a secret from the redactor."""
    return redact(value) if type(value) is str else value


def source(name: str) -> Markup:
    """Return a file of ours to stand in a page as it is: its style or its script."""
    return Markup((HERE / name).read_text("utf-8"))
