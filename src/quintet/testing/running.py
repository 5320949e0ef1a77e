"""Runs inside the test's own process, which saves starting an interpreter."""

import os
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from quintet.artifacts.record import Record
from quintet.base.paths import CONFIGS, ROOT
from quintet.training.experiment import run

SHORT = (
    "trainer=cpu",
    "trainer.max_epochs=1",
    "trainer.limit_train_batches=2",
    "callbacks.progress=null",
    "baselines=false",
    "report=false",
)
"""One epoch of two batches."""


def composed(folder: Path, *overrides: str) -> DictConfig:
    """Compose what `python src/train.py <overrides>` would, for a run in `folder`."""
    os.environ.setdefault("PROJECT_ROOT", str(ROOT))
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose("train", [*overrides, f"paths.run={folder}"])


def ran(folder: Path, *overrides: str) -> Record:
    """Run to the end and return the record."""
    folder.mkdir(parents=True, exist_ok=True)  # as Hydra does
    run(composed(folder, *overrides))
    return Record.read(folder)
