"""A module and data for which every sample's prediction and target are known."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quintet.base.errors import Code, UserError
from quintet.data.module import DataModule
from quintet.modules.supervised import SupervisedModule

if TYPE_CHECKING:
    from quintet.data.lightning_data import ExperimentData


@dataclass(frozen=True)
class SamplePredictor:
    """A supervised module on a source of samples.

    Baselines, `predictions.npz`, the predictions in a report, predict.py on a file and ensembles
    need one.
    """

    task: SupervisedModule
    data: DataModule


def sample_predictor(task: Any, data: "ExperimentData") -> SamplePredictor | None:
    """Return both as a sample predictor if they form one, else None."""
    if isinstance(task, SupervisedModule) and isinstance(data, DataModule):
        return SamplePredictor(task, data)
    return None


def needed(task: Any, data: "ExperimentData", what: str) -> SamplePredictor:
    """Return both as the sample predictor that `what` needs.

    Raises:
        UserError: says what is missing.

    """
    if (found := sample_predictor(task, data)) is None:
        raise UserError(f"{what} is not possible: {missing(task, data)}", code=Code.INCOMPATIBLE)
    return found


def missing(task: Any, data: "ExperimentData") -> str:
    """Return why the two do not form a sample predictor."""
    if not isinstance(task, SupervisedModule):
        return (
            f"{type(task).__name__} is not a supervised module, so what it predicts for a sample "
            "is not known"
        )
    name = type(data.datamodule).__name__
    return f"{name} is not a source of samples, so its batches do not say which sample is where"
