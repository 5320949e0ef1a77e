"""Loading the weights of a checkpoint into a module with all of Lightning's hooks."""

from typing import Any

import lightning.pytorch as L

from quintet.base.errors import Code, UserError
from quintet.base.formatting import listed

SHOWN = 3
"""Maximum number of names in a message."""


def restore(task: L.LightningModule, state: dict[str, Any], source: object) -> None:
    """Load the weights of a checkpoint as `Trainer.validate(ckpt_path=...)` does.

    `configure_model` first creates the layers, `on_load_checkpoint` may change what is loaded, and
    `strict_loading` determines whether all weights must be present.

    Args:
        task: module; changed in place.
        state: content of a checkpoint from train.py, with `state_dict`.
        source: origin of the state, for messages.

    Raises:
        UserError: the checkpoint is that of another model.

    """
    task.configure_model()
    task.on_load_checkpoint(state)
    weights, own = state["state_dict"], task.state_dict()
    missing, unknown = sorted(own.keys() - weights.keys()), sorted(weights.keys() - own.keys())
    other = [name for name in own if name in weights and own[name].shape != weights[name].shape]
    found = {"other shape": other}
    if task.strict_loading:
        found = {"missing": missing, "unknown": unknown} | found
    if problems := [f"{what}: {_some(names)}" for what, names in found.items() if names]:
        raise UserError(
            f"{source} is a checkpoint of another model ({'; '.join(problems)})",
            code=Code.INCOMPATIBLE,
            hint="Use the checkpoint that belongs to this run folder's config. A module makes its "
            "layers in its constructor or in configure_model.",
        )
    task.load_state_dict(weights, strict=task.strict_loading)


def _some(names: list[str]) -> str:
    return f"{listed(names[:SHOWN])}{' ...' if len(names) > SHOWN else ''}"
