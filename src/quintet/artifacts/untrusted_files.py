"""Reading the files of a run or sweep folder, which are untrusted.

All files of such folders are read here, under one rule: a file is inside the folder, is a plain
file of limited size, and has valid content; anything else is one kind of error.
"""

import csv
import io
import json
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

from quintet.artifacts import csv_cells
from quintet.base.errors import Code, UserError

T = TypeVar("T")
MOST_TEXT = 256 * 2**20
"""Maximum bytes of a text file; a journal or a leaderboard of 100,000 trials is smaller."""
MOST_CELL = 2**20
"""Maximum characters of a CSV cell."""
FOREIGN = ("wandb", "tensorboard", "mlruns")
"""Folders of trackers, which contain links of their own."""


class DamagedError(UserError):
    """A file of a run or sweep folder that is damaged or was written by something else."""


def inside(folder: Path, name: str) -> Path:
    """Return the path of a file or folder that belongs to a folder.

    The folder itself may be a link, as the user chose; names in it may not lead out.

    Args:
        folder: of a run, a sweep or an ensemble.
        name: relative to it, as a file inside it may say.

    Raises:
        DamagedError: the name, or a link on its way, leads out of the folder.

    """
    path = folder / name
    if "\0" in name or Path(name).is_absolute() or ".." in Path(name).parts:
        refuse(folder, f"names {name!r}, which is no place inside it")
    try:
        real, root = path.resolve(), folder.resolve()
    except (OSError, RuntimeError):  # a link to itself, a name that is too long
        refuse(path, "leads nowhere")
    if real != root and root not in real.parents:
        refuse(path, f"is a link that leads out of {folder}")
    return path


def has(folder: Path, name: str) -> bool:
    """Return whether a folder has a plain file of that name.

    Raises:
        DamagedError: as in `inside`.

    """
    path = inside(folder, name)
    try:
        return path.is_file()
    except OSError:
        return False


def read_bytes(folder: Path, name: str, most: int = MOST_TEXT) -> bytes:
    """Return the content of a folder's file.

    Raises:
        FileNotFoundError: there is none.
        DamagedError: as `inside`; or it is a folder, a pipe, a device, too large, or closed to us.

    """
    path = inside(folder, name)
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            refuse(path, "is no plain file")
        if state.st_size > most:
            refuse(path, f"has {state.st_size:,} bytes, more than the {most:,} that are read")
        with path.open("rb") as file:
            return file.read(most)
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        refuse(path, f"cannot be read ({error.strerror})", error)


def read_text(folder: Path, name: str, most: int = MOST_TEXT) -> str:
    """Return a folder's file as text.

    Raises:
        FileNotFoundError, DamagedError: as `read_bytes`; or it is no UTF-8.

    """
    content = read_bytes(folder, name, most)
    with understood(folder / name):
        return content.decode("utf-8")


def read_json(folder: Path, name: str, kind: type[T]) -> T:
    """Return the data in a folder's JSON file.

    Args:
        folder: that has the file.
        name: of the file.
        kind: of its outermost value, dict or list.

    Raises:
        FileNotFoundError, DamagedError: as `read_text`; or it is no JSON, or of another kind.

    """
    text = read_text(folder, name)
    with understood(folder / name):
        found = json.loads(text)
        if "\\ud" in text.lower():
            json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is no text
        if not isinstance(found, kind):
            raise ValueError(f"it is a {type(found).__name__}, and should be a {kind.__name__}")
    return found


def read_table(folder: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of a folder's CSV file; see `csv_cells` for what its cells are.

    Raises:
        FileNotFoundError, DamagedError: as `read_text`; or its rows have unequal lengths.

    """
    text = read_text(folder, name)
    with understood(folder / name):
        before = csv.field_size_limit(MOST_CELL)
        try:
            lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        finally:
            csv.field_size_limit(before)
        titles, *rows = [[csv_cells.restored(cell) for cell in line] for line in lines if line] or [
            []
        ]
        return [dict(zip(titles, row, strict=True)) for row in rows]


def check_archive(path: Path, archive: zipfile.ZipFile) -> None:
    """Raise an error for a zip file whose parts are larger than itself; ours are not compressed.

    Raises:
        ValueError: it is one.

    """
    names = archive.namelist()
    if sum(info.file_size for info in archive.infolist()) > path.stat().st_size:
        raise ValueError("its parts are larger than the file itself")
    if len({*names}) < len(names):
        raise ValueError("it has two parts of one name")


@contextmanager
def understood(path: Path) -> Iterator[None]:
    """Convert any error about the content of a file or folder into a DamagedError.

    Raises:
        DamagedError: names the file, and what is wrong.

    """
    try:
        yield
    except UserError:
        raise
    except RecursionError as error:
        refuse(path, "is nested too deeply", error)
    except MemoryError as error:
        refuse(path, "would need more memory than there is", error)
    except Exception as error:
        said = f"{error}".strip().partition("\n")[0][:200]
        kind = "" if type(error) is ValueError and said else f"{type(error).__name__}: "
        refuse(path, f"does not hold what it should ({kind}{said})", error)


def refuse(path: Path, wrong: str, cause: Exception | None = None) -> NoReturn:
    """Raise a DamagedError.

    Raises:
        DamagedError: always.

    """
    raise DamagedError(
        f"{path} {wrong}, so it was not used",
        code=Code.DAMAGED,
        allowed=["what train.py and the other commands wrote there"],
        hint="Restore it from a copy, or remove it and repeat the command that made it.",
    ) from cause


def check_links(folder: Path) -> None:
    """Raise an error if a folder to write in contains an outward link or a special file.

    Raises:
        DamagedError: names the first.

    """
    if not folder.is_dir():
        return
    open_ones = [folder]
    while open_ones:
        with os.scandir(open_ones.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    inside(folder, str(Path(entry.path).relative_to(folder)))
                elif entry.is_dir(follow_symlinks=False):
                    if entry.name not in FOREIGN:
                        open_ones.append(Path(entry.path))
                elif not entry.is_file(follow_symlinks=False):
                    refuse(Path(entry.path), "is no plain file")
