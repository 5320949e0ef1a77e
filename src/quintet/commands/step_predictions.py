"""What a LightningModule's `predict_step` returns, as one table or one file of arrays."""

from collections.abc import Iterator, Mapping
from typing import Any

import lightning.pytorch as L
import numpy as np
import torch
from lightning.pytorch.utilities.model_helpers import is_overridden
from numpy.typing import NDArray
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.data.module import DataModule
from quintet.data.sources.reader import NewInput
from quintet.ensembles.reload import Trained

Columns = dict[str, NDArray[Any]]


def check(run: Trained, given: object) -> None:
    """Refuse a module that does not predict, and an input that nothing reads.

    Raises:
        UserError: says what is missing.

    """
    task, data = type(run.task).__name__, run.data.datamodule
    if not is_overridden("predict_step", run.task, L.LightningModule):
        raise UserError(
            f"module={task} has no predict_step, so it cannot predict",
            code=Code.INCOMPATIBLE,
            hint="Define predict_step(batch, batch_idx) in it.",
        )
    if isinstance(run.data, DataModule):
        return
    if given is not None:
        raise UserError(
            f"cannot be read: data={type(data).__name__} is a LightningDataModule, which says "
            "itself what is predicted, in predict_dataloader",
            code=Code.INCOMPATIBLE,
            key="input",
            value=given,
            hint="Leave input= out.",
        )
    if not is_overridden("predict_dataloader", data, L.LightningDataModule):
        raise UserError(
            f"data={type(data).__name__} has no predict_dataloader, so there is nothing to predict",
            code=Code.INCOMPATIBLE,
            hint="Define predict_dataloader in it.",
        )


@torch.inference_mode()
def predicted(run: Trained, new: NewInput | None, batch_size: int) -> Columns:
    """Return all predictions, (N, ...) by name.

    Args:
        run: loaded.
        new: inputs that were read, of which `predict_step` gets batches of scaled tensors; None
            takes the batches of the data's own `predict_dataloader`.
        batch_size: of inputs that were read.

    """
    parts = [_columns(run.task.predict_step(*step)) for step in _steps(run, new, batch_size)]
    if not parts:
        raise UserError("There is nothing to predict", code=Code.DATA)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _steps(run: Trained, new: NewInput | None, batch_size: int) -> Iterator[tuple[Any, int]]:
    if new is not None and isinstance(run.data, DataModule):
        batches: Any = torch.split(run.data.preprocess.transform(new.x), batch_size)
    else:
        data = run.data.datamodule
        data.prepare_data()
        data.setup("predict")
        batches = data.predict_dataloader()
    for i, batch in enumerate(batches):
        yield batch, i


def _columns(returned: Any) -> Columns:
    """Return what a step returned as arrays by name.

    Raises:
        UserError: it is none of a tensor, a list, or a mapping of these.

    """
    named = returned if isinstance(returned, Mapping) else {"prediction": returned}
    return {str(name): _array(value) for name, value in named.items()}


def _array(value: Any) -> NDArray[Any]:
    if isinstance(value, Tensor):
        return np.asarray(
            value.detach().cpu().float() if value.is_floating_point() else value.cpu()
        )
    if isinstance(value, list | tuple | np.ndarray):
        return np.asarray(value)
    raise UserError(
        f"predict_step returns a {type(value).__name__}",
        code=Code.WRONG_TYPE,
        allowed=["a tensor", "a list", "a mapping of these"],
    )


def cells(columns: Columns) -> dict[str, NDArray[Any]]:
    """Return predictions as the columns of a table: one for each number of a sample.

    Raises:
        UserError: samples of more than one dimension, which are no rows.

    """
    found: Columns = {}
    for name, values in columns.items():
        if values.ndim > 2:
            raise UserError(
                f"Predictions of shape {values.shape[1:]} do not fit the rows of a CSV",
                code=Code.INCOMPATIBLE,
                hint="Write them as arrays, with output=predictions.npz.",
            )
        if values.ndim == 2:
            found |= {f"{name}_{i}": values[:, i] for i in range(values.shape[1])}
        else:
            found[name] = values
    return found
