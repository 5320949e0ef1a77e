"""Checks of output paths: no input and no foreign file is overwritten.

One rule for every `output=`: it is never one of the command's inputs; an existing file is replaced
if its content shows that the same command wrote it, or with `overwrite=true`.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from quintet.artifacts import checkpoints, untrusted_files
from quintet.artifacts.record import REPORT, RESULT, Record
from quintet.base.errors import Code, UserError

WRITTEN = ("metrics.csv", "predictions.npz", "steering.csv", checkpoints.FOLDER, REPORT)
"""Files that a run writes after its config; without a config they are not a run's."""


def check(
    output: Path,
    inputs: Mapping[str, object],
    ours: Callable[[Path], bool],
    *,
    overwrite: bool = False,
) -> None:
    """Raise an error for an output that would overwrite an input or a foreign file.

    Args:
        output: to be written.
        inputs: the command's input files and folders, by key.
        ours: returns whether an existing output may be replaced without `overwrite`.
        overwrite: whether the user allows replacing anything.

    Raises:
        UserError: it is an input, by whatever name or link, or another existing file.

    """
    if not os.path.lexists(output):
        return
    own = not output.is_symlink() and _told(ours, output)
    for key, given in inputs.items():
        if _is(output, Path(str(given)).expanduser(), own):
            raise UserError(
                f"is what {key}={given} is read from, and would be overwritten",
                code=Code.CONFLICT,
                key="output",
                value=output,
                hint="Give another name for output.",
            )
    if not own and not overwrite:
        raise UserError(
            "already exists, and this command did not write it",
            code=Code.EXISTS,
            key="output",
            value=output,
            hint="Give another name, or overwrite=true to replace it.",
        )


def _told(ours: Callable[[Path], bool], output: Path) -> bool:
    try:
        return ours(output)
    except (OSError, ValueError, UserError):
        return False


def _is(output: Path, given: Path, own: bool) -> bool:
    """Return whether an output is an input, contains one, or is a foreign file inside one."""
    if not given.exists() or not output.exists():
        return False
    if os.path.samefile(output, given):
        return True
    real, root = output.resolve(), given.resolve()
    return real in root.parents or (root in real.parents and not own)


def begins(path: Path, text: str) -> bool:
    """Return whether a plain file starts with a text."""
    if not path.is_file():
        return False
    start = text.encode()
    with path.open("rb") as file:
        return file.read(len(start)) == start


@contextmanager
def staging(folder: Path, prefix: str) -> Iterator[Path]:
    """Yield a temporary folder inside another, to prepare an output before it is moved in place.

    Leftovers of killed commands are removed.
    """
    for left in folder.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=folder) as place:
        yield Path(place)


def check_run_folder(folder: Path) -> None:
    """Raise an error if a new run would overwrite files in a folder that holds no run.

    Raises:
        UserError: with the first one.

    """
    untrusted_files.check_links(folder)
    if found := next((name for name in WRITTEN if os.path.lexists(folder / name)), None):
        raise UserError(
            f"{folder} has a {found} that belongs to no run, and a run there would overwrite it",
            code=Code.EXISTS,
            hint="Move it away, or choose another hydra.run.dir.",
        )
    if untrusted_files.has(folder, RESULT):
        Record.read(folder)  # of a run that failed before it had a config; raises for any other
