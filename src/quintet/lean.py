"""Import torchmetrics without half a CPU second of scipy that a run does not need."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

NAME = "scipy.signal"


class Later(ModuleType):
    """Stands in for `scipy.signal` until one of its names is asked for."""

    hamming = None
    """All that torchmetrics looks at: it lends this name to a package for sound quality."""

    def __getattr__(self, name: str) -> Any:
        """Return a name of the real module; who scans all modules for `__file__` wants none."""
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        if sys.modules.get(NAME) is self:
            del sys.modules[NAME]
        return getattr(import_module(NAME), name)


def import_torchmetrics() -> None:
    """Import torchmetrics, which Lightning would otherwise import with scipy.signal and its kin."""
    if "torchmetrics" in sys.modules or NAME in sys.modules:
        return
    sys.modules[NAME] = stand_in = Later(NAME)
    try:
        import torchmetrics  # noqa: F401
    finally:
        if sys.modules.get(NAME) is stand_in:
            del sys.modules[NAME]
