"""Checkpoints that are whole or not there."""

import zipfile
from pathlib import Path
from typing import Any

from quintet.errors import UserError
from quintet.files import copy
from quintet.process import is_first_rank

FOLDER = "checkpoints"


def best(folder: Path) -> Path | None:
    """Return the checkpoint with the best P of a run folder, if there is one.

    A run that ended before its first validation has only a last one.
    """
    paths = (folder / FOLDER / f"{name}.ckpt" for name in ("best", "last"))
    return next((path for path in paths if path.is_file()), None)


def newest(folder: Path) -> Path | None:
    """Return the whole checkpoint of a run folder that is furthest on, if there is one.

    Steps are what counts: a copied folder has new file times.
    """
    whole = [
        path for path in sorted((folder / FOLDER).glob("*.ckpt"), reverse=True) if is_whole(path)
    ]
    return max(whole, key=_steps, default=None)


def to_go_on_from(folder: Path) -> Path | None:
    """Return the newest whole checkpoint of a run folder, as last.ckpt; None where there is none.

    A run that is killed between the two files of an epoch has a best.ckpt, or one that was asked
    for, which is an epoch ahead of last.ckpt: after the run's last epoch no later one mends that.
    """
    path, last = newest(folder), folder / FOLDER / "last.ckpt"
    if path is None or path == last:
        return path
    if is_first_rank():
        copy(path, last)
    return path


def epochs(folder: Path) -> int:
    """Count the epochs behind the newest checkpoint of a run folder; 0 where there is none."""
    return 0 if (path := newest(folder)) is None else int(load(path).get("epoch", -1)) + 1


def _steps(path: Path) -> int:
    return int(load(path).get("global_step", -1))


def is_whole(path: Path) -> bool:
    """Tell whether a checkpoint can be read to its end; finds flipped bits as well."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False


def load(path: Path) -> dict[str, Any]:
    """Return a checkpoint's content: tensors and plain data only.

    Raises:
        UserError: no such file, a damaged one, or one that carries code.

    """
    import pickle

    import torch

    if not path.is_file():
        raise UserError(f"There is no checkpoint {path}.")
    if not is_whole(path):
        raise UserError(
            f"{path} is damaged or was cut short ({path.stat().st_size} bytes), so it cannot be "
            "loaded. Use another checkpoint of the run, or resume the run to write it anew."
        )
    try:
        return torch.load(path, map_location="cpu", weights_only=True)  # type: ignore[no-any-return]
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} contains pickled code, which loading would run, so it was not loaded. "
            "Allowed: checkpoints of tensors and plain data, as train.py writes them."
        ) from error
