"""Several models as one: cross-validation, ensembles of sweeps, loading trained models."""

from typing import TYPE_CHECKING

from quintet.base.lazy import lazy

if TYPE_CHECKING:
    from quintet.ensembles.reload import Trained, trained

__all__ = ["Trained", "trained"]
__getattr__ = lazy(__name__, {"Trained": "reload", "trained": "reload"})
