"""Checks that the files and columns that a user names exist."""

from collections.abc import Iterable, Sequence
from glob import escape, glob
from pathlib import Path

from quintet.base.errors import Code, UserError
from quintet.base.paths import expand_home


def files_at(path: str, endings: Sequence[str]) -> list[Path]:
    """Return the files of a folder, of a pattern, or the one file, in order of their names.

    Args:
        path: what is there, whatever brackets its name has, comes before what a pattern finds.
        endings: of the files that are taken from a folder, in lower case.

    """
    place = expand_home(path)
    if place.is_file():
        return [place]
    pattern = f"{escape(str(place))}/**/*" if place.is_dir() else str(place)
    found = sorted(file for file in map(Path, glob(pattern, recursive=True)) if file.is_file())
    return [f for f in found if f.suffix.lower() in endings] if place.is_dir() else found


def existing(path: str | Path | None) -> Path:
    """Return the path of an existing file."""
    if path is None:
        raise UserError(
            "has no value, and one is required here",
            code=Code.MISSING_VALUE,
            key="data.path",
            hint="Give data.path=<file> (for predict.py, input=<file>)",
        )
    file = expand_home(path)
    if file.is_dir():
        raise UserError(f"{file} is a folder", code=Code.NOT_FOUND, hint="Give a file in it")
    if not file.is_file():
        siblings = [p.name for p in file.parent.glob("*") if p.is_file()]
        raise UserError(
            f"There is no file {file}",
            code=Code.NOT_FOUND,
            value=file.name,
            allowed=siblings[:20],
            hint="" if siblings else "Its folder has no files",
        )
    if not file.stat().st_size:
        raise UserError(f"{file} is empty (0 bytes)", code=Code.DATA)
    return file


def require(names: list[str], there: Iterable[str], option: str, hint: str = "") -> None:
    """Check that the columns named by an option exist."""
    for name in names:
        if name not in there:
            raise UserError(
                "is not a column of the data",
                code=Code.UNKNOWN_NAME,
                key=option,
                value=name,
                allowed=there,
                hint=hint,
            )
