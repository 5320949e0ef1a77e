"""A classifier that asks for everything that may be chosen."""

import lightning as L
from torch import nn


class EveryChoice(L.LightningModule):
    def __init__(self, model, loss, metric, metrics, optimizer, scheduler):
        super().__init__()
        self.model, self.loss = model, loss
        self.optimizer, self.scheduler = optimizer, scheduler
        judges = {"accuracy": metric, **metrics}
        self.judges = nn.ModuleDict(
            {f"{s}_{name}": each.clone() for s in ("val", "test") for name, each in judges.items()}
        )

    def training_step(self, batch, batch_idx):
        loss = self.loss(self.model(batch[0]), batch[1])
        self.log("train/loss", loss, on_step=True, on_epoch=True)
        return loss

    def _judge(self, batch, split):
        chances = self.model(batch[0]).softmax(1)
        for name, judge in self.judges.items():
            if name.startswith(split):
                judge.update(chances, batch[1])
                self.log(f"{split}/{name.removeprefix(f'{split}_')}", judge)

    def validation_step(self, batch, batch_idx):
        self._judge(batch, "val")

    def test_step(self, batch, batch_idx):
        self._judge(batch, "test")

    def configure_optimizers(self):
        optimizer = self.optimizer(self.model)
        return [optimizer], [self.scheduler(optimizer)]
