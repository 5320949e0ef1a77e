"""Bags of words: sparse and packed tensors, SparseAdam beside Adam, sparse predictions."""

import lightning as L
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence
from torch.utils.data import DataLoader

WORDS = 50


def bags(count: int, seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(2, 8, (count,), generator=generator)
    return [torch.randint(WORDS, (int(n),), generator=generator) for n in lengths]


def collate(rows):
    places = [torch.stack([torch.full_like(row, i), row]) for i, row in enumerate(rows)]
    indices = torch.cat(places, 1)
    counts = torch.sparse_coo_tensor(
        indices, torch.ones(indices.shape[1]), (len(rows), WORDS), check_invariants=True
    )
    return {
        "counts": counts.coalesce(),
        "packed": pack_sequence(rows, enforce_sorted=False),
        "y": torch.tensor([int((row < 25).float().mean() > 0.5) for row in rows]),
    }


class Bags(L.LightningDataModule):
    def __init__(self, batch_size: int = 16):
        super().__init__()
        self.batch_size = batch_size

    def _loader(self, count, seed, shuffle=False):
        rows = bags(count, seed)
        return DataLoader(rows, self.batch_size, shuffle, collate_fn=collate)  # type: ignore[arg-type]

    def train_dataloader(self):
        return self._loader(200, 0, True)

    def val_dataloader(self):
        return self._loader(60, 1)

    def test_dataloader(self):
        return self._loader(61, 2)

    def predict_dataloader(self):
        return self._loader(20, 3)


class Classifier(L.LightningModule):
    def __init__(self, width: int = 8, lr: float = 0.02):
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.table = nn.EmbeddingBag(WORDS, width, sparse=True, mode="sum")
        self.wide = nn.Parameter(torch.zeros(WORDS, 2))
        self.head = nn.Linear(width, 2)

    def forward(self, batch):
        padded, lengths = pad_packed_sequence(batch["packed"], batch_first=True, padding_value=-1)
        offsets = lengths.cumsum(0) - lengths
        deep = self.head(self.table(padded[padded >= 0], offsets.to(padded.device)))
        return deep + torch.sparse.mm(batch["counts"], self.wide)

    def training_step(self, batch, batch_idx):
        loss = nn.functional.cross_entropy(self(batch), batch["y"])
        for optimizer in self.optimizers():
            optimizer.zero_grad()
        self.manual_backward(loss)
        for optimizer in self.optimizers():
            optimizer.step()
        self.log("train/loss", loss, batch_size=len(batch["y"]))

    def on_train_epoch_end(self):
        self.lr_schedulers().step(self.trainer.callback_metrics["train/loss"])

    def _measure(self, batch, split):
        right = (self(batch).argmax(1) == batch["y"]).float().mean()
        self.log(f"{split}/hits", right, batch_size=len(batch["y"]), sync_dist=True)

    def validation_step(self, batch, batch_idx):
        self._measure(batch, "val")

    def test_step(self, batch, batch_idx):
        self._measure(batch, "test")

    def predict_step(self, batch, batch_idx):
        return self(batch).to_sparse()

    def configure_optimizers(self):
        sparse = torch.optim.SparseAdam([self.table.weight], self.hparams.lr)
        dense = torch.optim.Adam([self.wide, *self.head.parameters()], self.hparams.lr)
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(dense, patience=1)
        return [{"optimizer": sparse}, {"optimizer": dense, "lr_scheduler": {"scheduler": plateau}}]
