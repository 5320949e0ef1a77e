"""Checkpoint IO for Lightning: atomic writes, and loading without code execution."""

import copy
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import CheckpointIO

from quintet.artifacts import checkpoints, untrusted_files
from quintet.base import schema
from quintet.base.errors import Code, UserError
from quintet.base.files import replacing
from quintet.base.secrets import redact

HYPERPARAMETERS = ("hyper_parameters", "datamodule_hyper_parameters")
"""Keys under which Lightning stores the `save_hyperparameters` of module and datamodule."""
PLAIN = {type(None), bool, int, float, complex, str, bytes, torch.Size, torch.dtype, torch.device}


@dataclass(frozen=True)
class Unsupported:
    """A value that a checkpoint cannot contain.

    Args:
        kind: name of its class.
        place: its keys from the top level.

    """

    kind: str
    place: str


def find_unsupported(value: Any, place: str = "") -> Unsupported | None:
    """Return the first value in a checkpoint that is neither a tensor nor plain data, if any."""
    if isinstance(value, torch.Tensor) or type(value) in PLAIN:
        return None
    if type(value) in (dict, OrderedDict, defaultdict):
        inside = [
            find_unsupported(each, f"{place}.{key}" if place else str(key))
            for key, each in value.items()
        ]
    elif type(value) in (list, tuple, set):
        inside = [find_unsupported(each, f"{place}[{i}]") for i, each in enumerate(value)]
    else:
        return Unsupported(type(value).__name__, place)
    return next(filter(None, inside), None)


def without_secrets(value: Any) -> Any:
    """Redact every string in part of a checkpoint; return the same object if none changes."""
    if isinstance(value, str):
        return redact(value, places=False)
    if isinstance(value, dict):
        changed = {k: new for k, v in value.items() if (new := without_secrets(v)) is not v}
        if changed:
            value = copy.copy(value)
            value.update(changed)
    elif type(value) in (list, tuple, set):
        each = [without_secrets(v) for v in value]
        if any(new is not v for new, v in zip(each, value, strict=True)):
            return type(value)(each)
    return value


class WholeCheckpointIO(CheckpointIO):
    """Checkpoint IO that replaces files atomically, and only loads tensors and plain data.

    Lightning's IO uses a temporary folder, which may be on another disk: the last step is then a
    copy, and a killed process leaves a truncated file.
    """

    def __init__(self) -> None:
        self._checked = False

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write `checkpoint` to `path`.

        Of the `save_hyperparameters` only plain data are kept, since a run is rebuilt from its
        config. Secrets are replaced by references, as in every file.

        Raises:
            UserError: the disk is full (the previous checkpoint is intact), or a value is neither
                a tensor nor plain data, so that it could not be loaded.

        """
        for name in HYPERPARAMETERS:
            if name in checkpoint:
                noted = dict(checkpoint[name])
                checkpoint[name] = {k: v for k, v in noted.items() if find_unsupported(v) is None}
        if not self._checked and (found := find_unsupported(checkpoint)) is not None:
            raise UserError(
                f"The checkpoint holds a {found.kind} at {found.place}, which could not be loaded "
                "again: only tensors and plain data are",
                code=Code.WRONG_TYPE,
                hint="Save its numbers instead, such as float(value) or array.tolist(), in "
                "on_save_checkpoint or state_dict.",
            )
        self._checked = True
        with replacing(Path(path)) as temporary, temporary.open("wb") as file:
            torch.save(without_secrets(checkpoint), file)

    def load_checkpoint(
        self, path: Any, map_location: Any | None = None, weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Return the content of a checkpoint, on the CPU; see `checkpoints.load` for errors."""
        found = checkpoints.load(Path(path))
        with untrusted_files.understood(Path(path)):
            schema.fitting(dict[str, dict[str, Any]], found.get("callbacks", {}), "callbacks")
        return found

    def remove_checkpoint(self, path: Any) -> None:
        """Delete a checkpoint that was replaced by a better one."""
        Path(path).unlink(missing_ok=True)
