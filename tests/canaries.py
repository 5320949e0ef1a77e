"""Secrets that sing wherever they are found: in text, escaped, encoded, or packed away."""

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
"""Has what ends a part of an address, and what JSON and HTML escape."""
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
"""What stands in no file by chance; the first is in three of the secrets."""
PACKED = re.compile(rb"[A-Za-z0-9+/]{200,}={0,2}")


def songs() -> set[bytes]:
    """Return every form of every secret that is looked for."""
    found = set()
    for text in (*PARTS, *ENVIRONMENT.values()):
        as_json = json.dumps(text)[1:-1]
        found |= {text, as_json, html.escape(text), quote(text, safe=""), quote(text)}
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + text.encode()).decode()
            found.add(coded[4 if shift else 0 : -4])
    return {form.encode() for form in found if len(form) >= 5}


def opened(content: bytes) -> Iterator[bytes]:
    """Yield a file's content, and whatever is packed into it."""
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


def singing(folder: Path) -> list[str]:
    """Return the files of a folder in which a secret is found, each with what was found."""
    forms, found = songs(), []
    for path in folder.rglob("*"):
        if path.is_file():
            for content in opened(path.read_bytes()):
                heard = [form.decode() for form in forms if form in content]
                found += [f"{path.relative_to(folder)}: {form}" for form in heard]
    return found


def heard(text: str) -> list[str]:
    """Return what is found in a text that was printed."""
    return [form.decode() for form in songs() if form in text.encode()]
