"""A small text data set that comes with Python."""

import re
from collections import Counter

import torch

from quintet.base.errors import Code, UserError
from quintet.data.samples import Samples

PADDING, UNKNOWN = 0, 1
GROUPS = {
    "capital letter": ("Lu", "Lt"),
    "small letter": ("Ll",),
    "other letter": ("Lo", "Lm"),
    "mark": ("Mn", "Mc", "Me"),
    "number": ("Nd", "Nl", "No"),
    "punctuation": ("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"),
    "mathematical symbol": ("Sm",),
    "other symbol": ("Sc", "Sk", "So"),
}
"""Classes of `unicode_names`, and the general categories of Unicode in each."""
NUMBERED = ("CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH", "HANGUL SYLLABLE")
"""Names generated from the code point, which contain no information."""


def unicode_names(length: int = 12, min_count: int = 2) -> Samples:
    """Return some 12,700 character names and what kind of character each is, eight classes.

    "GREEK SMALL LETTER OMEGA" is a small letter, "SOUTH EAST ARROW" another symbol. Names and
    general categories are those of Unicode 3.2 (2002), which Python's standard library keeps
    unchanged (`unicodedata.ucd_3_2_0`), so the set is the same in every version of Python.

    Args:
        length: words to which a name is cut or padded; names have 1 to 13.
        min_count: words that occur less often share one id, "unknown".

    """
    if length < 1:
        raise UserError(
            "must be at least 1 word", code=Code.OUT_OF_RANGE, key="data.length", value=length
        )
    names, kinds = _names()
    counts = Counter(word for name in names for word in words(name))
    vocabulary = sorted(word for word, count in counts.items() if count >= min_count)
    return Samples(
        x=encode(names, vocabulary, length),
        y=torch.tensor(kinds),
        task="multiclass",
        kind="tokens",
        class_names=list(GROUPS),
        vocabulary=len(vocabulary) + 2,
        data_summary=[
            f"{len(names)} character names of Unicode 3.2, {len(vocabulary)} different words "
            f"that occur {min_count} times or more."
        ],
        reader={
            "kind": "tokens",
            "columns": ["text"],
            "vocabulary": vocabulary,
            "length": length,
        },
    )


def words(text: str) -> list[str]:
    """Cut a text into capitalised words."""
    return re.findall(r"\w+", text.upper())


def encode(texts: list[str], vocabulary: list[str], length: int) -> torch.Tensor:
    """Return token ids (N, length): 0 pads at the end, 1 is a word not in the vocabulary."""
    ids = {word: number for number, word in enumerate(vocabulary, start=UNKNOWN + 1)}
    x = torch.full((len(texts), length), PADDING)
    for row, text in enumerate(texts):
        found = [ids.get(word, UNKNOWN) for word in words(text)[:length]]
        x[row, : len(found)] = torch.tensor(found, dtype=torch.int64)
    return x


def _names() -> tuple[list[str], list[int]]:
    """Return the names and their class indices, in the order of code points."""
    from unicodedata import ucd_3_2_0 as unicode

    classes = {code: index for index, codes in enumerate(GROUPS.values()) for code in codes}
    names, kinds = [], []
    for point in range(0x20000):
        character = chr(point)
        name, category = unicode.name(character, ""), unicode.category(character)
        if name and category in classes and not name.startswith(NUMBERED):
            names.append(name)
            kinds.append(classes[category])
    return names, kinds
