"""Secrets come from the environment, and are written down nowhere."""

import os
import re

REFERENCE = re.compile(r"oc\.env:\s*([A-Za-z_]\w*)")
# A last word of a key that names a secret; `api_key` and `hf_token` do, `pad_token` does not.
SECRET = re.compile(
    r"(^|\.)token$|(^|[._])"
    r"(api_?key|(access|auth|api|bearer|hf)_token|password|passwd|secret|secret_key)$",
    re.IGNORECASE,
)
# Variables that our own YAMLs refer to, which are no secrets.
PUBLIC = {"PROJECT_ROOT", "WANDB_MODE"}
PASSWORD = re.compile(r"://[^:/@\s]*:[^@\s]+@")
"""In an address: postgresql://user:password@host."""
SHORTEST = 6

_known: dict[str, str] = {}


def note(config: str) -> None:
    """Remember the values of the environment variables that a config's text refers to."""
    for name in set(REFERENCE.findall(config)) - PUBLIC:
        value = os.environ.get(name, "")
        if len(value) >= SHORTEST:
            _known[value] = f"${{oc.env:{name}}}"


def redact(text: str) -> str:
    """Return the text with every noted value replaced by its reference; the longest first."""
    for value in sorted(_known, key=len, reverse=True):
        text = text.replace(value, _known[value])
    return text


def typed_in_clear(arguments: list[str]) -> str | None:
    """Return the key of the first override that gives a secret in clear, if one does.

    Examples:
        >>> typed_in_clear(["optimizer.lr=.1", "logger.comet.api_key=abc"])
        'logger.comet.api_key'
        >>> typed_in_clear(["sweeper.storage=postgresql+psycopg://me:abc@host/db"])
        'sweeper.storage'
        >>> typed_in_clear(["logger.comet.api_key='${oc.env:COMET_API_KEY}'", "model.token=null"])

    """
    for argument in arguments:
        key, given, value = argument.lstrip("+~").partition("=")
        secret = (SECRET.search(key) and value not in ("", "null")) or PASSWORD.search(value)
        if given and secret and "${" not in value:
            return key
    return None
