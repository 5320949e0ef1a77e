"""Contrastive learning: features without labels, evaluated by a linear probe."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import lightning.pytorch as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn.functional import affine_grid, cross_entropy, grid_sample, normalize, one_hot
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from quintet.modules.backbone import without_head
from quintet.modules.module_settings import between, positive


class SimCLR(L.LightningModule):
    """Learns features that are alike for two views of an image and differ between images.

    Chen et al., 2020, "A simple framework for contrastive learning of visual representations":
    random views, an encoder, a projection head that is discarded, and the loss NT-Xent. Labels
    are seen only by the linear probe, a ridge classifier on the training part's features, which
    is refitted at each validation. It logs `probe_accuracy`.

    The encoder is `model=` without its last layer; a supervised run may start from it by
    `model.weights=<run>`. With several processes, each contrasts its own batches.

    Args:
        model: the encoder, for images (N, C, H, W).
        optimizer: makes the optimizer of the module.
        scheduler: makes the schedule of an optimizer's rate.
        init: sets the parameters of the projection head.
        facts: of the data: `input_shape` and `num_classes`.
        projection: units of the projection head.
        temperature: of the similarities.
        shift: largest shift of a view, as a share of the image.
        rotation: largest rotation, in degrees.
        zoom: smallest crop, as a share of a side.
        noise: standard deviation of the noise on pixels.
        ridge: penalty of the probe, relative to the features' mean square.

    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Callable[..., Optimizer],
        scheduler: Callable[..., LRScheduler],
        init: Callable[[nn.Module], object],
        facts: Mapping[str, Any],
        projection: int = 64,
        temperature: float = 0.2,
        shift: float = 0.15,
        rotation: float = 15.0,
        zoom: float = 0.8,
        noise: float = 0.1,
        ridge: float = 1e-3,
    ) -> None:
        super().__init__()
        self.optimizer, self.scheduler = optimizer, scheduler
        self.model, self.num_classes = model, int(facts["num_classes"])
        self.temperature = positive("temperature", temperature)
        self.shift, self.rotation, self.noise = shift, rotation, noise
        self.zoom = between("zoom", zoom, 0.01, 1)
        self.ridge = positive("ridge", ridge)
        features = without_head(model, facts["input_shape"])
        self.projection = nn.Sequential(
            nn.Linear(features, features), nn.ReLU(), nn.Linear(features, projection)
        )
        init(self.projection)
        self.example_input_array = torch.zeros(2, *facts["input_shape"])
        self._probe: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of images x (N, C, H, W), (N, F)."""
        return cast(Tensor, self.model(x))

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss of two views of every image."""
        x = batch[0]
        views = torch.cat([self.view(x), self.view(x)])
        loss = nt_xent(self.projection(self(views)), self.temperature)
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(x))
        return loss

    def view(self, x: Tensor) -> Tensor:
        """Return the images randomly rotated, shifted, cropped and with noise, (N, C, H, W)."""
        drawn = torch.rand(4, len(x), device=x.device) * 2 - 1
        angle = drawn[0] * math.radians(self.rotation)
        scale = self.zoom + (1 - self.zoom) * (drawn[1] + 1) / 2
        cos, sin = scale * angle.cos(), scale * angle.sin()
        moved = 2 * self.shift * drawn[2:]  # a side has length 2
        rows = torch.stack([cos, -sin, moved[0], sin, cos, moved[1]], dim=1)
        grid = affine_grid(rows.view(-1, 2, 3), list(x.shape), align_corners=False)
        seen = grid_sample(x, grid.to(x.dtype), padding_mode="border", align_corners=False)
        return seen + self.noise * torch.randn_like(seen)

    def on_validation_epoch_start(self) -> None:
        """Fit the probe to the current features."""
        self._fit_probe()

    def on_test_epoch_start(self) -> None:
        """Fit the probe to the features of the weights under test."""
        self._fit_probe()

    def _fit_probe(self) -> None:
        """Fit a least-squares classifier to the training part's features, over all processes."""
        data = cast(Any, self.trainer).datamodule
        batches = (self._placed(batch) for batch in data.train_dataloader())
        products, sums = _moments(((self._with_bias(x), self._truth(y)) for x, y in batches))
        products = self.trainer.strategy.reduce(products, reduce_op="sum")
        sums = self.trainer.strategy.reduce(sums, reduce_op="sum")
        penalty = self.ridge * products.diagonal().mean() * torch.eye(len(products))
        self._probe = torch.linalg.solve(products + penalty.to(products), sums)

    def _placed(self, batch: Any) -> Any:
        return self.trainer.strategy.batch_to_device(batch, self.device)

    def _with_bias(self, x: Tensor) -> Tensor:
        return nn.functional.pad(self(x), (0, 1), value=1.0)

    def _truth(self, y: Tensor) -> Tensor:
        return one_hot(y, self.num_classes).float()

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the probe's accuracy on validation data."""
        self._log("val", *batch)

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the probe's accuracy on test data."""
        self._log("test", *batch)

    def _log(self, split: str, x: Tensor, y: Tensor) -> None:
        answers = self._with_bias(x) @ cast(Tensor, self._probe)
        accuracy = (answers.argmax(1) == y).float().mean()
        self.log(
            f"{split}/probe_accuracy", accuracy, batch_size=len(x), sync_dist=True, prog_bar=True
        )

    def predict_step(self, batch: Tensor, batch_idx: int) -> dict[str, Tensor]:
        """Return the features of each image, (N, F)."""
        return {"feature": self(batch)}

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return the optimizer and its schedule."""
        optimizer = self.optimizer(self)
        return {"optimizer": optimizer, "lr_scheduler": self.scheduler(optimizer)}


def nt_xent(z: Tensor, temperature: float) -> Tensor:
    """Return the normalised, temperature-scaled cross-entropy of two views of N images.

    Args:
        z: (2N, D): the first views, then the second ones in the same order.
        temperature: of the similarities.

    """
    z = normalize(z, dim=1)
    similar = z @ z.T / temperature
    itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
    other = torch.arange(len(z), device=z.device).roll(len(z) // 2)
    return cross_entropy(similar.masked_fill(itself, -torch.inf), other)


def _moments(batches: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Return the sums of x^T x (F, F) and x^T y (F, C), over batches x (N, F) and y (N, C)."""
    pairs = [(x.T @ x, x.T @ y) for x, y in batches]
    return torch.stack([p for p, _ in pairs]).sum(0), torch.stack([s for _, s in pairs]).sum(0)
