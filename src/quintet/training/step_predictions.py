"""Outputs of a LightningModule's `predict_step` as a table or a file of arrays."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, is_dataclass
from types import MethodType
from typing import Any

import lightning.pytorch as L
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.data.lightning_data import ExperimentData, each_loader
from quintet.training.randomness import seeded

Columns = dict[str, NDArray[Any]]
SEQUENCES = (list, Tensor, np.ndarray)
RAGGED = (
    "Pad them to one length, or return a list with a mapping for each sample, whose tensors have a "
    "row for each thing found in it."
)


@dataclass(frozen=True)
class StepPredictions:
    """Predictions with one row per sample, or one row per object in samples.

    Args:
        columns: arrays by name, each with M rows.
        counts: number of rows of each sample, (N,), with sum M; None if each has one row.

    """

    columns: Columns
    counts: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.counts if self.counts is not None else next(iter(self.columns.values())))

    def repeated(self, names: Sequence[Any]) -> list[Any]:
        """Return the sample name of each row."""
        if self.counts is None:
            return list(names)
        return [name for name, count in zip(names, self.counts, strict=True) for _ in range(count)]


class PlainLoader:
    """A loader that the Trainer does not rebuild.

    The Trainer rebuilds DataLoaders for predictions, which fails if their batch size was a
    positional argument, and it mistakes a list of batches for a list of loaders.

    Args:
        batches: an iterable that can be iterated repeatedly.

    """

    def __init__(self, batches: Iterable[Any]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[Any]:
        return iter(self.batches)


@dataclass(eq=False)
class Returned(L.Callback):
    """Collect the outputs of the steps for all loaders, in order."""

    batches: list[Any] = field(default_factory=list)

    def on_predict_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Append the outputs of a step."""
        self.batches.append(outputs)


def predicted(
    task: L.LightningModule,
    data: ExperimentData,
    loader: PlainLoader | None,
    batches: int | None = None,
) -> StepPredictions:
    """Return all predictions of `Trainer.predict`, with every hook of module and datamodule.

    Random numbers are the same each time.

    Args:
        task: module with a `predict_step`.
        data: data whose `predict_dataloader` returns the batches; several loaders are concatenated.
        loader: replaces `predict_dataloader`.
        batches: maximum number of batches; None: all.

    """
    returned = Returned()
    trainer = L.Trainer(
        callbacks=[returned],
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_predict_batches=batches,
        inference_mode=False,  # as in validation during training: a step may need gradients
    )
    quiet = warnings.catch_warnings(action="ignore")  # about few workers
    with quiet, _prepared(task, data.datamodule), _plain_loaders(data), seeded(0):
        given = {"datamodule": data.datamodule} if loader is None else {"dataloaders": loader}
        trainer.predict(task, return_predictions=False, **given)
    return together(returned.batches)


@contextmanager
def _prepared(task: L.LightningModule, datamodule: L.LightningDataModule) -> Iterator[None]:
    """Call `prepare_data` before the Trainer does, which then skips it.

    The Trainer would wait for the other processes of a training run, which do not predict.
    """
    own: list[tuple[Any, Any]] = [(task, L.LightningModule), (datamodule, L.LightningDataModule)]
    before = [owner.prepare_data for owner, _ in own]
    for prepare in before:
        prepare()
    for owner, base in own:
        owner.prepare_data = MethodType(base.prepare_data, owner)
    try:
        yield
    finally:
        for (owner, _), prepare in zip(own, before, strict=True):
            owner.prepare_data = prepare


@contextmanager
def _plain_loaders(data: ExperimentData) -> Iterator[None]:
    """Within the block, make `predict_dataloader` return loaders that are not rebuilt."""
    own = data.datamodule
    made = own.predict_dataloader
    plain = lambda: [PlainLoader(each) for each in each_loader(made())]  # noqa: E731
    own.predict_dataloader = plain  # type: ignore[method-assign]
    try:
        yield
    finally:
        own.predict_dataloader = made  # type: ignore[method-assign]


def together(returned: list[Any]) -> StepPredictions:
    """Return the outputs of all steps as one table.

    A step returns a tensor (N, ...), a tuple or mapping of these, or a list with an entry per
    sample (or a tuple of strings or numbers): a number, a string, a tensor, or a mapping of tensors
    with one row per detected object. Lists of a different length per sample, such as the tags of
    its words, are also treated as objects.

    Raises:
        UserError: an output has another type, or the batches do not match.

    """
    if not returned:
        raise UserError("There is nothing to predict", code=Code.DATA)
    if any(map(_ragged, returned)):
        returned = list(map(_by_sample, returned))
    if all(map(_of_objects, returned)):
        parts = [_of_object(_columns(sample)) for batch in returned for sample in batch]
        counts = np.asarray([_rows(part) for part in parts], dtype=np.int64)
        return StepPredictions(_joined(parts), counts)
    parts = [_columns(batch) for batch in returned]
    for part in parts:
        _rows(part)
    return StepPredictions(_joined(parts))


def _of_objects(returned: Any) -> bool:
    """Return whether the output is a mapping per sample, as of detectors."""
    return isinstance(returned, list) and all(isinstance(each, Mapping) for each in returned)


