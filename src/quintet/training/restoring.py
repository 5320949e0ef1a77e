"""Loading of a checkpoint's weights into a module, with all of Lightning's hooks for it."""

from pathlib import Path
from typing import Any

import lightning.pytorch as L

from quintet.artifacts.untrusted_files import understood
from quintet.base.errors import Code, UserError
from quintet.base.formatting import listed

SHOWN = 3
"""Maximum number of names in one sentence."""


def restore(task: L.LightningModule, state: dict[str, Any], path: Path) -> None:
    """Load a checkpoint's weights as `Trainer.validate(ckpt_path=...)` does.

    `configure_model` first creates its layers, `on_load_checkpoint` may change what is loaded, and
    `strict_loading` says whether all of it has to be there.

    Args:
        task: changed in place.
        state: of a checkpoint that train.py wrote, with `state_dict`.
        path: of the checkpoint, for messages.

    Raises:
        UserError: it belongs to another model, or the module cannot use its contents.

    """
    task.configure_model()
    with understood(path):
        task.on_load_checkpoint(state)
    weights, own = state["state_dict"], task.state_dict()
    missing, unknown = sorted(own.keys() - weights.keys()), sorted(weights.keys() - own.keys())
    other = [name for name in own if name in weights and own[name].shape != weights[name].shape]
    found = {"other shape": other}
    if task.strict_loading:
        found = {"missing": missing, "unknown": unknown} | found
    if problems := [f"{what}: {_some(names)}" for what, names in found.items() if names]:
        raise UserError(
            f"{path} is a checkpoint of another model ({'; '.join(problems)})",
            code=Code.INCOMPATIBLE,
            hint="Use the checkpoint that belongs to this run folder's config. A module creates "
            "its layers in its constructor or in configure_model.",
        )
    task.load_state_dict(weights, strict=task.strict_loading)


def _some(names: list[str]) -> str:
    return f"{listed(names[:SHOWN])}{' ...' if len(names) > SHOWN else ''}"
