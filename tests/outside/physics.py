"""A network that solves du/dt = -u: LBFGS, and gradients in validation, test and prediction too."""

import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Decay(L.LightningModule):
    def __init__(self, width: int = 8, lr: float = 0.5):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, 1))

    def _solution(self, t):
        with torch.enable_grad():
            t = t.clone().requires_grad_(True)
            u = self.net(t)
            return u, torch.autograd.grad(u.sum(), t, create_graph=True)[0]

    def _residual(self, t):
        u, slope = self._solution(t)
        start = self.net(torch.zeros(1, 1, device=t.device))
        return (slope + u).square().mean() + (start - 1).square().mean()

    def training_step(self, batch, batch_idx):
        loss = self._residual(batch[0])
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val/residual", self._residual(batch[0]).detach())

    def test_step(self, batch, batch_idx):
        self.log("test/residual", self._residual(batch[0]).detach())

    def predict_step(self, batch, batch_idx):
        u, slope = self._solution(batch[0])
        return {"u": u.detach(), "slope": slope.detach()}

    def configure_optimizers(self):
        return torch.optim.LBFGS(self.parameters(), lr=self.hparams.lr, max_iter=5)


class Times(L.LightningDataModule):
    def _loader(self, seed, shuffle=False):
        t = 2 * torch.rand(64, 1, generator=torch.Generator().manual_seed(seed))
        return DataLoader(TensorDataset(t), 32, shuffle=shuffle)

    def train_dataloader(self):
        return self._loader(0, True)

    def val_dataloader(self):
        return self._loader(1)

    def test_dataloader(self):
        return self._loader(2)

    def predict_dataloader(self):
        return self._loader(3)
