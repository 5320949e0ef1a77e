"""All private parts of Lightning that are used or overridden.

That is its call of every hook of every callback in every step, even the empty ones, its launcher of
several processes, its reading of what `configure_optimizers` returns, its training loaders and the
fetcher of their batches, its search for the callbacks of other packages, its restoring of a
checkpoint's states and what it puts into one. Two attributes are used where they belong:
`_current_fx_name` of the LightningModule in `quintet.modules.supervised`, `_average_model` of
WeightAveraging in `callbacks.swa`.
tests/quintet/training/test_lightning_patches.py says which of them an upgrade has changed.
"""

import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import lightning.pytorch as L
from lightning.fabric.utilities import registry
from torch.utils.data import DataLoader

from quintet.artifacts import untrusted_files

Owner = TypeVar("Owner", bound=L.Callback | L.LightningModule)

EACH_STEP = (
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_train_batch_end",
)


RESTORES = ("_restore_modules_and_callbacks", "restore_training_state")


def without_empty_hooks(owner: Owner) -> Owner:
    """Hide the hooks of a training step that `owner` inherits and does not override.

    Lightning passes over a hook that is not callable. A call of an empty one costs some two
    microseconds, six times a step for every callback: together a twentieth of a small model's step.
    """
    base = L.Callback if isinstance(owner, L.Callback) else L.LightningModule
    for name in EACH_STEP:
        if name not in vars(owner) and getattr(type(owner), name) is getattr(base, name):
            setattr(owner, name, None)
    return owner


def find_plugins_once() -> None:
    """Look for the callbacks that installed packages register once, not for every Trainer.

    Lightning reads the metadata of all packages for it, as long as a small model's epoch takes.
    """
    names = vars(registry)
    if not hasattr(names["entry_points"], "cache_info"):
        names["entry_points"] = cache(names["entry_points"])


def name_checkpoint(trainer: L.Trainer, path: Path) -> None:
    """Make a state in a checkpoint that cannot be restored an error which names the file.

    Whoever restores one, a callback, a loop or an optimizer, takes for granted what it saved.
    """
    connector = trainer._checkpoint_connector
    for name in RESTORES:
        setattr(connector, name, untrusted_files.understood(path)(getattr(connector, name)))


def checkpoint_of(trainer: Any) -> dict[str, Any]:
    """Return the checkpoint that a Trainer would save now, or whatever stands in for one."""
    from lightning.pytorch.trainer.connectors.checkpoint_connector import _CheckpointConnector

    return _CheckpointConnector(trainer).dump_checkpoint(weights_only=False)


def begin_batches_again(trainer: L.Trainer) -> None:
    """Restart iteration over the training DataLoaders; call it at the start of an epoch.

    Lightning iterates before the first epoch of a session and in all others after their start. A
    loader with a state or a generator of its own does not draw from the seed, and is left alone.
    """
    fetcher = trainer.fit_loop._data_fetcher
    if fetcher is None:
        return
    loaders = fetcher.combined_loader.flattened
    draws = all(isinstance(each, DataLoader) and each.generator is None for each in loaders)
    if draws and not any(isinstance(each, StatefulLoader) for each in loaders):
        iter(fetcher)


@runtime_checkable
class StatefulLoader(Protocol):
    """A loader whose position can be saved, such as torchdata's StatefulDataLoader."""

    def state_dict(self) -> dict[str, Any]:
        """Return the position."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a position."""


def training_loaders(trainer: L.Trainer) -> list[Any]:
    """Return the training loaders in use."""
    found = trainer.fit_loop._combined_loader
    return [] if found is None else list(found.flattened)


def optimizers_and_schedules(made: Any) -> tuple[list[Any], list[Any]]:
    """Return optimizers, and schedules or their entries, of any form `configure_optimizers` has.

    A `monitor` beside them is put into the entries, as Lightning does.
    """
    from lightning.pytorch.core.optimizer import _configure_optimizers

    optimizers, schedules, monitor = _configure_optimizers(made)
    if monitor is None:
        return list(optimizers), list(schedules)
    entries = [each if isinstance(each, dict) else {"scheduler": each} for each in schedules]
    return list(optimizers), [{"monitor": monitor, **entry} for entry in entries]


def replace_launcher(
    observe: "Callable[[list[subprocess.Popen[Any]]], None]",
    command_of: Callable[[int], tuple[list[str], str]],
) -> None:
    """Replace the observer of the other ranks' processes, and the command that starts one."""
    from lightning.pytorch.strategies.launchers import subprocess_script

    subprocess_script._launch_process_observer = observe  # type: ignore[attr-defined,assignment]
    subprocess_script._hydra_subprocess_cmd = command_of  # type: ignore[attr-defined,assignment]


def launch_command(rank: int) -> tuple[list[str], str]:
    """Return Lightning's own command that starts a rank of a Hydra job, and its folder."""
    from lightning.fabric.strategies.launchers import subprocess_script

    command, folder = subprocess_script._hydra_subprocess_cmd(rank)
    return list(command), folder
