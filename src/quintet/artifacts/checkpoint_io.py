"""Lightning's checkpoint IO: atomic writes, and loading without code execution."""

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
"""What Lightning adds of a module and of data that call `save_hyperparameters`."""
PLAIN = {type(None), bool, int, float, complex, str, bytes, torch.Size, torch.dtype, torch.device}


@dataclass(frozen=True)
class Odd:
    """Something that a checkpoint cannot hold.

    Args:
        kind: name of its class.
        place: its keys, from the top.

    """

    kind: str
    place: str


def odd(value: Any, place: str = "") -> Odd | None:
    """Return what in a checkpoint is neither a tensor nor plain data; None if all of it is."""
    if isinstance(value, torch.Tensor) or type(value) in PLAIN:
        return None
    if type(value) in (dict, OrderedDict, defaultdict):
        inside = [odd(each, f"{place}.{key}" if place else str(key)) for key, each in value.items()]
    elif type(value) in (list, tuple, set):
        inside = [odd(each, f"{place}[{i}]") for i, each in enumerate(value)]
    else:
        return Odd(type(value).__name__, place)
    return next(filter(None, inside), None)


def without_secrets(value: Any) -> Any:
    """Return part of a checkpoint with every string redacted; what has none is returned itself."""
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
    """Replaces a checkpoint atomically; loads tensors and plain data only.

    Lightning's own uses a temporary folder, which may be on another disk: the last step is then a
    copy, and a kill leaves a truncated file.
    """

    def __init__(self) -> None:
        self._checked = False

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write `checkpoint` to `path`.

        Of what `save_hyperparameters` noted plain data are kept: a run is rebuilt from its config.
        Secrets stay references, as in every file.

        Raises:
            UserError: the disk is full, and the previous checkpoint is intact; or something in it
                is neither a tensor nor plain data, so that it could not be loaded.

        """
        for name in HYPERPARAMETERS:
            if name in checkpoint:
                noted = dict(checkpoint[name])
                checkpoint[name] = {k: v for k, v in noted.items() if odd(v) is None}
        if not self._checked and (found := odd(checkpoint)) is not None:
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
        """Return a checkpoint's content, on the CPU; see `checkpoints.load` for its errors."""
        found = checkpoints.load(Path(path))
        with untrusted_files.understood(Path(path)):
            schema.fitting(dict[str, dict[str, Any]], found.get("callbacks", {}), "callbacks")
        return found

    def remove_checkpoint(self, path: Any) -> None:
        """Delete a checkpoint that a better one has replaced."""
        Path(path).unlink(missing_ok=True)
