"""Checkpoints of a run folder: the best, the latest, and integrity checks."""

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quintet.artifacts import untrusted_files
from quintet.base import schema
from quintet.base.errors import Code, UserError
from quintet.base.files import copy
from quintet.base.process import is_first_rank

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = "checkpoints"


def best(folder: Path) -> Path | None:
    """Return the best checkpoint of a run folder by the metric, if there is one.

    A run that ended before its first validation only has a last checkpoint, which is returned.
    """
    names = (f"{FOLDER}/{name}.ckpt" for name in ("best", "last"))
    return next((folder / name for name in names if untrusted_files.has(folder, name)), None)


def newest(folder: Path) -> Path | None:
    """Return the intact checkpoint with the most steps in a run folder, if there is one.

    File times are ignored, since copying a folder changes them.
    """
    found = sorted(untrusted_files.inside(folder, FOLDER).glob("*.ckpt"), reverse=True)
    inside = (untrusted_files.inside(folder, f"{FOLDER}/{path.name}") for path in found)
    return max(filter(is_whole, inside), key=_steps, default=None)


def latest_intact(folder: Path) -> Path | None:
    """Return the latest intact checkpoint of a run folder as last.ckpt; None if there is none.

    If a run is killed between writing the two files of an epoch, best.ckpt or a requested
    checkpoint is an epoch ahead of last.ckpt; after the last epoch, no later write corrects this.
    """
    path, last = newest(folder), folder / FOLDER / "last.ckpt"
    if path is None or path == last:
        return path
    if is_first_rank():
        copy(path, last)
    return path


def epochs(folder: Path) -> int:
    """Return the number of complete epochs of the latest checkpoint; 0 if there is none."""
    if (path := newest(folder)) is None:
        return 0
    return _count(path, "epoch") + (not _is_within_epoch(load(path)))


def _is_within_epoch(state: dict[str, Any]) -> bool:
    """Return whether a checkpoint was written in the middle of an epoch."""
    try:
        progress = state["loops"]["fit_loop"]["epoch_progress"]["current"]
        return bool(progress["processed"] == state["epoch"])
    except (KeyError, TypeError):
        return False


def _steps(path: Path) -> int:
    return _count(path, "global_step")


def _count(path: Path, what: str) -> int:
    found = load(path).get(what, -1)
    with untrusted_files.understood(path):
        return int(schema.fitting(int, found, what))


def is_whole(path: Path) -> bool:
    """Return whether a checkpoint is intact; detects flipped bits as well."""
    try:
        if not path.is_file():
            return False
        with zipfile.ZipFile(path) as archive:
            untrusted_files.check_archive(path, archive)
            return archive.testzip() is None
    except Exception:  # a damaged zip file can raise many types of errors
        return False


def load(path: Path) -> dict[str, Any]:
    """Return the content of a checkpoint: only tensors and plain data.

    Raises:
        UserError: the file is missing, damaged, contains code, or has a tensor that is larger than
            the file.

    """
    import pickle

    import torch

    if not path.is_file():
        raise UserError(f"There is no checkpoint {path}", code=Code.NOT_FOUND)
    if not is_whole(path):
        raise UserError(
            f"{path} is damaged or was cut short ({path.stat().st_size} bytes), so it cannot be "
            "loaded",
            code=Code.DAMAGED,
            hint="Use another checkpoint of the run, or resume the run to write it again.",
        )
    with untrusted_files.understood(path):
        try:
            found = torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            raise UserError(
                f"{path} contains pickled code, which loading would run, so it was not loaded",
                code=Code.NOT_TRUSTED,
                allowed=["checkpoints of tensors and plain data, as train.py writes them"],
            ) from error
        if not isinstance(found, dict):
            raise ValueError(f"it is a {type(found).__name__}, and should be a dict")
        _check_tensors(found, path.stat().st_size)
    return found


def weights(state: dict[str, Any], path: Path) -> dict[str, "Tensor"]:
    """Return the parameters and buffers in a checkpoint by name.

    Raises:
        UserError: it has none.

    """
    import torch

    with untrusted_files.understood(path):
        found = schema.fitting(dict[str, Any], state.get("state_dict"), "state_dict")
        for name, tensor in found.items():
            if not torch.is_tensor(tensor):
                raise ValueError(f"state_dict.{name} is not a tensor")
    return found  # type: ignore[no-any-return]


def _check_tensors(found: dict[str, Any], most: int) -> None:
    """Check that no tensor takes more memory than the file, even with zero strides.

    Raises:
        ValueError: one does; describes it.

    """
    import torch

    open_ones, seen = [found], set[int]()
    while open_ones:
        value: Any = open_ones.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if torch.is_tensor(value):
            if value.layout != torch.strided or value.is_meta or value.is_nested:
                raise ValueError(f"it has a tensor of layout {value.layout} on {value.device}")
            if value.numel() * value.element_size() > most:
                raise ValueError(
                    f"it has a tensor of shape {tuple(value.shape)}, larger than it is"
                )
        elif isinstance(value, dict):
            open_ones += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set):
            open_ones += [*value]
