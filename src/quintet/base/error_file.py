"""A `UserError` passed from a process to its parent as JSON fields."""

import json
import os
from pathlib import Path
from typing import Any

from quintet.base.errors import Code, UserError
from quintet.base.files import write_json

VARIABLE = "QUINTET_ERROR_FILE"
"""Environment variable with the file to which a command writes the error it ends with."""


def fields(error: UserError) -> dict[str, Any]:
    """Return the fields of an error, as JSON has them."""
    return {
        "problem": error.problem,
        "code": error.code,
        "key": error.key,
        "value": None if error.value is None else str(error.value),
        "allowed": error.allowed,
        "hint": error.hint,
    }


def write(path: Path, error: UserError) -> None:
    """Write the fields of an error."""
    write_json(path, fields(error))


def read(path: Path) -> UserError | None:
    """Return the error that was written; None if there is no file."""
    if not path.is_file():
        return None
    found = json.loads(path.read_text())
    return UserError(found.pop("problem"), code=Code(found.pop("code")), **found)


def report(error: UserError) -> None:
    """Write the error that this command ends with, if its parent requested it."""
    if (path := os.environ.get(VARIABLE)) is not None:
        write(Path(path), error)
