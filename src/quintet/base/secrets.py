"""Secrets come from the environment, and are written down nowhere.

Whatever leaves the process passes one of three functions here: `redact` a text, `redacted` the
leaves of a structure, `redact_json` the strings of a JSON file.
"""

import base64
import html
import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from quintet.base import secret_rules

REFERENCE = re.compile(r"oc\.env:\s*([A-Za-z_]\w*)")
KEYED = re.compile(
    r"""(?<![\w.-])([\w.-]+)['"]?\s*[:=]\s*['"]?(?:\w+ )?[^\s:=]*\$\{\s*oc\.env:\s*([A-Za-z_]\w*)"""
)
"""A key, and the variable that its value refers to, such as `password: ${oc.env:NAME}`."""
IN_ADDRESS = re.compile(r"://[^\s/@]{0,999}\$\{\s*oc\.env:\s*([A-Za-z_]\w*)[^\s/@]{0,999}@")
PUBLIC = {"PROJECT_ROOT", "WANDB_MODE", "QUINTET_PROCESS", "PWD", "OLDPWD"}
"""Variables that our own YAMLs refer to, and the shell's, which are no secrets."""
SHORTEST = 6
"""Characters from which a value is looked for anywhere; a shorter one stands for itself alone."""
ANYONES = re.compile(r"[a-z]{1,15}|[A-Z]{1,15}|\d{1,5}")
"""A value such as `postgres`, which hides nothing and stands in many a word."""
DELIMITERS = re.compile(r"[/:@?#&=\\\n]+")
PART = 3
"""Characters from which a part of a secret is one: what a library cuts at a slash or an @."""
GONE = "***"
WHOLE = r"\$\{\s*oc\.env\s*:\s*\w+"
"""A reference, whose own letters are no secret."""

_known: dict[str, str] = {}
"""References, by the forms of what they stand for in lower case."""
_secret: set[str] = set()
"""Of these forms, those of secrets; the others are places and names of this machine."""


def note(config: str) -> None:
    """Remember the values of the environment variables that a config's text refers to.

    Where the key, the variable's name or its place in an address says that it is a secret, the
    parts that a library might take it for are remembered as well.
    """
    secret = {name for key, name in KEYED.findall(config) if secret_rules.is_secret_key(key)}
    secret |= set(IN_ADDRESS.findall(config))
    for name in set(REFERENCE.findall(config)) - PUBLIC:
        value = os.environ.get(name, "")
        is_secret = name in secret or secret_rules.is_secret_key(name)
        if is_secret or len(value) >= SHORTEST:
            remember(value, f"${{oc.env:{name}}}", secret=is_secret)


def note_environment() -> None:
    """Remember the secrets of the environment, which libraries use without being told of them."""
    for name, value in os.environ.items():
        if name in PUBLIC or not (secret_rules.is_secret_key(name) or name.endswith("_TOKEN")):
            continue
        if len(value) >= SHORTEST and not ANYONES.fullmatch(value) and value[0] not in "/~":
            remember(value, f"${{oc.env:{name}}}")


def note_clear(node: object) -> None:
    """Remember what a config holds in clear, so that no message shows it."""
    for _, value in secret_rules.found(node):
        remember(value, GONE)


def remember(value: str, reference: str, *, secret: bool = True) -> None:
    """Replace a value by its reference from now on, in every form in which it may be written.

    Args:
        value: of a variable, or what was typed.
        reference: to show in its place.
        secret: whether it is one, and not just a place or a name of this machine.

    """
    hidden = {value, *value.splitlines()} if secret else set[str]()
    hidden |= set(secret_rules.inside(value))
    hidden |= {part for each in hidden for part in DELIMITERS.split(each) if "-----" not in each}
    hidden = {each.strip() for each in hidden if len(each) >= PART and "-----" not in each}
    for each in {value, unquote(value), *hidden} - {""}:
        for form in map(str.lower, forms(each)):
            _known.setdefault(form, reference)
            if secret or each in hidden:
                _secret.add(form)
    _pattern.cache_clear()


def forms(value: str) -> Iterator[str]:
    """Yield a value as JSON, Python, HTML, YAML, a shell, rich or an address would have it."""
    yield value
    if len(value) < PART:
        return
    markup, as_json = html.escape(value), json.dumps(value)[1:-1]
    yield from (as_json, json.dumps(value, ensure_ascii=False)[1:-1], html.escape(as_json))
    yield from (repr(value)[1:-1], repr(value.encode())[2:-1])
    yield from (quote(value, safe=""), quote(value), quote_plus(value), quote(value, safe="/:@"))
    yield from (markup, html.escape(value, quote=False))
    yield from (markup.replace("&quot;", "&#34;"), markup.replace("&#x27;", "&#39;"))
    yield from (value.replace("'", other) for other in ("''", "\\'", "'\"'\"'"))
    yield from (value.replace('"', '""'), value.replace("[", "\\["))
    if len(value) >= SHORTEST:
        yield from _in_base64(value.encode())


def _in_base64(value: bytes) -> Iterator[str]:
    """Yield what base64 makes of a value at each place that it may have among others.

    The characters at both ends share their bits with the neighbours, and are left out.
    """
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * shift + value).decode().rstrip("=")
            spare = (shift + len(value)) % 3
            yield text[(0, 2, 3)[shift] : len(text) - bool(spare)]


def redact(text: str, *, places: bool = True) -> str:
    """Return the text with every remembered value replaced by its reference; the longest first.

    Args:
        text: to be shown or written.
        places: whether also what is no secret, but a place or a name of this machine.

    """
    lower = text.lower()
    if not any(form in lower for form in (_known if places else _secret)):
        return text
    return _pattern(places).sub(_reference, text)


def _reference(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith("${") else _known.get(found[0].lower(), GONE)


@cache
def _pattern(places: bool) -> re.Pattern[str]:
    ordered = sorted(_known if places else _secret, key=len, reverse=True)
    return re.compile("|".join([WHOLE, *map(_searched, ordered)]), re.IGNORECASE)


def _searched(form: str) -> str:
    """Return how a form is searched for: a word or number only by itself, lest it spoil others."""
    text = re.escape(form)
    if re.fullmatch(r"[\d.+-]+|true|false|null|none|.{1,2}", form, re.DOTALL):
        return rf"(?<=[=\"':]){text}(?=[\"'@&])|(?<==){text}(?![\w.])"
    return text if len(form) >= SHORTEST else rf"(?<![^\W_]){text}(?![^\W_])"


def redacted(node: Any, *, places: bool = True) -> Any:
    """Return a structure of mappings and lists with every text in it redacted; keys stay."""
    if isinstance(node, str):
        return redact(node, places=places)
    if isinstance(node, Mapping):
        return {key: redacted(value, places=places) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [redacted(value, places=places) for value in node]
    return node


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:)?')


def redact_json(text: str) -> str:
    """Return JSON without secrets in its strings; keys, numbers and layout stay."""

    def safe(found: re.Match[str]) -> str:
        if found[1]:
            return found[0]
        held = json.loads(found[0], strict=False)
        shown = redact(held, places=False)
        return found[0] if shown == held else json.dumps(shown)

    return _STRING.sub(safe, text) if redact(text, places=False) != text else text