def _ragged(returned: Any) -> bool:
    """Return whether a list in the output has sequences of different lengths."""
    return any(
        isinstance(values, list)
        and len({len(each) for each in values if isinstance(each, SEQUENCES)}) > 1
        for values in _named(returned).values()
    )


def _by_sample(returned: Any) -> list[dict[str, Any]]:
    """Return the outputs of each sample of a batch by name.

    Raises:
        UserError: outputs do not belong to the same samples.

    """
    if _of_objects(returned):
        return list(returned)
    named = _named(returned)
    lengths = {len(each) if isinstance(each, SEQUENCES) else None for each in named.values()}
    if len(lengths) > 1:
        raise UserError(
            f"predict_step returns {', '.join(named)}, which do not belong to the same samples",
            code=Code.INCOMPATIBLE,
            hint="Each has to begin with the dimension of samples: (N, ...).",
        )
    return [dict(zip(named, each, strict=True)) for each in zip(*named.values(), strict=True)]


def _named(returned: Any) -> Mapping[str, Any]:
    """Return a mapping, dataclass or named tuple as a mapping; other types as predictions."""
    if is_dataclass(returned) and not isinstance(returned, type):
        return vars(returned)
    if isinstance(returned, tuple) and hasattr(returned, "_asdict"):
        return dict(returned._asdict())
    return returned if isinstance(returned, Mapping) else {"prediction": returned}


def _of_object(columns: Columns) -> Columns:
    """Return the columns of a sample; a single number is repeated for all rows."""
    rows = next((len(values) for values in columns.values() if values.ndim), 1)
    return {n: values if values.ndim else np.repeat(values, rows) for n, values in columns.items()}


def _columns(returned: Any, name: str = "") -> Columns:
    """Return the outputs of a step as arrays by name; nested names are joined by underscores.

    Raises:
        UserError: an output is not a tensor, a list, a tuple, or a mapping of these.

    """
    if is_dataclass(returned) and not isinstance(returned, type):
        returned = vars(returned)
    if type(returned) is tuple and all(isinstance(v, int | float | str) for v in returned):
        returned = list(returned)  # torch's default collate returns strings as a tuple
    if isinstance(returned, tuple):
        names = getattr(returned, "_fields", range(len(returned)))
        returned = dict(zip(names, returned, strict=True))
    if not isinstance(returned, Mapping):
        return {name or "prediction": _array(returned)}
    prefix = name or ("" if all(isinstance(key, str) for key in returned) else "prediction")
    found: Columns = {}
    for key, value in returned.items():
        found |= _columns(value, f"{prefix}_{key}" if prefix else str(key))
    return found


def _array(value: Any) -> NDArray[Any]:
    if isinstance(value, Tensor):
        whole = value.detach().cpu().to_dense()
        return np.asarray(whole.float() if whole.dtype == torch.bfloat16 else whole)
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, list):
        each = [_array(v) if isinstance(v, Tensor | list | np.ndarray) else v for v in value]
        shapes = {np.shape(v) for v in each}
        if len(shapes) > 1:
            raise UserError(
                f"predict_step returns a list of arrays of different shapes: {_shown(shapes)}",
                code=Code.INCOMPATIBLE,
                hint=RAGGED,
            )
        return np.asarray(each)
    if isinstance(value, int | float | str):
        return np.asarray(value)
    raise UserError(
        f"predict_step returns a {type(value).__name__}",
        code=Code.WRONG_TYPE,
        allowed=["a tensor", "a list", "a tuple or mapping of these"],
    )


def _rows(part: Columns) -> int:
    """Return the number of rows of all columns of a part.

    Raises:
        UserError: columns have different numbers of rows, or there are none.

    """
    lengths = {len(values) if values.ndim else None for values in part.values()}
    count = lengths.pop() if len(lengths) == 1 else None
    if count is not None:
        return count
    shown = ", ".join(f"{name} {list(values.shape)}" for name, values in part.items())
    raise UserError(
        f"predict_step returns arrays that do not belong to the same samples: {shown or 'none'}",
        code=Code.INCOMPATIBLE,
        hint="Each has to begin with the dimension of samples: (N, ...).",
    )


def _joined(parts: list[Columns]) -> Columns:
    """Concatenate the rows of all parts.

    Raises:
        UserError: parts have different names, or samples of different shapes.

    """
    names = list(parts[0])
    for part in parts:
        if {*part} != {*names}:
            raise UserError(
                f"predict_step returns other names after {', '.join(names)}: {', '.join(part)}",
                code=Code.INCOMPATIBLE,
            )
    found = {}
    for name in names:
        shapes = {part[name].shape[1:] for part in parts if len(part[name])}
        if len(shapes) > 1:
            raise UserError(
                f"predict_step returns {name} of samples of different shapes: {_shown(shapes)}",
                code=Code.INCOMPATIBLE,
                hint=RAGGED,
            )
        filled = [part[name] for part in parts if len(part[name])]
        found[name] = np.concatenate(filled or [parts[0][name]])  # empty lists have no dtype
    return found


def _shown(shapes: set[tuple[int, ...]]) -> str:
    return ", ".join(str(list(shape)) for shape in sorted(shapes)[:3])


def cells(columns: Columns) -> Columns:
    """Return predictions as the columns of a table, one per value of a sample.

    Raises:
        UserError: samples have more than one dimension.

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
