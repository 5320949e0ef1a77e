"""Predict new inputs with a trained run."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from omegaconf import DictConfig
from torch import Tensor

from quintet.artifacts import csv_cells, untrusted_files
from quintet.artifacts.output_paths import begins, check
from quintet.artifacts.record import ENSEMBLE
from quintet.base import console
from quintet.base.errors import Code, UserError
from quintet.base.files import write_atomically
from quintet.config.trust import Trust
from quintet.data.reader import read_new
from quintet.ensembles.members import members
from quintet.ensembles.reload import Trained, trained

if TYPE_CHECKING:
    import pandas as pd


def predict(cfg: DictConfig) -> Path:
    """Predict the inputs of `cfg.input` and write a CSV with one row a sample.

    Raises:
        UserError: the run cannot be rebuilt, the input does not have the run's features, or the
            output is a file that this command has not written.

    """
    console.quiet(cfg.debug)
    if not str(cfg.output).endswith(".csv"):
        raise UserError(
            "is not a CSV file",
            key="output",
            value=cfg.output,
            hint="Give a name that ends in .csv.",
        )
    output = Path(cfg.output)
    check(output, {"input": cfg.input}, lambda path: begins(path, "sample,"), overwrite=True)
    if cfg.batch_size < 1:
        raise UserError(
            "holds no sample",
            code=Code.OUT_OF_RANGE,
            key="batch_size",
            value=cfg.batch_size,
            allowed=["whole numbers from 1"],
        )
    runs = models(Path(cfg.run), cfg.checkpoint, Trust.of(cfg.get("trust")))
    run = runs[0][0]
    with untrusted_files.understood(Path(cfg.run)):  # which says how inputs are read
        new = read_new(cfg.input, run.data.reader, cfg.get("data"))
    _check_shape(new.x, run, cfg.input)
    for sentence in new.remarks:
        console.say("{}", sentence)
    total = sum(count for _, count in runs)
    shares = (predicted(r, new.x, cfg.batch_size) * (count / total) for r, count in runs)
    values = torch.stack(list(shares)).sum(0)
    frame = _frame(values, run)
    frame.insert(0, "sample", new.names)
    text = csv_cells.of_frame(frame)
    titles = text.partition("\n")[0] + "\n"
    given = {"input": cfg.input, "run": cfg.run}
    check(output, given, lambda path: begins(path, titles), overwrite=bool(cfg.get("overwrite")))
    write_atomically(output, text)
    console.say("{} predictions → [bold]{}[/]", len(frame), console.shortest(output))
    return output


def models(folder: Path, checkpoint: str, trust: Trust) -> list[tuple[Trained, int]]:
    """Return the model of a run folder, or those of an ensemble with their weights."""
    if untrusted_files.has(folder, ENSEMBLE):
        return list(members(folder, checkpoint, trust))
    return [(trained(folder, checkpoint, trust), 1)]


def _check_shape(x: Tensor, run: Trained, source: str) -> None:
    given, allowed = list(x.shape[1:]), list(run.cfg.facts.input_shape)
    if given != allowed:
        raise UserError(
            f"has samples of shape {given}, the run was trained on {allowed}",
            code=Code.INCOMPATIBLE,
            key="input",
            value=source,
            hint="Give data with the same features, or use the run that was trained on such data.",
        )


@torch.inference_mode()
def predicted(run: Trained, x: Tensor, batch_size: int) -> Tensor:
    """Return the predictions for raw inputs x (N, ...), as `predictions` describes them."""
    batches = torch.split(run.data.preprocess.transform(x), batch_size)
    return torch.cat([run.task.predictions(run.task(batch)) for batch in batches])


def _frame(values: Tensor, run: Trained) -> "pd.DataFrame":
    """Return a table: the predicted class and all probabilities, or the predicted values."""
    import pandas as pd

    facts = run.cfg.facts
    names = [str(name) for name in facts.class_names]
    if facts.task == "regression":
        return pd.DataFrame(values.numpy(), columns=names or _numbered("target", values))
    if facts.task == "binary":
        values = torch.stack([1 - values, values], dim=1)
    names = names or _numbered("class", values)
    frame = pd.DataFrame(values.numpy(), columns=[f"p({name})" for name in names])
    if facts.task == "multilabel":
        labels = [
            ";".join(n for n, p in zip(names, row, strict=True) if p >= 0.5) for row in values
        ]
    else:
        labels = [names[i] for i in values.argmax(1)]
    frame.insert(0, "prediction", labels)
    return frame


def _numbered(stem: str, values: Tensor) -> list[str]:
    return [f"{stem}_{i}" for i in range(values.shape[1])]
