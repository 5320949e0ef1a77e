"""Hugging Face tokenizers, from local files."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from quintet.base.errors import Code, UserError

LARGEST = 2**31 - 1
"""Of vocabularies; an embedding of more would take terabytes."""
PANIC = "PanicException"
"""What a library written in Rust raises where it would have aborted."""


def required(package: str) -> Any:
    """Return a package that reads texts.

    Raises:
        UserError: it is not installed.

    """
    try:
        return import_module(package)
    except ImportError as error:
        raise UserError(
            f"Text files need {error.name}, which is not installed",
            code=Code.UNAVAILABLE,
            hint=f"Install it: `pip install {error.name}`",
        ) from None


@lru_cache(maxsize=1)
def tokenizer_of(file: Path) -> Any:
    """Return the tokenizer of a `tokenizer.json`, which holds no code.

    Raises:
        UserError: the file is invalid, or `tokenizers` is not installed.

    """
    with tokenizing(file):
        return required("tokenizers").Tokenizer.from_file(str(file))


def vocabulary_of(tokenizer: Any, file: Path) -> int:
    """Return what all ids of a tokenizer are below, which is more than its tokens if ids are left.

    Raises:
        UserError: it has no token, or larger ids than a model can embed.

    """
    count = max(tokenizer.get_vocab().values(), default=-1) + 1
    if not 0 < count <= LARGEST:
        raise UserError(
            f"has token ids up to {count - 1:,}",
            code=Code.DAMAGED,
            key="data.tokenizer",
            value=str(file),
        )
    return count


@contextmanager
def tokenizing(file: Path) -> Iterator[None]:
    """Turn what a tokenizer's library raises into one message; a panic is not an `Exception`.

    Raises:
        UserError: with the reason.

    """
    try:
        yield
    except UserError:
        raise
    except BaseException as problem:
        if not isinstance(problem, Exception) and type(problem).__name__ != PANIC:
            raise
        raise UserError(
            f"is not a tokenizer that works: {problem}",
            code=Code.DAMAGED,
            key="data.tokenizer",
            value=str(file),
        ) from None
