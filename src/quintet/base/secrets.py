"""Redaction of secrets: they come from the environment and are written to no file.

All output of the process passes through one of three functions here: `redact` for a text,
`redacted` for the leaves of a structure, `redact_json` for the strings of a JSON file.
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
"""A key and the variable that its value refers to, as in `password: ${oc.env:NAME}`."""
IN_ADDRESS = re.compile(r"://[^\s/@]{0,999}\$\{\s*oc\.env:\s*([A-Za-z_]\w*)[^\s/@]{0,999}@")
PUBLIC = {"PROJECT_ROOT", "WANDB_MODE", "QUINTET_PROCESS", "PWD", "OLDPWD"}
"""Variables of the engine's YAMLs and of the shell that are not secrets."""
SHORTEST = 6
"""Minimum length at which a value is redacted anywhere; shorter ones only as whole words."""
ANYONES = re.compile(r"[a-z]{1,15}|[A-Z]{1,15}|\d{1,5}")
"""A value such as `postgres`, which is not a secret and occurs in other words."""
DELIMITERS = re.compile(r"[/:@?#&=\\\n]+")
PART = 3
"""Minimum length of a part of a secret; libraries split it at a slash or an @."""
GONE = "***"
WHOLE = r"\$\{\s*oc\.env\s*:\s*\w+"
"""A reference, which itself is not a secret."""

_known: dict[str, str] = {}
"""Lower-case forms of the registered values, with their references."""
_secret: set[str] = set()
"""The forms that are secrets; the others are paths and names of this machine."""


def note(config: str) -> None:
    """Register the values of the environment variables that a config's text refers to.

    If the key, the variable's name or its position in a URL marks a secret, the parts into which a
    library might split it are registered as well.
    """
    secret = {name for key, name in KEYED.findall(config) if secret_rules.is_secret_key(key)}
    secret |= set(IN_ADDRESS.findall(config))
    for name in set(REFERENCE.findall(config)) - PUBLIC:
        value = os.environ.get(name, "")
        is_secret = name in secret or secret_rules.is_secret_key(name)
        if is_secret or len(value) >= SHORTEST:
            remember(value, f"${{oc.env:{name}}}", secret=is_secret)


def note_environment() -> None:
    """Register the secrets of the environment that libraries read by themselves."""
    for name, value in os.environ.items():
        if name in PUBLIC or not (secret_rules.is_secret_key(name) or name.endswith("_TOKEN")):
            continue
        if len(value) >= SHORTEST and not ANYONES.fullmatch(value) and value[0] not in "/~":
            remember(value, f"${{oc.env:{name}}}")


def note_clear(node: object) -> None:
    """Register the plaintext secrets of a config, so that no message shows them."""
    for _, value in secret_rules.found(node):
        remember(value, GONE)


def remember(value: str, reference: str, *, secret: bool = True) -> None:
    """Register a value to be replaced by its reference, in every form in which it may appear.

    Args:
        value: value of a variable, or as typed.
        reference: text to show instead.
        secret: whether it is a secret, and not just a path or a name of this machine.

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
    """Yield a value as written in JSON, Python, HTML, YAML, a shell, rich or a URL."""
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
    """Yield the base64 forms of a value at each offset that it may have.

    The characters at both ends share bits with their neighbours and are left out.
    """
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * shift + value).decode().rstrip("=")
            spare = (shift + len(value)) % 3
            yield text[(0, 2, 3)[shift] : len(text) - bool(spare)]


def redact(text: str, *, places: bool = True) -> str:
    """Replace every registered value in the text by its reference, the longest first.

    Args:
        text: text to be shown or written.
        places: whether to also replace paths and names of this machine.

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
    """Return the pattern for a form; words and numbers match only as a whole."""
    text = re.escape(form)
    if re.fullmatch(r"[\d.+-]+|true|false|null|none|.{1,2}", form, re.DOTALL):
        return rf"(?<=[=\"':]){text}(?=[\"'@&])|(?<==){text}(?![\w.])"
    return text if len(form) >= SHORTEST else rf"(?<![^\W_]){text}(?![^\W_])"


def redacted(node: Any, *, places: bool = True) -> Any:
    """Redact every string in a structure of mappings and lists; keys are kept."""
    if isinstance(node, str):
        return redact(node, places=places)
    if isinstance(node, Mapping):
        return {key: redacted(value, places=places) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [redacted(value, places=places) for value in node]
    return node


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:)?')


def redact_json(text: str) -> str:
    """Redact the strings in JSON; keys, numbers and layout are kept."""

    def safe(found: re.Match[str]) -> str:
        if found[1]:
            return found[0]
        held = json.loads(found[0], strict=False)
        shown = redact(held, places=False)
        return found[0] if shown == held else json.dumps(shown)

    return _STRING.sub(safe, text) if redact(text, places=False) != text else text
