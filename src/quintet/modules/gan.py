"""A generative adversarial network: two networks, two optimizers, manual optimization."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

import lightning.pytorch as L
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from quintet.modules.dense_network import dense_network
from quintet.modules.manual_schedules import step_schedules


class GAN(L.LightningModule):
    """Learns to generate samples that a second network cannot distinguish from the data.

    Goodfellow et al., 2014, "Generative adversarial nets", with the generator's loss of section 3
    that does not saturate. It logs `distance`, the sliced Wasserstein distance between generated
    samples and the split's: lower is better.

    Args:
        optimizer: makes an optimizer of parameters; called once per network.
        scheduler: makes the schedule of an optimizer; likewise.
        init: sets the parameters of a network.
        facts: facts of the data; `input_shape` is used.
        latent: dimension of the noise that a sample is generated from.
        width: units of the hidden layers.

    """

    def __init__(
        self,
        optimizer: Callable[..., Optimizer],
        scheduler: Callable[..., LRScheduler],
        init: Callable[[nn.Module], object],
        facts: Mapping[str, Any],
        latent: int = 16,
        width: int = 128,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.optimizer, self.scheduler = optimizer, scheduler
        self.shape, self.latent = list(facts["input_shape"]), latent
        size = math.prod(self.shape)
        leaky = partial(nn.LeakyReLU, 0.2)
        self.generator = dense_network(latent, width, size, leaky)
        self.discriminator = dense_network(size, width, 1, leaky)
        for network in (self.generator, self.discriminator):
            init(network)
        self.example_input_array = torch.zeros(2, latent)
        self._seen: list[Tensor] = []

    def forward(self, z: Tensor) -> Tensor:
        """Generate samples (N, ...) from noise z (N, latent)."""
        return torch.unflatten(self.generator(z), 1, self.shape)

    def draw(self, count: int) -> Tensor:
        """Generate `count` new samples, (N, ...)."""
        return cast(Tensor, self(torch.randn(count, self.latent, device=self.device)))

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Update the discriminator, then the generator."""
        real = batch[0].flatten(1)
        for_generator, for_discriminator = cast(list[Any], self.optimizers())
        with torch.no_grad():
            fake = self.draw(len(real)).flatten(1)
        loss = self._step(
            for_discriminator, lambda: self._judged(real, True) + self._judged(fake, False)
        )
        fooled = self._step(
            for_generator, lambda: self._judged(self.draw(len(real)).flatten(1), True)
        )
        step_schedules(self, "step")
        self.log_dict(
            {"train/loss": fooled, "train/discriminator_loss": loss},
            on_step=False,
            on_epoch=True,
            batch_size=len(real),
        )

    def _judged(self, samples: Tensor, real: bool) -> Tensor:
        """Return the discriminator's loss for samples labelled real or generated."""
        logits = self.discriminator(samples)
        return bce(logits, torch.full_like(logits, float(real)))

    def _step(self, optimizer: Any, loss_of: Callable[[], Tensor]) -> Tensor:
        """Take a step of one optimizer while the other network is frozen; return the loss."""
        self.toggle_optimizer(optimizer)
        optimizer.zero_grad()
        loss = loss_of()
        self.manual_backward(loss)
        optimizer.step()
        self.untoggle_optimizer(optimizer)
        return loss.detach()

    def on_train_epoch_end(self) -> None:
        """Step schedules that count epochs."""
        step_schedules(self, "epoch")

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Record the batch."""
        self._seen.append(batch[0].flatten(1))

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Record the batch."""
        self._seen.append(batch[0].flatten(1))

    def on_validation_epoch_end(self) -> None:
        """Log the distance of new samples from the validation split."""
        self._log_distance("val")

    def on_test_epoch_end(self) -> None:
        """Log the distance of new samples from the test split."""
        self._log_distance("test")

    def _log_distance(self, split: str) -> None:
        real = torch.cat(self._seen)
        self._seen = []
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(0)  # the same samples and directions each time
            found = sliced_wasserstein(self.draw(len(real)).flatten(1), real)
        self.log(f"{split}/distance", found, sync_dist=True, prog_bar=True)

    def predict_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """Return a new sample for each sample of the batch, (N, ...)."""
        return self.draw(len(batch))

    def configure_optimizers(self) -> Any:
        """Return the generator's optimizer and the discriminator's, each with its schedule."""
        optimizers = [self.optimizer(self.generator), self.optimizer(self.discriminator)]
        return optimizers, [self.scheduler(optimizer) for optimizer in optimizers]


def sliced_wasserstein(a: Tensor, b: Tensor, directions: int = 256) -> Tensor:
    """Return the mean Wasserstein distance between two samples along random directions.

    Bonneel et al., 2015, "Sliced and Radon Wasserstein barycenters of measures".

    Args:
        a: (N, F)
        b: (N, F)
        directions: how many of them are drawn.

    Returns:
        the distance, in units of the features.

    """
    towards = torch.randn(a.shape[1], directions, device=a.device, dtype=a.dtype)
    towards = towards / towards.norm(dim=0)
    one, other = ((x @ towards).sort(dim=0).values for x in (a, b))
    return torch.mean((one - other).abs())
