"""Where a command may write: nothing is lost that was given to it, or that it did not write.

One rule for all that commands write: it is never one of the command's inputs; a file that is there
already is replaced if the same command wrote it, which its content tells, or with `overwrite=true`.
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
from quintet.base.paths import at_home

WRITTEN = (
    *("metrics.csv", "predictions.npz", "steering.csv", checkpoints.FOLDER, REPORT),
    *(ENSEMBLE, "folds", "seeds"),
)
"""What a run writes after its config, so that without one it is somebody else's."""
CURVE, CURVE_TITLES = "lr_range.csv", "lr,loss"
LAYERS = "layers.csv"
"""What check.py found each layer of a new model to do with signal and gradient."""
"""What a range test writes, also before a run in the same folder."""


def check(
    output: Path,
    inputs: Mapping[str, object],
    ours: Callable[[Path], bool],
    *,
    overwrite: bool = False,
    instead: str | None = None,
) -> None:
    """Refuse an output that would cost somebody a file.

    Args:
        output: to be written.
        inputs: what the command was given: files and folders, by their keys.
        ours: tells of an existing output whether it may be replaced without being told to.
        overwrite: whether the user has said that it may be replaced whatever it is.
        instead: what to do where no `output=` chose the place.

    Raises:
        UserError: it is an input, by whatever name or link, or something else that stands there.

    """
    if not os.path.lexists(output):
        return
    own = not output.is_symlink() and _told(ours, output)
    for key, given in inputs.items():
        if _is(output, at_home(str(given)), own):
            raise UserError(
                f"is what {key}={given} is read from, and would be overwritten",
                code=Code.CONFLICT,
                key="output",
                value=output,
                hint="Give another name for output.",
            )
    if not own and not overwrite:
        stands = "already exists, and this command did not write it"
        raise UserError(
            stands if instead is None else f"{output} {stands}",
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
    """Tell whether an output is an input, holds it, or is a file of it that is not ours."""
    if not given.exists() or not output.exists():
        return False
    if os.path.samefile(output, given):
        return True
    real, root = output.resolve(), given.resolve()
    return real in root.parents or (root in real.parents and not own)


def begins(path: Path, text: str) -> bool:
    """Tell whether a plain file begins with a text."""
    if not path.is_file():
        return False
    start = text.encode()
    with path.open("rb") as file:
        return file.read(len(start)) == start


@contextmanager
def staging(folder: Path, prefix: str) -> Iterator[Path]:
    """Give out a folder inside another in which a new output is made before it takes its place.

    What a killed command left of one is removed.
    """
    for left in folder.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=folder) as place:
        yield Path(place)


def check_run_folder(folder: Path) -> None:
    """Refuse to begin a run in a folder without a run that has files which it would overwrite.

    Raises:
        UserError: names the first.

    """
    untrusted_files.check_links(folder)
    if found := next((name for name in WRITTEN if os.path.lexists(folder / name)), None):
        raise UserError(
            f"{folder} has a {found} that belongs to no run, and a run there would overwrite it",
            code=Code.EXISTS,
            hint="Move it away, or choose another hydra.run.dir.",
        )
    elsewhere = "Move it away, or choose another hydra.run.dir."
    check(folder / CURVE, {}, lambda path: begins(path, CURVE_TITLES), instead=elsewhere)
    if untrusted_files.has(folder, RESULT):
        Record.read(folder)  # of a run that failed before it had a config; refuses any other


def _is_file_of(start: str, path: Path) -> bool:
    return bool(start) and begins(path, start)


def check_sweep_folder(folder: Path, written: Mapping[str, str]) -> None:
    """Refuse to begin a sweep in a folder that has files which it would overwrite.

    Args:
        folder: of a sweep that has no trial yet.
        written: what it writes there, and how that begins; nothing is known of a folder.

    Raises:
        UserError: names the first.

    """
    for name, start in written.items():
        check(
            folder / name,
            {},
            partial(_is_file_of, start),
            instead="Move it away, or give the sweep a study= or hydra.sweep.dir= of its own.",
        )
