"""Several models as one: cross-validation, a sweep's ensemble, a trained model read back."""

from typing import TYPE_CHECKING

from quintet.base.lazy import lazy

if TYPE_CHECKING:
    from quintet.ensembles.reload import Trained, trained

__all__ = ["Trained", "trained"]
__getattr__ = lazy(__name__, {"Trained": "reload", "trained": "reload"})
