"""Predict new inputs with a trained run."""

from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, cast

import lightning.pytorch as L
import numpy as np
import torch
from lightning.pytorch.utilities.model_helpers import is_overridden
from omegaconf import DictConfig
from torch import Tensor

from quintet.artifacts import csv_cells, untrusted_files
from quintet.artifacts.ensemble_record import Ensemble
from quintet.artifacts.output_paths import begins, check
from quintet.artifacts.record import ENSEMBLE
from quintet.base import console
from quintet.base.errors import Code, UserError
from quintet.base.files import replacing, write_atomically
from quintet.commands import mask_files
from quintet.config.trust import NOTHING, Trust
from quintet.data.module import SPLITS, DataModule, SplitName
from quintet.data.sources.reader import NewInput, read_new
from quintet.ensembles.members import members
from quintet.ensembles.reload import Trained, trained
from quintet.modules.sample_predictor import missing, sample_predictor
from quintet.problems import problem_of
from quintet.training import step_predictions

if TYPE_CHECKING:
    import pandas as pd


def predict(cfg: DictConfig) -> Path:
    """Predict the inputs of `cfg.input` and write a CSV with one row a sample, or an npz.

    Raises:
        UserError: the run cannot be rebuilt, the input does not have the run's features, or the
            output is a file that this command has not written.

    """
    console.quiet(cfg.debug)
    output = Path(cfg.output)
    _check_settings(cfg, output)
    runs = models(Path(cfg.run), cfg.checkpoint, Trust.of(cfg.get("trust")))
    run = runs[0][0]
    if sample_predictor(run.task, run.data) is None:
        _refuse_several(cfg, runs)
        if not output.suffix:
            raise UserError(
                "is a folder",
                code=Code.INCOMPATIBLE,
                key="output",
                value=cfg.output,
                allowed=["*.csv", "*.npz"],
            )
        return _of_steps(cfg, run, output)
    dense = problem_of(run.cfg.facts.task).dense
    if output.suffix != ".csv" and not dense:
        raise UserError(
            "is not a CSV file",
            code=Code.INCOMPATIBLE,
            key="output",
            value=cfg.output,
            allowed=["*.csv"],
        )
    new = _read(cfg, run)
    values = averaged(runs, new.x, cfg.batch_size)
    if dense and output.suffix != ".csv":
        with untrusted_files.understood(Path(cfg.run)):  # it records the values of the masks
            masks = mask_files.masks(values, new, cast(DataModule, run.data).reader)
        return mask_files.write(cfg, new.names, masks, output)
    table = frame(values, run)
    table.insert(0, "sample", new.names)
    return _write(cfg, table, output)


def _refuse_several(cfg: DictConfig, runs: list[tuple[Trained, int]]) -> None:
    if len(runs) > 1:
        first = next(iter(Ensemble.read(Path(cfg.run)).members))
        raise UserError(
            f"contains {len(runs)} models, whose predictions cannot be averaged: "
            + missing(runs[0][0].task, runs[0][0].data),
            code=Code.INCOMPATIBLE,
            key="run",
            value=cfg.run,
            hint=f"Give one of them: run={console.typed(Path(cfg.run) / first)}.",
        )


def _check_settings(cfg: DictConfig, output: Path) -> None:
    if output.suffix not in (".csv", ".npz", ""):
        raise UserError(
            "is neither a CSV file, an npz of arrays, nor a folder",
            code=Code.OUT_OF_RANGE,
            key="output",
            value=cfg.output,
            hint="Give a name that ends in .csv or .npz; for masks a folder, without an ending.",
        )
    if output.suffix == ".csv":
        check(output, {"input": cfg.input}, lambda path: begins(path, "sample,"), overwrite=True)
    check_batch_size(cfg.batch_size)


def check_batch_size(given: object) -> None:
    """Check the number of samples that are predicted at once.

    Raises:
        UserError: it is not an integer of at least 1.

    """
    if isinstance(given, bool) or not isinstance(given, Integral) or given < 1:
        raise UserError(
            "holds no samples",
            code=Code.OUT_OF_RANGE,
            key="batch_size",
            value=given,
            allowed=["integers of at least 1"],
        )


def _read(cfg: DictConfig, run: Trained) -> NewInput:
    if cfg.input is None:
        raise UserError(
            "has no value, and one is required here",
            code=Code.MISSING_VALUE,
            key="input",
            hint="Give input=<file or folder>, with the features of the training data.",
        )
    if cfg.input in SPLITS and not Path(cfg.input).exists():
        return _part(run, cfg.input)
    with untrusted_files.understood(Path(cfg.run)):  # it records how inputs are read
        new = read_new(cfg.input, cast(DataModule, run.data).reader, cfg.get("data"))
    check_shape(new.x, run, cfg.input)
    for sentence in new.remarks:
        console.say("{}", sentence)
    return new


def _part(run: Trained, split: SplitName) -> NewInput:
    """Return a part of the data that the run was made of, its samples named by their rows."""
    run.load()
    data = cast(DataModule, run.data)
    if not len(rows := data.indices[split]):
        raise UserError(
            "has no samples in this run",
            code=Code.OUT_OF_RANGE,
            key="input",
            value=split,
            allowed=[name for name in SPLITS if len(data.indices[name])],
        )
    return NewInput(
        data.inputs(split, torch.arange(len(rows))), [str(i + 1) for i in rows.tolist()]
    )


