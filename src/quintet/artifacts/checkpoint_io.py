"""How Lightning writes and reads checkpoints: in one step, and never any code."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import CheckpointIO

from quintet.artifacts import checkpoints, untrusted_files
from quintet.base import schema
from quintet.base.files import replacing


class WholeCheckpointIO(CheckpointIO):
    """Replaces a checkpoint in one step; loads tensors and plain data only.

    Lightning's own goes through a temporary folder, which may be another disk: the last part is
    then a copy, and a kill leaves half a file.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write `checkpoint` to `path`.

        Raises:
            UserError: the disk is full; the previous checkpoint is whole.

        """
        with replacing(Path(path)) as temporary, temporary.open("wb") as file:
            torch.save(checkpoint, file)

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
