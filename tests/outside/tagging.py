"""Tags of tokens, as with Hugging Face's Trainer: Adafactor, a warm-up, BatchEncoding, padding."""

from functools import partial

import lightning.pytorch as L
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader
from torchmetrics.classification import MulticlassF1Score
from transformers import Adafactor, BatchEncoding, get_linear_schedule_with_warmup


def sentence(index: int) -> dict[str, list[int]]:
    generator = torch.Generator().manual_seed(index)
    length = int(torch.randint(3, 12, (), generator=generator))
    ids = torch.randint(1, 30, (length,), generator=generator)
    return {"input_ids": ids.tolist(), "labels": (ids % 3).tolist()}


def collate(sentences, pad_to: int | None = None):
    padded = {
        name: pad_sequence(
            [torch.tensor(s[name]) for s in sentences],
            batch_first=True,
            padding_value=-100 if name == "labels" else 0,
        )
        for name in ("input_ids", "labels")
    }
    return BatchEncoding(padded | {"attention_mask": (padded["input_ids"] > 0).long()})


class TaggingData(L.LightningDataModule):
    def __init__(self, batch_size: int = 8, eval_batch_size: int = 16):
        super().__init__()
        self.save_hyperparameters()

    def _loader(self, begin, count, size, shuffle=False):
        collator = partial(collate, pad_to=None)
        sentences = [sentence(begin + i) for i in range(count)]
        return DataLoader(sentences, size, shuffle, collate_fn=collator)  # type: ignore[arg-type]

    def train_dataloader(self):
        return self._loader(0, 96, self.hparams.batch_size, True)

    def val_dataloader(self):
        return self._loader(1000, 40, self.hparams.eval_batch_size)

    def test_dataloader(self):
        return self._loader(2000, 41, self.hparams.eval_batch_size)

    def predict_dataloader(self):
        return self._loader(3000, 6, 4)


class Tagger(L.LightningModule):
    def __init__(self, args: dict, width: int = 16):
        super().__init__()
        self.save_hyperparameters()
        self.embed, self.head = nn.Embedding(30, width), nn.Linear(width, 3)
        self.score = MulticlassF1Score(3, ignore_index=-100)

    def forward(self, input_ids, attention_mask=None, labels=None):
        logits = self.head(self.embed(input_ids))
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits.transpose(1, 2), labels)
        return {"loss": loss, "logits": logits}

    def training_step(self, batch, batch_idx):
        outputs = self(**batch)
        self.log("train/loss", outputs["loss"], batch_size=len(batch["input_ids"]))
        return outputs["loss"]

    def _measure(self, batch, split):
        size, outputs = len(batch["input_ids"]), self(**batch)
        self.score(outputs["logits"].transpose(1, 2), batch["labels"])
        self.log(f"{split}/f1", self.score, batch_size=size)
        self.log(f"{split}/loss", outputs["loss"], batch_size=size, sync_dist=True)

    def validation_step(self, batch, batch_idx):
        self._measure(batch, "val")

    def test_step(self, batch, batch_idx):
        self._measure(batch, "test")

    def predict_step(self, batch, batch_idx):
        tags = self(batch["input_ids"])["logits"].argmax(-1)
        lengths = batch["attention_mask"].sum(1)
        return [
            {"word": torch.arange(int(n)), "tag": row[: int(n)]}
            for row, n in zip(tags, lengths, strict=True)
        ]

    def configure_gradient_clipping(
        self, optimizer, gradient_clip_val=None, gradient_clip_algorithm=None
    ):
        nn.utils.clip_grad_norm_(self.parameters(), 1.0)

    def lr_scheduler_step(self, scheduler, metric):
        scheduler.step()

    def configure_optimizers(self):
        args, total = self.hparams.args, self.trainer.estimated_stepping_batches
        plain = [p for n, p in self.named_parameters() if n.endswith("bias")]
        decayed = [p for n, p in self.named_parameters() if not n.endswith("bias")]
        optimizer = Adafactor(
            [{"params": decayed, "weight_decay": args["weight_decay"]}, {"params": plain}],
            lr=args["learning_rate"],
            scale_parameter=False,
            relative_step=False,
        )
        warmup = int(total * args["warmup_ratio"])
        scheduler = get_linear_schedule_with_warmup(optimizer, warmup, int(total))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step", "frequency": 1},
            "monitor": "val/f1",
        }
