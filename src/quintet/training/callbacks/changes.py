"""Changes that callbacks made to hyperparameters during training, for the record."""

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import lightning.pytorch as L


@runtime_checkable
class MakesChanges(Protocol):
    """A callback that changes hyperparameters while a model trains."""

    changes: list[dict[str, Any]]
    """What was changed, oldest first; see `steering_files.Change`."""


def changes_of(callbacks: Iterable[L.Callback]) -> list[dict[str, Any]]:
    """Return the changes made by callbacks, grouped by callback."""
    makers = (callback for callback in callbacks if isinstance(callback, MakesChanges))
    return [change for maker in makers for change in maker.changes]
