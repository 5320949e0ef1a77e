"""Changes of hyperparameters by callbacks during training, for the record."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Protocol, runtime_checkable

import lightning.pytorch as L

from quintet.artifacts.steering_files import Change, now
from quintet.base import schema


@runtime_checkable
class MakesChanges(Protocol):
    """A callback that changes hyperparameters during training."""

    changes: list[dict[str, Any]]
    """The changes so far, the oldest first; see `steering_files.Change`."""


def change(
    trainer: L.Trainer,
    key: str,
    before: float | bool | None,
    after: float | bool | str,
    refused: str = "",
    *,
    by: str = "",
    asked: str | None = None,
) -> dict[str, Any]:
    """Return the record of a change at the current step; see `steering_files.Change`."""
    time, at = now(), (trainer.current_epoch, trainer.global_step)
    return asdict(Change(asked or time, time, *at, key, before, after, refused, by))


def restored(changes: Any) -> list[dict[str, Any]]:
    """Return the changes that a checkpoint holds.

    Raises:
        ValueError: they are none.

    """
    found = schema.fitting(list[Change], changes, "changes")
    return [asdict(each) for each in found]


def changes_of(callbacks: Iterable[L.Callback]) -> list[dict[str, Any]]:
    """Return the changes made by callbacks, grouped by callback."""
    makers = (callback for callback in callbacks if isinstance(callback, MakesChanges))
    return [change for maker in makers for change in maker.changes]
