"""Sweeps: from a space of hyperparameters to the best model, with no work lost on the way.

`from quintet.sweep import Study` reads a sweep folder: `Study.read(folder).frame()`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quintet.sweep.study import Study

__all__ = ["Study"]


def __getattr__(name: str) -> Any:
    """Load `Study` when it is asked for: its module brings much along."""
    if name == "Study":
        from quintet.sweep.study import Study

        return Study
    raise AttributeError(name)
