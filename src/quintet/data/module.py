"""The DataModule: samples -> splits -> preprocessing fitted on train -> batches."""

import math
from collections.abc import Callable
from typing import Any, cast

import lightning.pytorch as L
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from quintet.base.errors import Code, UserError
from quintet.data.data_summary import ColumnSummary
from quintet.data.facts import check, facts
from quintet.data.loading.augmentation import Augmentation, augmentation
from quintet.data.loading.disk import Prefetch, disk_loader, probe
from quintet.data.loading.loader import AugmentedLoader, TensorLoader
from quintet.data.readable import readable
from quintet.data.samples import Facts, Kind, Rows, Samples
from quintet.data.scaling.named_preprocess import preprocess_of, restored
from quintet.data.scaling.preprocess import Preprocess
from quintet.data.scaling.statistic import Scale
from quintet.data.scaling.target_transform import TargetTransform, check_target
from quintet.data.splitting import split as splitting
from quintet.data.splitting.folds import one_fold
from quintet.data.splitting.strata import strata

SplitName = str
Loader = TensorLoader | AugmentedLoader | DataLoader[Any]
ROWS = 1 << 15
"""Samples that are scaled at a time."""
SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


class DataModule(L.LightningDataModule):
    """Holds a data set, split and scaled, and provides batches.

    Args:
        source: reads the samples.
        batch_size: samples per step on each process.
        val: share (< 1) or number of samples held out for validation.
        test: share or number of samples held out for the one final test.
        seed: of the split.
        order_seed: of the order of batches.
        folds: number of folds of the non-test data, of which one is used for validation; None for
            the split.
        fold: index of the fold, from 0.
        scale: how numeric features are scaled; fitted on the training split only.
        select: share or number of a table's columns that the model sees; fitted likewise.
        target_transform: log or log1p, of a regression's targets in training; metrics and
            predictions are in their own units.
        fraction: share of the training split to use, for learning curves.
        on_device: keep the tensors on the accelerator, so that batches need no transfer.
        workers: processes that read ahead, for inputs on disk.
        prefetch: batches that each of them reads ahead; None for two.
        pin_memory: whether such batches are copied to pinned memory; None for yes if there is a
            GPU.
        augment: random changes of training batches: names, or names with strengths.
        sampler: "balanced" to draw each class equally often; None to draw each sample once per
            epoch.

    Raises:
        UserError: a batch size or validation split that cannot work.

    """

    def __init__(
        self,
        source: Callable[[], Samples],
        *,
        batch_size: int = 64,
        val: float = 0.1,
        test: float = 0.2,
        seed: int = 0,
        order_seed: int = 0,
        folds: int | None = None,
        fold: int = 0,
        scale: Scale = "standard",
        select: float | None = None,
        target_transform: TargetTransform | None = None,
        fraction: float = 1.0,
        on_device: bool = False,
        workers: int = 0,
        prefetch: int | None = None,
        pin_memory: bool | None = None,
        augment: str | list[str] | dict[str, Any] | None = None,
        sampler: str | None = None,
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise UserError(
                "must be an integer of at least 1",
                code=Code.OUT_OF_RANGE,
                key="data.batch_size",
                value=batch_size,
            )
        if val <= 0:
            raise UserError(
                "leaves no validation data, on which the metric is measured",
                code=Code.OUT_OF_RANGE,
                key="data.val",
                value=val,
                hint="Give a fraction, such as 0.1, or a number of samples",
            )
        self.source, self.batch_size = source, batch_size
        self.seed, self.order_seed = seed, order_seed
        self.folds, self.fold = folds, fold
        self.val, self.test, self.fraction = val, test, fraction
        self.on_device, self.ahead = on_device, Prefetch(workers, prefetch, pin_memory)
        self.augment, self.balance = augment, _balances(sampler)
        self.augmentation: Augmentation | None = None
        self.classes: Tensor | None = None
        self.rows: Rows | None = None
        self.preprocess = Preprocess(scale, select, target_transform)
        self.target_transform = target_transform
        self.reader: dict[str, Any] = {}
        self.data_summary: list[str] = []
        self.columns: list[ColumnSummary] = []
        self.ordered = False
        self.file_rows: Tensor | None = None
        self.facts: Facts
        self.splits: dict[SplitName, tuple[Tensor, Tensor]] = {}
        self.indices: dict[SplitName, Tensor] = {}

    def load(self) -> Facts:
        """Read, split and scale the data; return its facts."""
        samples = self.source()
        check(samples)
        check_target(samples.y, samples.task, self.target_transform)
        train, val, test = splitting.split(samples, self.val, self.test, self.seed)
        if self.folds is not None:
            train, val = one_fold(samples, train, val, self.folds, self.fold, self.seed)
        split_summary = splitting.summary(samples, (train, val, test))
        train = splitting.subset(samples, train, self.fraction, self.seed)
        self.reader = samples.reader
        self.data_summary = [*samples.data_summary, *split_summary]
        self.columns = samples.columns
        self.rows, self.ordered = samples.rows, samples.ordered
        self.file_rows = samples.file_rows
        if self.rows is not None:
            x, self.on_device = probe(self.rows, train, samples.x.shape[1:]), False
        else:
            x = samples.x[train]
        self.augmentation = augmentation(self.augment, samples)
        self.classes = _classes(samples, train) if self.balance else None
        self.data_summary += self._loading_summary(len(x), len(train))
        self.preprocess = preprocess_of(samples, self.preprocess)
        self.preprocess.fit(x, samples.y[train], samples)
        del x  # a copy of the training part
        for name, index in zip(SPLITS, (train, val, test), strict=True):
            inputs = index if self.rows is not None else self._scaled(samples.x, index)
            self.splits[name], self.indices[name] = (inputs, samples.y[index]), index
        self.facts = facts(samples, train, val, test)
        return self.facts

    @property
    def datamodule(self) -> L.LightningDataModule:
        """The module itself."""
        return self

    @property
    def target_centre(self) -> Tensor:
        """Centre of a regression's standardised scale, one per target."""
        found = self.preprocess.target_centre
        return found if len(found) else torch.zeros(1)

    @property
    def target_width(self) -> Tensor:
        """Width of that scale, in units of the target."""
        found = self.preprocess.target_width
        return found if len(found) else torch.ones(1)

    def attach(self, trainer: L.Trainer) -> None:
        """Do nothing: samples are read and split the same way for any Trainer."""

    def _scaled(self, x: Tensor, index: Tensor) -> Tensor:
        """Return the scaled inputs at `index`, computed in chunks to save memory."""
        first = self.preprocess.transform(x[index[:ROWS]])
        if len(index) <= ROWS:
            return first
        scaled = first.new_empty((len(index), *first.shape[1:]))
        for start in range(0, len(index), ROWS):
            part = index[start : start + ROWS]
            scaled[start : start + ROWS] = self.preprocess.transform(x[part])
        return scaled

    def _loading_summary(self, probed: int, train: int) -> list[str]:
        """Describe what happens to training batches, and which settings have no effect."""
        told = []
        if self.augmentation is not None:
            strengths = self.augmentation.strengths.items()
            shown = ", ".join(f"{name} {strength:g}" for name, strength in strengths)
            told.append(f"Training batches are changed at random: {shown}.")
        if self.balance:
            told.append("Training draws each class equally often, small ones repeatedly.")
        if self.rows is None and (self.ahead.workers or self.ahead.pin_memory):
            told.append("Nothing to read ahead: the data is in memory (data.workers has no use).")
        if probed < train:
            told.append(f"Scaling is fitted on {probed} of the {train} training samples.")
        return told

    def steps(self, world_size: int) -> int:
        """Return the batches of a training epoch on each of `world_size` processes."""
        x, y = self.splits["train"]
        return len(TensorLoader(x, y, self.batch_size, shuffle=True, world_size=world_size))

    def validation_steps(self, world_size: int) -> int:
        """Return the batches of a validation epoch on each of `world_size` processes."""
        return math.ceil(len(self.splits["val"][1]) / (self.batch_size * world_size))

    def train_dataloader(self) -> Loader:
        """Return shuffled batches of the training split."""
        return self._loader("train", shuffle=True)

    def val_dataloader(self) -> Loader:
        """Return batches of the validation split."""
        return self._loader("val")

    def test_dataloader(self) -> Loader:
        """Return batches of the test split."""
        return self._loader("test")

    def _loader(self, name: SplitName, shuffle: bool = False) -> Loader:
        x, y = self.splits[name]
        if self.on_device and self.trainer:
            device = self.trainer.strategy.root_device
            x, y = self.splits[name] = x.to(device), y.to(device)
        rank = self.trainer.global_rank if self.trainer else 0
        world = self.trainer.world_size if self.trainer else 1
        loader = TensorLoader(
            x,
            y,
            self.batch_size,
            shuffle=shuffle,
            seed=self.order_seed,
            rank=rank,
            world_size=world,
            classes=self.classes if shuffle else None,
        )
        found: Loader = loader
        if self.rows is not None:
            found = disk_loader(self.rows, loader, self.preprocess.transform, self.ahead)
        # Checks of a setup have no trainer and look at the samples themselves.
        if self.augmentation is None or not shuffle or self.trainer is None:
            return found
        device = self.trainer.strategy.root_device
        return AugmentedLoader(
            found, self.augmentation, seed=self.order_seed, rank=rank, device=device
        )

    def transfer_batch_to_device(
        self, batch: Any, device: torch.device, dataloader_idx: int
    ) -> Any:
        """Move a batch to the device, unless it is already there."""
        if batch[0].device == device:
            return batch
        return super().transfer_batch_to_device(batch, device, dataloader_idx)

    def inputs(self, split: SplitName, index: Tensor) -> Tensor:
        """Return the inputs at positions (M,) of a split, not scaled, as `Samples.x` has them."""
        x = self.splits[split][0]
        kept = x[index.to(x.device)].cpu()
        return self.preprocess.restore(kept) if self.rows is None else self.rows.read(kept)

    def shown(self, split: SplitName, index: Tensor) -> dict[str, NDArray[Any]]:
        """Return the inputs at positions (M,) of a split in human-readable form."""
        kind = cast(Kind, self.preprocess.kind)
        return readable(self.inputs(split, index), kind, self.reader)

    def state_dict(self) -> dict[str, Any]:
        """Return the state that reads and scales new inputs the same way, as plain data."""
        return {"preprocess": self.preprocess.state_dict(), "reader": self.reader}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load the reader and preprocessing of a checkpoint."""
        if not isinstance(state["reader"], dict):
            raise TypeError(f"reader is a {type(state['reader']).__name__}")
        self.preprocess = restored(state["preprocess"], self.preprocess)
        self.reader = state["reader"]


def _balances(sampler: str | None) -> bool:
    """Return whether training draws each class equally often.

    Raises:
        UserError: an unknown value.

    """
    if sampler not in (None, "balanced"):
        raise UserError(
            "is unknown",
            code=Code.UNKNOWN_NAME,
            key="data.sampler",
            value=sampler,
            allowed=["balanced", "null"],
        )
    return sampler is not None


def _classes(samples: Samples, train: Tensor) -> Tensor:
    """Return the class, or combination of labels, of each training sample.

    Raises:
        UserError: samples have none.

    """
    found = strata(samples)
    if found is None:
        raise UserError(
            f"draws each class equally often, but samples of a {samples.task} task have no class",
            code=Code.INCOMPATIBLE,
            key="data.sampler",
            value="balanced",
            hint="Leave it out",
        )
    return torch.from_numpy(found)[train]
