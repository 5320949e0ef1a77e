"""A vector-quantised autoencoder: forward updates its codebook, which is buffers."""

import lightning as L
import torch
from torch import nn
from torch.nn import functional as F


class Codebook(nn.Module):
    def __init__(self, codes: int, width: int, decay: float = 0.95):
        super().__init__()
        self.decay = decay
        self.register_buffer("embed", torch.randn(codes, width))
        self.register_buffer("counts", torch.ones(codes))
        self.register_buffer("sums", self.embed.clone())

    def forward(self, z):
        flat = z.detach().reshape(-1, z.shape[-1])
        codes = torch.cdist(flat, self.embed).argmin(1)
        if self.training:
            chosen = F.one_hot(codes, len(self.embed)).float()
            self.counts.mul_(self.decay).add_(chosen.sum(0), alpha=1 - self.decay)
            self.sums.mul_(self.decay).add_(chosen.T @ flat, alpha=1 - self.decay)
            self.embed = self.sums / self.counts.clamp(min=1e-3)[:, None]
        quantised = self.embed[codes].view_as(z)
        distance = F.mse_loss(z, quantised.detach())
        return z + (quantised - z).detach(), distance, codes.view(z.shape[:-1])


class Quantized(L.LightningModule):
    def __init__(self, encoder: nn.Module, codes: int = 16, width: int = 4, lr: float = 1e-2):
        super().__init__()
        self.save_hyperparameters(ignore="encoder")
        self.nets = nn.ModuleDict(
            {
                "coder": nn.ModuleDict({"encode": encoder, "decode": nn.Linear(width, 16)}),
                "book": Codebook(codes, width),
            }
        )
        self.example_input_array = torch.zeros(2, 1, 8, 8)

    def forward(self, x):
        patches = x.unfold(2, 4, 4).unfold(3, 4, 4).reshape(len(x), 4, 16)
        quantised, distance, codes = self.nets["book"](self.nets["coder"]["encode"](patches))
        return F.mse_loss(self.nets["coder"]["decode"](quantised), patches), distance, codes

    def _step(self, batch, split):
        error, distance, _ = self(batch[0])
        self.log(f"{split}/error", error, batch_size=len(batch[0]), sync_dist=True)
        return error + 0.25 * distance

    def training_step(self, batch, batch_idx):
        return {"loss": self._step(batch, "train"), "note": "not a tensor"}

    def validation_step(self, batch, batch_idx):
        self._step(batch, "val")

    def test_step(self, batch, batch_idx):
        self._step(batch, "test")

    def predict_step(self, batch, batch_idx):
        codes = self(batch)[2]
        return {"used": [row.unique().tolist() for row in codes], "first": codes[:, 0]}

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.nets["coder"].parameters(), self.hparams.lr)
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=0.1)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": plateau, "monitor": "val/error", "strict": True},
        }
