"""Example predictions of a finished module for the run's report: `samples.npz`.

The report of a supervised run compares predictions with targets. The outputs of a language model,
generator or autoencoder have no target, so they are inspected by eye.
"""

from pathlib import Path

import lightning.pytorch as L
import numpy as np
from lightning.pytorch.utilities.model_helpers import is_overridden

from quintet.artifacts.samples_file import FILE, SHOWN, fitting
from quintet.base.files import replacing
from quintet.data.lightning_data import ExperimentData
from quintet.data.module import DataModule
from quintet.training.step_predictions import PlainLoader, predicted


def save_samples(task: L.LightningModule, data: ExperimentData, folder: Path) -> None:
    """Write the outputs of `predict_step` for the first inputs, if the module has one.

    The inputs are validation samples of a source, or the first batch of a LightningDataModule's
    `predict_dataloader`.
    """
    if not is_overridden("predict_step", task, L.LightningModule):
        return
    loader = None
    if isinstance(data, DataModule):
        if data.rows is not None:
            return
        loader = PlainLoader([data.splits["val"][0][:SHOWN].cpu()])
    elif not is_overridden("predict_dataloader", data.datamodule, L.LightningDataModule):
        return
    found = predicted(task, data, loader, batches=1)
    shown = {name: values[:SHOWN] for name, values in found.columns.items()}
    shown = {name: values for name, values in shown.items() if fitting(values)}
    if shown and len(next(iter(shown.values()))):
        with replacing(folder / FILE) as temporary, temporary.open("wb") as file:
            np.savez(file, **shown)  # type: ignore[arg-type]
