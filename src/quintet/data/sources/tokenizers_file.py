"""Hugging Face tokenizers, from local files."""

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from quintet.base.errors import Code, UserError


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
    try:
        return required("tokenizers").Tokenizer.from_file(str(file))
    except UserError:
        raise
    except Exception as problem:  # the Rust library has no exception class of its own
        raise UserError(
            f"is not a tokenizer: {problem}",
            code=Code.DAMAGED,
            key="data.tokenizer",
            value=str(file),
        ) from None
