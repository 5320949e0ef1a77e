"""A few samples of what a finished module predicts, for the run's page: `samples.npz`.

A supervised run shows predictions beside their targets. What a language model writes, a generator
draws or an autoencoder restores has no target; it is looked at.
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
    """Write what `predict_step` returns of the first inputs, where there is one.

    Of a source these are validation inputs, of a LightningDataModule the first batch of its
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
