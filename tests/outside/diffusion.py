"""A diffusion model of digits: averaged weights of its own, samples drawn in validation."""

import lightning.pytorch as L
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


class Noise(nn.Module):
    def __init__(self, width: int, steps: int):
        super().__init__()
        self.time = nn.Embedding(steps, width)
        self.into, self.out = nn.Linear(64, width), nn.Linear(width, 64)
        self.middle = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU())

    def forward(self, x, t):
        return self.out(self.middle(self.into(x) + self.time(t)))


class Diffusion(L.LightningModule):
    """Ho et al. (2020); judged by the distance between the means and spreads of pixels."""

    alphas: torch.Tensor

    def __init__(
        self, facts, width: int = 32, steps: int = 8, decay: float = 0.9, betas=(0.9, 0.99)
    ):
        super().__init__()
        self.save_hyperparameters()
        self.net = Noise(width, steps)
        self.ema = AveragedModel(self.net, multi_avg_fn=get_ema_multi_avg_fn(decay))
        self.register_buffer("alphas", torch.linspace(0.95, 0.05, steps))
        self.real: list[torch.Tensor] = []

    def forward(self, x, t):
        return self.ema(x, t)

    def training_step(self, batch, batch_idx):
        x = batch[0].flatten(1)
        t = torch.randint(len(self.alphas), (len(x),), device=self.device)
        a, noise = self.alphas[t, None], torch.randn_like(x)
        loss = F.mse_loss(self.net(a.sqrt() * x + (1 - a).sqrt() * noise, t), noise)
        self.log("train/loss", loss, on_step=True, on_epoch=True)
        return {"loss": loss, "extra": x.mean().detach()}

    def on_train_batch_end(self, outputs, batch, batch_idx):
        self.ema.update_parameters(self.net)

    @torch.no_grad()
    def sample(self, count: int):
        x = torch.randn(count, 64, device=self.device)
        for t in reversed(range(len(self.alphas))):
            a = self.alphas[t]
            noise = self.ema(x, torch.full((count,), t, device=self.device))
            clean = ((x - (1 - a).sqrt() * noise) / a.sqrt()).clamp(-3, 3)
            before = self.alphas[t - 1] if t else torch.ones(())
            x = before.sqrt() * clean + (1 - before).sqrt() * torch.randn_like(x) * bool(t)
        return x

    def _gather(self, batch):
        self.real.append(batch[0].flatten(1))

    def _distance(self, split):
        real = torch.cat(self.real)
        self.real.clear()
        drawn = self.sample(len(real))
        gap = (real.mean(0) - drawn.mean(0)).norm() + (real.std(0) - drawn.std(0)).norm()
        self.log(f"{split}/gap", gap, sync_dist=True)
        if split == "val" and self.logger is not None and hasattr(self.logger, "log_image"):
            pictures = list(drawn[:4].view(-1, 1, 8, 8).clamp(0, 1))
            self.logger.log_image("drawn", pictures, step=self.global_step)

    def validation_step(self, batch, batch_idx):
        self._gather(batch)

    def on_validation_epoch_end(self):
        self._distance("val")

    def test_step(self, batch, batch_idx):
        self._gather(batch)

    def on_test_epoch_end(self):
        self._distance("test")

    def predict_step(self, batch, batch_idx):
        return {"drawn": self.sample(len(batch)).view(-1, 1, 8, 8)}

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.net.parameters(), lr=2e-3, betas=self.hparams.betas)
        total = self.trainer.estimated_stepping_batches
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=int(total))
        return [optimizer], [{"scheduler": scheduler, "interval": "step", "name": "rate"}]
