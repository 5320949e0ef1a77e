"""What MLflow calls for predictions refuses inputs that are neither numbers nor text."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quintet.base.errors import Code, UserError
from quintet.commands.mlflow_model import RunModel
from quintet.commands.prediction import models


@pytest.mark.parametrize(
    "inputs",
    [
        np.full((2, 1, 8, 8), object()),
        pd.DataFrame({"a": [object()]}),
        {"a": [1.0]},
        [[1.0]],
    ],
)
def test_objects_are_refused(digits_run: Path, inputs: object) -> None:
    with pytest.raises(UserError) as caught:
        RunModel(models(digits_run)).predict(inputs)
    assert (caught.value.code, caught.value.key) == (Code.WRONG_TYPE, "inputs")
