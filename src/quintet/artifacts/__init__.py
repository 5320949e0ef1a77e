"""Reading and writing of a run's files: record, config, checkpoints, predictions."""

from typing import TYPE_CHECKING

from quintet.base.lazy import lazy

if TYPE_CHECKING:
    from quintet.artifacts.predictions_file import Predictions
    from quintet.artifacts.record import Record

__all__ = ["Predictions", "Record"]
__getattr__ = lazy(__name__, {"Predictions": "predictions_file", "Record": "record"})
