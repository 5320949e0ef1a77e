"""The Jinja2 environment of the pages: everything but `Markup` is escaped."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from quintet.base.secrets import redact

HERE = Path(__file__).parent / "templates"


class Block:
    """A part of a page, rendered by the macro in blocks.html that is named after its class.

    Blocks can be used in templates and in other blocks directly, through `__html__`.
    """

    def html(self) -> Markup:
        """Return the block as HTML, with all text escaped."""
        macros = environment().get_template("blocks.html").module
        html: Markup = getattr(macros, type(self).__name__.lower())(self)
        return html

    def __html__(self) -> Markup:
        return self.html()


@cache
def environment() -> Environment:
    """Return the environment: autoescape, redacted secrets, undefined names are errors."""
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
    """Redact text before it is escaped, as escaping could hide a secret from the redactor."""
    return redact(value) if type(value) is str else value


def source(name: str) -> Markup:
    """Return one of our files to be embedded verbatim: a style sheet or a script."""
    return Markup((HERE / name).read_text("utf-8"))
