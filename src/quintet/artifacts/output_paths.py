"""Checks of output paths: a command overwrites neither its inputs nor files that it did not write.

The same rule applies to all outputs: an output is never one of the command's inputs; an existing
file is only replaced if the same command wrote it, which is inferred from its content, or with
`overwrite=true`.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from quintet.artifacts import checkpoints, untrusted_files
from quintet.artifacts.record import ENSEMBLE, REPORT, RESULT, Record
from quintet.base.errors import Code, UserError
from quintet.base.paths import expand_home

WRITTEN = (
    *("metrics.csv", "predictions.npz", "steering.csv", checkpoints.FOLDER, REPORT),
    *(ENSEMBLE, "folds", "seeds"),
)
"""Files that a run writes after its config; without a config, they belong to another program."""
CURVE, LAYERS, COORDINATES = "lr_range.csv", "layers.csv", "coordinates.csv"
"""Files that check.py writes, possibly before a run in the same folder: the curve of a range test,
the statistics of each layer, and the coordinate check of muP."""
COORDINATE_PAGE = "coordinates.html"
TITLES = {
    CURVE: "lr,loss",
    LAYERS: "name,kind,mean,std",
    COORDINATES: "scaling,width,layer,step,change",
}
"""Headers of these files."""


def check(
    output: Path,
    inputs: Mapping[str, object],
    ours: Callable[[Path], bool],
    *,
    overwrite: bool = False,
    instead: str | None = None,
) -> None:
    """Check that an output would not overwrite an input or a file of another origin.

    Args:
        output: path to be written.
        inputs: files and folders given to the command, by key.
        ours: function that returns whether an existing output may be replaced by default.
        overwrite: whether the user has allowed any existing file to be replaced.
        instead: hint for outputs whose path is not set by `output=`.

    Raises:
        UserError: the output is an input, under any name or link, or another existing file.

    """
    if not os.path.lexists(output):
        return
    own = not output.is_symlink() and _told(ours, output)
    for key, given in inputs.items():
        if _is(output, expand_home(str(given)), own):
            raise UserError(
                f"is what {key}={given} is read from, and would be overwritten",
                code=Code.CONFLICT,
                key="output",
                value=output,
                hint="Give another name for output.",
            )
    if not own and not overwrite:
        reason = "already exists, and this command did not write it"
        raise UserError(
            reason if instead is None else f"{output} {reason}",
            code=Code.EXISTS,
            key="output" if instead is None else None,
            value=output if instead is None else None,
            hint=instead or "Give another name, or overwrite=true to replace it.",
        )


def _told(ours: Callable[[Path], bool], output: Path) -> bool:
    try:
        return ours(output)
    except (OSError, ValueError, UserError):
        return False


def _is(output: Path, given: Path, own: bool) -> bool:
    """Return whether an output is an input, contains it, or is a file of it that is not ours."""
    if not given.exists() or not output.exists():
        return False
    if os.path.samefile(output, given):
        return True
    real, root = output.resolve(), given.resolve()
    return real in root.parents or (root in real.parents and not own)


def begins(path: Path, text: str) -> bool:
    """Return whether a regular file begins with a text."""
    if not path.is_file():
        return False
    start = text.encode()
    with path.open("rb") as file:
        return file.read(len(start)) == start


@contextmanager
def staging(folder: Path, prefix: str) -> Iterator[Path]:
    """Yield a temporary folder inside another one, in which an output is built before it is moved.

    Also remove temporary folders that were left by killed commands.
    """
    for left in folder.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=folder) as place:
        yield Path(place)


def check_run_folder(folder: Path) -> None:
    """Check that a folder without a run has no files that a new run would overwrite.

    Raises:
        UserError: it has; names the first.

    """
    untrusted_files.check_links(folder)
    if found := next((name for name in WRITTEN if os.path.lexists(folder / name)), None):
        raise UserError(
            f"{folder} has a {found} that belongs to no run, and a run there would overwrite it",
            code=Code.EXISTS,
            hint="Move it away, or choose another hydra.run.dir.",
        )
    elsewhere = "Move it away, or choose another hydra.run.dir."
    for name, titles in TITLES.items():
        check(folder / name, {}, partial(_is_file_of, titles), instead=elsewhere)
    if untrusted_files.has(folder, RESULT):
        Record.read(folder)  # a run that failed before it had a config; raises for other files


def _is_file_of(start: str, path: Path) -> bool:
    return bool(start) and begins(path, start)


def check_sweep_folder(folder: Path, written: Mapping[str, str]) -> None:
    """Check that a folder has no files that a new sweep would overwrite.

    Args:
        folder: folder of a sweep that has no trial yet.
        written: the files that a sweep writes, with their first characters; "" for folders.

    Raises:
        UserError: it has; names the first.

    """
    for name, start in written.items():
        check(
            folder / name,
            {},
            partial(_is_file_of, start),
            instead="Move it away, or give the sweep a study= or hydra.sweep.dir= of its own.",
        )
