"""Secrets that are recognised wherever they leak: in text, escaped, encoded, or compressed."""

import base64
import gzip
import html
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

PASSWORD = 'tweet/47:11@mine?"qé'
"""Contains delimiters of URLs, and what JSON and HTML escape."""
TOKEN = "canary-token-0815"
SHORT = "k!7qZ"
LINES = ("BEGIN PRIVATE KEY", "MIIEvQtweetIBADANBgkq", "hkiG9tweet0BAQEFAASC", "END PRIVATE KEY")
KEY = "\n".join(f"-----{line}-----" if "KEY" in line else line for line in LINES)
ACCOUNT = "0123456789abcdef0123456789abcdeftweetweet"
ENVIRONMENT = {
    "STORE_PASSWORD": PASSWORD,
    "SOME_TOKEN": TOKEN,
    "SHORT_PASSWORD": SHORT,
    "SSH_KEY": KEY,
    "WANDB_API_KEY": ACCOUNT,
}
PARTS = ("tweet", TOKEN, SHORT)
"""Words that occur in no file by chance; the first is in three of the secrets."""
PACKED = re.compile(rb"[A-Za-z0-9+/]{200,}={0,2}")


def all_forms() -> set[bytes]:
    """Return all forms of all secrets to look for."""
    found = set()
    for text in (*PARTS, *ENVIRONMENT.values()):
        as_json = json.dumps(text)[1:-1]
        found |= {text, as_json, html.escape(text), quote(text, safe=""), quote(text)}
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + text.encode()).decode()
            found.add(coded[4 if shift else 0 : -4])
    return {form.encode() for form in found if len(form) >= 5}


def opened(content: bytes) -> Iterator[bytes]:
    """Yield a file's contents, and those of archives in it."""
    yield content
    if content[:2] == b"\x1f\x8b":
        yield from opened(gzip.decompress(content))
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for name in packed.namelist():
                yield name.encode()
                yield from opened(packed.read(name))
    for blob in PACKED.findall(content):
        plain = base64.b64decode(blob + b"=" * (-len(blob) % 4))
        if plain[:2] == b"\x1f\x8b":
            plain = gzip.decompress(plain)
        elif plain[:1] == b"\x78":
            plain = zlib.decompressobj().decompress(plain)
        yield plain


def leaks(folder: Path) -> list[str]:
    """Return the files of a folder that contain secrets, with the secrets found."""
    forms, found = all_forms(), []
    for path in folder.rglob("*"):
        if path.is_file():
            for content in opened(path.read_bytes()):
                heard = [form.decode() for form in forms if form in content]
                found += [f"{path.relative_to(folder)}: {form}" for form in heard]
    return found


def leaked(text: str) -> list[str]:
    """Return the secrets found in printed text."""
    return [form.decode() for form in all_forms() if form in text.encode()]
