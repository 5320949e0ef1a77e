"""Three manual optimizers: encoder, decoder and critic, each with its own rate and interval."""

import lightning.pytorch as L
import torch
from torch import nn
from torch.nn import functional as F


class AdversarialAutoencoder(L.LightningModule):
    def __init__(self, optimizer, latent: int = 4, critic_every: int = 2, lr_critic: float = 1e-3):
        super().__init__()
        self.save_hyperparameters(ignore=["optimizer"])
        self.optimizer = optimizer
        self.automatic_optimization = False
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, latent)
        )
        self.decoder = nn.Sequential(nn.Linear(latent, 32), nn.ReLU(), nn.Linear(32, 64))
        self.critic = nn.Sequential(nn.Linear(latent, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, x):
        return self.decoder(self.encoder(x))

    def training_step(self, batch, batch_idx):
        x = batch[0]
        enc, dec, cri = self.optimizers()
        s_enc, s_cri = self.lr_schedulers()
        rec = F.mse_loss(self(x), x.flatten(1))
        enc.zero_grad()
        dec.zero_grad()
        self.manual_backward(rec)
        self.clip_gradients(enc, gradient_clip_val=1.0, gradient_clip_algorithm="norm")
        enc.step()
        dec.step()
        if batch_idx % self.hparams.critic_every == 0:
            self.toggle_optimizer(cri)
            z = self.encoder(x).detach()
            p = torch.randn_like(z)
            closs = F.softplus(-self.critic(p)).mean() + F.softplus(self.critic(z)).mean()
            cri.zero_grad()
            self.manual_backward(closs)
            cri.step()
            self.untoggle_optimizer(cri)
            self.log("train/critic", closs, prog_bar=True)
            s_cri.step()
        self.toggle_optimizer(enc)
        gloss = F.softplus(-self.critic(self.encoder(x))).mean()
        enc.zero_grad()
        self.manual_backward(0.1 * gloss)
        enc.step()
        self.untoggle_optimizer(enc)
        self.log_dict({"train/rec": rec, "train/gen": gloss})
        if self.trainer.is_last_batch:
            s_enc.step()

    def validation_step(self, batch, batch_idx):
        x = batch[0]
        self.log("val/rec", F.mse_loss(self(x), x.flatten(1)), prog_bar=True)

    def test_step(self, batch, batch_idx):
        x = batch[0]
        self.log("test/rec", F.mse_loss(self(x), x.flatten(1)))

    def predict_step(self, batch, batch_idx):
        return self.encoder(batch), self(batch)

    def configure_optimizers(self):
        enc = self.optimizer(self.encoder)
        dec = torch.optim.RMSprop(self.decoder.parameters(), lr=1e-3)
        cri = torch.optim.Adam(
            self.critic.parameters(), lr=self.hparams.lr_critic, betas=(0.5, 0.9)
        )
        return [enc, dec, cri], [
            {"scheduler": torch.optim.lr_scheduler.ExponentialLR(enc, 0.9), "interval": "epoch"},
            {
                "scheduler": torch.optim.lr_scheduler.LambdaLR(cri, lambda s: 1 / (1 + 0.01 * s)),
                "interval": "step",
            },
        ]
