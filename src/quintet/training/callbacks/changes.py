"""What callbacks have changed of a run while it trained, as its record keeps it."""

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import lightning.pytorch as L


@runtime_checkable
class MakesChanges(Protocol):
    """A callback that changes hyperparameters while a model trains."""

    changes: list[dict[str, Any]]
    """What was changed, oldest first; see `steering_files.Change`."""


def changes_of(callbacks: Iterable[L.Callback]) -> list[dict[str, Any]]:
    """Return the changes that callbacks have made, callback by callback."""
    makers = (callback for callback in callbacks if isinstance(callback, MakesChanges))
    return [change for maker in makers for change in maker.changes]
