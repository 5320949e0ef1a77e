"""LightningModules: they combine model, loss, metric and optimizer into a training step."""

from typing import TYPE_CHECKING

from quintet.base.lazy import lazy

if TYPE_CHECKING:
    from quintet.modules.supervised import SupervisedModule

__all__ = ["SupervisedModule"]
__getattr__ = lazy(__name__, {"SupervisedModule": "supervised"})
