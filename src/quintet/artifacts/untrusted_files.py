"""Readers for the files of run and sweep folders, which are not trusted.

All such files are read by this module, so that the same rules apply: a file must be inside the
folder, regular, of limited size and with valid content; otherwise `DamagedError` is raised.
"""

import csv
import io
import json
import os
import re
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
"""Maximum bytes of a text file; a journal or leaderboard of 100,000 trials is smaller."""
MOST_VALUES = 10_000_000
"""Maximum number of values in a table or a JSON file: a file of single digits would else take some
fifty times its size in memory."""
MOST_CELL = 2**20
"""Maximum characters of a CSV cell."""
IDENTIFIER = re.compile(r"[\w-]{1,64}", re.ASCII)
"""Pattern of the run ids of MLflow and W&B."""
WANDB_RUN = "*run-*"
"""Folders of W&B, one per session, whose logs are links to its cache."""


class DamagedError(UserError):
    """A file of a run or sweep folder is damaged, or was not written by Quintet."""


def inside(folder: Path, name: str) -> Path:
    """Return the path of a file or folder inside a folder.

    The folder itself may be a link, since the user chose it; paths inside must not lead out of it.

    Args:
        folder: folder of a run, sweep or ensemble.
        name: path relative to the folder, possibly read from a file in it.

    Raises:
        DamagedError: the name, or a link on the path, leads out of the folder, or is a link to a
            folder that contains it.

    """
    path = folder / name
    if "\0" in name or Path(name).is_absolute() or ".." in Path(name).parts:
        refuse(folder, f"names {name!r}, which is not a path inside it")
    try:
        real, root = path.resolve(), folder.resolve()
        above = path.parent.resolve() if path.is_symlink() else None
    except (OSError, RuntimeError):  # a link to itself, a name that is too long
        refuse(path, "leads nowhere")
    if real != root and root not in real.parents:
        refuse(path, f"is a link that leads out of {folder}")
    if above is not None and Path(name).parts and real in (above, *above.parents):
        refuse(path, "is a link to a folder that contains it")
    return path


def has(folder: Path, name: str) -> bool:
    """Return whether a folder has a regular file of this name.

    Raises:
        DamagedError: as in `inside`.

    """
    path = inside(folder, name)
    try:
        return path.is_file()
    except OSError:
        return False


def read_bytes(folder: Path, name: str, most: int = MOST_TEXT) -> bytes:
    """Return the content of a file in a folder.

    Raises:
        FileNotFoundError: there is none.
        DamagedError: as in `inside`; or it is a folder, a pipe, a device, too large, or unreadable.

    """
    path = inside(folder, name)
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            refuse(path, "is not a regular file")
        if state.st_size > most:
            refuse(path, f"has {state.st_size:,} bytes, more than the {most:,} that are read")
        with path.open("rb") as file:
            return file.read(most)
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        refuse(path, f"cannot be read ({error.strerror})", error)


def read_text(folder: Path, name: str, most: int = MOST_TEXT) -> str:
    """Return the text of a file in a folder.

    Raises:
        FileNotFoundError, DamagedError: as in `read_bytes`; or it is not UTF-8.

    """
    content = read_bytes(folder, name, most)
    with understood(folder / name):
        return content.decode("utf-8")


def identifier(text: str, path: Path) -> str:
    """Check and return a tracker's run id, which becomes part of a URL or path.

    Raises:
        DamagedError: the text is not an id.

    """
    if not IDENTIFIER.fullmatch(text):
        refuse(path, "does not hold the id of a run")
    return text


def read_json(folder: Path, name: str, kind: type[T]) -> T:
    """Return the content of a JSON file in a folder.

    Args:
        folder: folder of the file.
        name: name of the file.
        kind: expected type of the top-level value, dict or list.

    Raises:
        FileNotFoundError, DamagedError: as in `read_text`; or it is not JSON, or of another type.

    """
    text = read_text(folder, name)
    with understood(folder / name):
        _check_count(text, "[{,")
        found = json.loads(text)
        if "\\ud" in text.lower():
            json.dumps(found, ensure_ascii=False).encode()  # raises for lone surrogates
        if not isinstance(found, kind):
            raise ValueError(f"it is a {type(found).__name__}, and should be a {kind.__name__}")
    return found


def read_table(folder: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file in a folder; see `csv_cells` for the format of its cells.

    Raises:
        FileNotFoundError, DamagedError: as in `read_text`; or its rows have unequal lengths.

    """
    text = read_text(folder, name)
    with understood(folder / name):
        _check_count(text, ",\n\r")
        before = csv.field_size_limit(MOST_CELL)
        try:
            lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        finally:
            csv.field_size_limit(before)
        titles, *rows = [[csv_cells.restored(cell) for cell in line] for line in lines if line] or [
            []
        ]
        return [dict(zip(titles, row, strict=True)) for row in rows]


def _check_count(text: str, before: str) -> None:
    """Check that a text does not consist of very many values, each of which takes much memory.

    Args:
        text: of a file.
        before: characters of which one stands before every value, or after it.

    Raises:
        ValueError: it does.

    """
    if sum(map(text.count, before)) > MOST_VALUES:
        raise ValueError(f"it has more than {MOST_VALUES:,} values")


def check_archive(path: Path, archive: zipfile.ZipFile) -> None:
    """Check that the members of a zip file are not larger than the file; ours are not compressed.

    Raises:
        ValueError: they are, or two have the same name.

    """
    names = archive.namelist()
    if sum(info.file_size for info in archive.infolist()) > path.stat().st_size:
        raise ValueError("its parts are larger than the file itself")
    if len({*names}) < len(names):
        raise ValueError("it has two parts of one name")


@contextmanager
def understood(path: Path) -> Iterator[None]:
    """Convert all errors caused by the content of a file or folder to `DamagedError`.

    Raises:
        DamagedError: names the file and the problem.

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
    """Raise the error for an invalid file.

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
    """Check that a folder to write to contains no links that lead out of it, and no special files.

    Raises:
        DamagedError: it does; names the first.

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
                    path = Path(entry.path)
                    if path.parent.name != "wandb" or not path.match(WANDB_RUN):
                        open_ones.append(path)
                elif not entry.is_file(follow_symlinks=False):
                    refuse(Path(entry.path), "is not a regular file")
