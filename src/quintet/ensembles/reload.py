"""Load a trained model from its run folder, with its config and data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import lightning.pytorch as L
from omegaconf import DictConfig
from torch import Tensor

from quintet.artifacts import checkpoints, untrusted_files
from quintet.artifacts.ensemble_record import Ensemble
from quintet.artifacts.record import ENSEMBLE, RESULT, Record
from quintet.base.console import typed
from quintet.base.errors import Code, UserError
from quintet.config import foreign_config, run_folder
from quintet.config.trust import NOTHING, Trust
from quintet.data.lightning_data import ExperimentData, StatedFacts
from quintet.data.module import DataModule
from quintet.data.samples import Facts
from quintet.modules.sample_predictor import SamplePredictor, needed
from quintet.training import build
from quintet.training.restoring import restore
from quintet.training.training_steps import repeats


@dataclass
class Trained:
    """A run's config, data and model; the data are read on demand."""

    cfg: DictConfig
    data: ExperimentData
    task: L.LightningModule

    def samples(self, what: str) -> SamplePredictor:
        """Return module and data, whose predictions of single samples `what` needs.

        Raises:
            UserError: they are not known.

        """
        return needed(self.task, self.data, what)

    def load(self) -> Facts | StatedFacts:
        """Read the data that the run was trained on, and return their facts.

        Raises:
            UserError: the data have changed since.

        """
        foreign_config.refuse_references(self.cfg, "data")
        found, was = self.data.load(), self.cfg.facts.fingerprint
        if was is not None and found.fingerprint != was:
            raise UserError(
                f"The data has changed since the run: its fingerprint is {found.fingerprint}, the "
                f"run's was {was}",
                code=Code.DATA,
                hint="Restore the data, or score new data with predict.py.",
            )
        return found


def trained(folder: Path, checkpoint: str = "best", trust: Trust = NOTHING) -> Trained:
    """Rebuild the model of a run folder from its config and load its weights.

    Args:
        folder: written by train.py.
        checkpoint: `best`, `last`, or the path of a checkpoint file.
        trust: what the folder's config may name besides the building blocks.

    Raises:
        UserError: the folder is not a run folder or has several models, its config names code that
            is not trusted, or the checkpoint is missing, damaged or another model's.

    """
    cfg = run_folder.load(folder, trust)
    foreign_config.refuse_references(cfg, "module", "model", "loss", "metric")
    if untrusted_files.has(folder, ENSEMBLE):
        inside = sorted(Ensemble.read(folder).members)
        raise UserError(
            "contains several models, each with its own preprocessing",
            code=Code.CONFLICT,
            key="run",
            value=folder,
            hint=f"Give one of them: run={typed(folder / inside[0])} (of {', '.join(inside)}).",
        )
    if repeats(cfg) > 1:  # the ensemble file is written at the end
        raise UserError(
            "has not trained all of its models yet",
            code=Code.CONFLICT,
            key="run",
            value=folder,
            hint=f"Continue it with resume={typed(folder)}, or give the folder of one model in it.",
        )
    path = _checkpoint(folder, checkpoint)
    state = checkpoints.load(path)
    data = build.data(cfg)
    kept = state.get(type(data.datamodule).__qualname__)
    if kept is None and isinstance(data, DataModule):
        raise UserError(
            f"{path} is not a checkpoint of train.py: it contains no preprocessing",
            code=Code.DAMAGED,
            hint="Give a checkpoint that train.py wrote.",
        )
    if kept is not None:
        with untrusted_files.understood(path):
            data.datamodule.load_state_dict(kept)
            if isinstance(data, DataModule):
                _check_codes(data.preprocess.codes, cfg.facts.get("cardinalities") or ())
    task = build.task(cfg, data, build.model(cfg))
    checkpoints.weights(state, path)  # which checks that they are tensors
    restore(task, state, path)
    return Trained(cfg, data, task.eval())


def _check_codes(seen: Sequence[Tensor], cardinalities: Sequence[int]) -> None:
    """Check that codes which a checkpoint lets pass are those for which a model was made.

    Raises:
        ValueError: one is not.

    """
    for codes, count in zip(seen, cardinalities, strict=False):
        if codes.numel() and not 0 <= codes.min() <= codes.max() < count:
            raise ValueError(f"seen has {codes.min():g} to {codes.max():g} of {count} codes")


def _checkpoint(folder: Path, name: str) -> Path:
    if "://" in name:
        raise UserError(
            "is a URL",
            code=Code.NOT_TRUSTED,
            key="checkpoint",
            value=name,
            hint="Allowed: best, last, or a local file.",
        )
    if name not in ("best", "last"):
        return Path(name)
    inside = f"{checkpoints.FOLDER}/{name}.ckpt"
    if name == "best" and untrusted_files.has(folder, RESULT):
        # The record names the scored checkpoint: a run without validation has only the last one.
        inside = Record.read(folder).checkpoint or inside
    return untrusted_files.inside(folder, inside)
