"""A complete LightningDataModule, as an example: digits with two targets of different kinds."""

from typing import Any

import lightning.pytorch as L
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from quintet.data.sources.bundled import digits


class DigitsTwoTargets(L.LightningDataModule):
    """Handwritten digits with two targets: the digit (ten classes) and its ink (a number).

    Ink is how dark the image is, in standard deviations from the mean of the training part. Pixels
    are between 0 and 1. A batch is (x, {"digit": (N,), "ink": (N,)}).

    Args:
        val: share of the samples held out for validation.
        test: share held out for the one final test.
        batch_size: samples per step.
        seed: of the split.

    """

    def __init__(
        self, val: float = 0.1, test: float = 0.2, batch_size: int = 64, seed: int = 42
    ) -> None:
        super().__init__()
        self.shares, self.batch_size, self.seed = (val, test), batch_size, seed
        self.parts: dict[str, Subset[Any]] = {}
        self.facts = {
            "kind": "image",
            "input_shape": [1, 8, 8],
            "num_classes": 10,
            "cardinalities": [],
            "vocabulary": 0,
            "targets": {"digit": 10, "ink": 1},
        }

    def setup(self, stage: str) -> None:
        """Read the digits and split them at random."""
        read = digits()
        x = read.x / 16.0
        count = len(x)
        generator = torch.Generator().manual_seed(self.seed)
        order = torch.randperm(count, generator=generator).tolist()
        first, second = (round(share * count) for share in self.shares)
        ink = x.flatten(1).mean(1)
        known = ink[order[first + second :]]
        samples = Targets(x, {"digit": read.y, "ink": (ink - known.mean()) / known.std()})
        self.parts = {
            "val": Subset(samples, order[:first]),
            "test": Subset(samples, order[first : first + second]),
            "train": Subset(samples, order[first + second :]),
        }

    def train_dataloader(self) -> DataLoader[Any]:
        """Return shuffled batches of the training part."""
        return DataLoader(self.parts["train"], self.batch_size, shuffle=True)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return batches of the validation part."""
        return DataLoader(self.parts["val"], self.batch_size)

    def test_dataloader(self) -> DataLoader[Any]:
        """Return batches of the test part."""
        return DataLoader(self.parts["test"], self.batch_size)

    def predict_dataloader(self) -> DataLoader[Any]:
        """Return batches of the test part."""
        return self.test_dataloader()


class Targets(Dataset[Any]):
    """Images with several targets.

    Args:
        x: (M, C, H, W)
        targets: by name, each (M,)

    """

    def __init__(self, x: Tensor, targets: dict[str, Tensor]) -> None:
        self.x, self.targets = x, targets

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Return an image and its targets."""
        return self.x[index], {name: values[index] for name, values in self.targets.items()}
