"""A variational autoencoder: low-dimensional codes from which samples can be reconstructed."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import lightning.pytorch as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from quintet.modules.dense_network import dense_network
from quintet.modules.module_settings import integer


class VariationalAutoencoder(L.LightningModule):
    """Learns to encode every sample, and to reconstruct the sample from its code.

    Kingma and Welling, 2014, "Auto-encoding variational Bayes", with a Gaussian decoder of one
    learned standard deviation (Rybkin et al., 2021, "Simple and effective VAE training with
    calibrated decoders"), so that inputs may have any scale. With `beta` other than 1 training
    weights the divergence (Higgins et al., 2017, "beta-VAE").

    It logs `elbo`, the evidence lower bound in nats per sample (higher is better), its parts
    `log_likelihood` and `divergence`, and `reconstruction`, a mean squared error.

    Args:
        optimizer: makes the optimizer of the module.
        scheduler: makes the schedule of an optimizer's rate.
        init: sets the parameters of a network.
        facts: facts of the data; `input_shape` is used.
        latent: dimension of a code.
        width: units of the hidden layers.
        beta: weight of the divergence in training.

    """

    def __init__(
        self,
        optimizer: Callable[..., Optimizer],
        scheduler: Callable[..., LRScheduler],
        init: Callable[[nn.Module], object],
        facts: Mapping[str, Any],
        latent: int = 8,
        width: int = 128,
        beta: float = 1.0,
    ) -> None:
        super().__init__()
        self.optimizer, self.scheduler, self.beta = optimizer, scheduler, beta
        self.shape = list(facts["input_shape"])
        size, latent = math.prod(self.shape), integer("latent", latent)
        self.encoder = dense_network(size, integer("width", width), 2 * latent, nn.ReLU)
        self.decoder = dense_network(latent, width, size, nn.ReLU)
        for network in (self.encoder, self.decoder):
            init(network)
        self.log_deviation = nn.Parameter(torch.zeros(()))
        self.example_input_array = torch.zeros(2, *self.shape)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of the codes of x (N, ...), each (N, latent)."""
        mean, log_variance = self.encoder(x.flatten(1)).chunk(2, dim=1)
        return mean, log_variance

    def decode(self, z: Tensor) -> Tensor:
        """Decode z (N, latent) into samples (N, ...)."""
        return torch.unflatten(self.decoder(z), 1, self.shape)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction of x, (N, ...), from the mean of its code."""
        return self.decode(self.encode(x)[0])

    def bound(self, x: Tensor) -> dict[str, Tensor]:
        """Return the terms of the bound of each sample of x (N, ...), from one draw of the code."""
        mean, log_variance = self.encode(x)
        drawn = self.decode(mean + (log_variance / 2).exp() * torch.randn_like(mean))
        squares = (drawn - x).square().flatten(1)
        precision = (-2 * self.log_deviation).exp()
        constant = self.log_deviation + math.log(2 * math.pi) / 2
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2
        return {
            "log_likelihood": -(squares * precision / 2 + constant).sum(1),
            "divergence": divergence,
            "reconstruction": squares.mean(1),
        }

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Return the loss: the mean negative bound."""
        parts = self.bound(batch[0])
        loss = (self.beta * parts["divergence"] - parts["log_likelihood"]).mean()
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(batch[0]))
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Log the bound on validation data."""
        self._log("val", batch[0], batch_idx)

    def test_step(self, batch: Any, batch_idx: int) -> None:
        """Log the bound on test data."""
        self._log("test", batch[0], batch_idx)

    def _log(self, split: str, x: Tensor, batch_idx: int) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(batch_idx)  # the same draws each time
            parts = self.bound(x)
        parts["elbo"] = parts["log_likelihood"] - parts["divergence"]
        parts["loss"] = self.beta * parts["divergence"] - parts["log_likelihood"]
        means = {f"{split}/{name}": values.mean() for name, values in parts.items()}
        self.log_dict(means, batch_size=len(x), sync_dist=True)

    def predict_step(self, batch: Tensor, batch_idx: int) -> dict[str, Tensor]:
        """Return the code of each sample, (N, latent), and its reconstruction, (N, ...)."""
        code, _ = self.encode(batch)
        return {"code": code, "reconstruction": self.decode(code)}

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return the optimizer and its schedule."""
        optimizer = self.optimizer(self)
        return {"optimizer": optimizer, "lr_scheduler": self.scheduler(optimizer)}
