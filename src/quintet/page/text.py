"""Text on a page: escaped, and without secrets."""

import html

from quintet.secrets import redact


def escape(text: str, quote: bool = True) -> str:
    """Return a text as HTML shows it letter by letter; references stand for secrets."""
    return html.escape(redact(text), quote)
