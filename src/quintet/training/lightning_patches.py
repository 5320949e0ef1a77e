"""All private parts of Lightning that are used or overridden.

These are: calls of hooks, including empty ones, in every step; the launcher of multiple processes;
parsing of the return value of `configure_optimizers`; the training loaders and their data fetcher;
the search for callbacks of other packages; restoring and dumping of checkpoints. Two attributes are
used elsewhere: `_current_fx_name` of LightningModule in `quintet.modules.supervised`,
`_average_model` of WeightAveraging in `callbacks.swa`.
tests/quintet/training/test_lightning_patches.py fails if an upgrade has changed one of them.
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
    """Hide the hooks of a training step that `owner` does not override.

    Lightning skips a hook that is not callable. A call of an empty one takes about two
    microseconds, six times per step and callback: in total a twentieth of a small model's step.
    """
    base = L.Callback if isinstance(owner, L.Callback) else L.LightningModule
    for name in EACH_STEP:
        if name not in vars(owner) and getattr(type(owner), name) is getattr(base, name):
            setattr(owner, name, None)
    return owner


def find_plugins_once() -> None:
    """Search for callbacks registered by installed packages once, not for every Trainer.

    Lightning reads the metadata of all packages for this, which takes as long as an epoch of a
    small model.
    """
    names = vars(registry)
    if not hasattr(names["entry_points"], "cache_info"):
        names["entry_points"] = cache(names["entry_points"])


def name_checkpoint(trainer: L.Trainer, path: Path) -> None:
    """Convert errors on restoring a state in a checkpoint to one that names the file.

    Callbacks, loops and optimizers do not validate the states that they restore.
    """
    connector = trainer._checkpoint_connector
    for name in RESTORES:
        setattr(connector, name, untrusted_files.understood(path)(getattr(connector, name)))


def checkpoint_of(trainer: Any) -> dict[str, Any]:
    """Return the checkpoint that a Trainer, or a stand-in for one, would save now."""
    from lightning.pytorch.trainer.connectors.checkpoint_connector import _CheckpointConnector

    return _CheckpointConnector(trainer).dump_checkpoint(weights_only=False)


def restart_batches(trainer: L.Trainer) -> None:
    """Restart iteration over the training DataLoaders at the start of an epoch.

    Lightning starts iterating before the first epoch of a session, but after the start of all
    others. A loader with its own state or generator does not depend on the seed, and is skipped.
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
        """Restore a position."""


def training_loaders(trainer: L.Trainer) -> list[Any]:
    """Return the training loaders in use."""
    found = trainer.fit_loop._combined_loader
    return [] if found is None else list(found.flattened)


def optimizers_and_schedules(made: Any) -> tuple[list[Any], list[Any]]:
    """Return optimizers, and schedules or their entries, from any form of `configure_optimizers`.

    A top-level `monitor` is added to the entries, as in Lightning.
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
    """Replace the observer of the other ranks' processes and the command that starts one."""
    from lightning.pytorch.strategies.launchers import subprocess_script

    subprocess_script._launch_process_observer = observe  # type: ignore[attr-defined,assignment]
    subprocess_script._hydra_subprocess_cmd = command_of  # type: ignore[attr-defined,assignment]


def launch_command(rank: int) -> tuple[list[str], str]:
    """Return Lightning's command that starts a rank of a Hydra job, and its working directory."""
    from lightning.fabric.strategies.launchers import subprocess_script

    command, folder = subprocess_script._hydra_subprocess_cmd(rank)
    return list(command), folder