def _of_steps(cfg: DictConfig, run: Trained, output: Path) -> Path:
    """Write the results of the module's own `predict_step`."""
    import pandas as pd

    _check_steps(run, cfg.input)
    new = _read(cfg, run) if isinstance(run.data, DataModule) else None
    loader = None
    if new is not None and isinstance(run.data, DataModule):
        x = run.data.preprocess.transform(new.x)
        loader = step_predictions.PlainLoader(torch.split(x, cfg.batch_size))
    found = step_predictions.predicted(run.task, run.data, loader)
    count = len(found)
    names = new.names if new is not None and len(new.names) == count else [*range(1, count + 1)]
    samples = found.repeated(names)
    if output.suffix == ".csv":
        table = {"sample": samples} | step_predictions.cells(found.columns)
        return _write(cfg, pd.DataFrame(table), output)
    given = {"input": cfg.input, "run": cfg.run}
    check(output, given, lambda path: False, overwrite=bool(cfg.get("overwrite")))
    with replacing(output) as temporary, temporary.open("wb") as file:
        np.savez(file, **{"sample": np.asarray(samples)} | found.columns)  # type: ignore[arg-type]
    console.say("{} predictions → [bold]{}[/]", count, console.shortest(output))
    return output


def _check_steps(run: Trained, given: object) -> None:
    """Reject a module that does not predict, and an input that nothing reads.

    Raises:
        UserError: says what is missing.

    """
    task, data = type(run.task).__name__, run.data.datamodule
    if not is_overridden("predict_step", run.task, L.LightningModule):
        raise UserError(
            "has no predict_step, so it cannot predict",
            code=Code.INCOMPATIBLE,
            key="module",
            value=task,
            hint="Define predict_step(batch, batch_idx) in it.",
        )
    if isinstance(run.data, DataModule):
        return
    if given is not None:
        raise UserError(
            f"cannot be read: data={type(data).__name__} is a LightningDataModule, which defines "
            "itself what is predicted, in predict_dataloader",
            code=Code.INCOMPATIBLE,
            key="input",
            value=given,
            hint="Leave input= out.",
        )
    if not is_overridden("predict_dataloader", data, L.LightningDataModule):
        raise UserError(
            "has no predict_dataloader, so there is nothing to predict",
            code=Code.INCOMPATIBLE,
            key="data",
            value=type(data).__name__,
            hint="Define predict_dataloader in it.",
        )


def _write(cfg: DictConfig, frame: "pd.DataFrame", output: Path) -> Path:
    text = csv_cells.of_frame(frame)
    titles = text.partition("\n")[0] + "\n"
    given = {"input": cfg.input, "run": cfg.run}
    check(output, given, lambda path: begins(path, titles), overwrite=bool(cfg.get("overwrite")))
    write_atomically(output, text)
    console.say("{} predictions → [bold]{}[/]", len(frame), console.shortest(output))
    return output


def models(
    folder: Path, checkpoint: str = "best", trust: Trust = NOTHING
) -> list[tuple[Trained, int]]:
    """Return the model of a run folder, or those of an ensemble with their weights."""
    if untrusted_files.has(folder, ENSEMBLE):
        return list(members(folder, checkpoint, trust))
    return [(trained(folder, checkpoint, trust), 1)]


def check_shape(x: Tensor, run: Trained, source: str) -> None:
    """Check that raw inputs x (N, ...) have the features of the training data.

    Raises:
        UserError: they have others.

    """
    given, allowed = list(x.shape[1:]), list(run.cfg.facts.input_shape)
    if given != allowed:
        raise UserError(
            f"has samples of shape {given}, but the run was trained on {allowed}",
            code=Code.INCOMPATIBLE,
            key="input",
            value=source,
            hint="Give data with the same features, or use the run that was trained on such data.",
        )


def averaged(runs: Sequence[tuple[Trained, int]], x: Tensor, batch_size: int) -> Tensor:
    """Return the predictions for raw inputs x (N, ...), the weighted mean of all models'."""
    total = sum(count for _, count in runs)
    shares = [predicted(run, x, batch_size) * (count / total) for run, count in runs]
    return torch.stack(shares).sum(0)


@torch.no_grad()
def predicted(run: Trained, x: Tensor, batch_size: int) -> Tensor:
    """Return the predictions for raw inputs x (N, ...), as `predictions` describes them."""
    found = run.samples("A prediction for each sample")
    batches = torch.split(found.data.preprocess.transform(x), batch_size)
    return torch.cat([found.task.predictions(found.task(batch)) for batch in batches])


def frame(values: Tensor, run: Trained) -> "pd.DataFrame":
    """Return a table of predictions: the class and all probabilities, or the values."""
    import pandas as pd

    facts = run.cfg.facts
    names = [str(name) for name in facts.class_names]
    return pd.DataFrame(problem_of(facts.task).table(values.numpy(), names))
