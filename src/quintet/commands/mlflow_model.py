"""A trained run as an MLflow model, which `mlflow.pyfunc.load_model` loads without a pickle."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from quintet.base.errors import Code, UserError
from quintet.commands.prediction import averaged, check_shape, frame, models
from quintet.data.module import DataModule
from quintet.data.sources.reader import NewInput, read_new
from quintet.ensembles.reload import Trained

if TYPE_CHECKING:
    import pandas as pd

BATCH = 1024


@dataclass(frozen=True)
class RunModel:
    """What MLflow calls for predictions.

    Args:
        members: the run's model, or those of an ensemble with their weights.

    """

    members: Sequence[tuple[Trained, int]]

    def predict(self, inputs: Any, params: Mapping[str, Any] | None = None) -> "pd.DataFrame":
        """Return what predict.py would write: a row a sample.

        Args:
            inputs: a table as a pandas DataFrame with the columns of training, an array
                (N, *input_shape) before scaling, or the path of a file or folder.
            params: MLflow's, of which this model has none.

        Raises:
            UserError: the inputs do not have the run's features.

        """
        run = self.members[0][0]
        run.samples("A prediction for each sample")
        new = _read(inputs, cast(DataModule, run.data).reader)
        check_shape(new.x, run, "inputs")
        found = frame(averaged(self.members, new.x, BATCH), run)
        found.insert(0, "sample", new.names)
        return found


def _read(inputs: Any, reader: dict[str, Any]) -> NewInput:
    """Read inputs as predict.py reads their file."""
    import pandas as pd

    if isinstance(inputs, str | Path):
        return read_new(inputs, reader)
    with tempfile.TemporaryDirectory() as place:
        try:
            if isinstance(inputs, pd.DataFrame):
                file = Path(place) / "inputs.parquet"
                inputs.to_parquet(file)
            elif isinstance(inputs, np.ndarray):
                file = Path(place) / "inputs.npy"
                np.save(file, inputs, allow_pickle=False)
            else:
                raise _unreadable(inputs)
        except (ValueError, TypeError, NotImplementedError) as error:  # objects of any type
            raise _unreadable(inputs) from error
        return read_new(file, reader)


def _unreadable(inputs: object) -> UserError:
    return UserError(
        "cannot be read",
        code=Code.WRONG_TYPE,
        key="inputs",
        value=type(inputs).__name__,
        allowed=["a pandas DataFrame", "a numpy array", "the path of a file"],
        hint="Its cells must be numbers or text.",
    )


def _load_pyfunc(path: str) -> RunModel:
    """Return the model of a run folder; MLflow calls this function by its name."""
    return RunModel(models(Path(path)))
