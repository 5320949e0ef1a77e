"""A BERT of `transformers`, built from a config: batches are dicts, padded by their collate."""

import lightning as L
import torch
from torch import Tensor
from torch.utils.data import DataLoader


def sentence(index: int) -> dict[str, list[int] | int]:
    """Return token ids in which 7 comes before 8, or the other way round."""
    generator = torch.Generator().manual_seed(index)
    words = torch.randint(10, 20, (int(torch.randint(3, 9, (), generator=generator)),))
    first = index % 2
    marks = [7, 8] if first else [8, 7]
    return {"input_ids": [1, marks[0], *words.tolist(), marks[1], 2], "labels": first}


def padded(items: list[dict[str, list[int]]]) -> dict[str, Tensor]:
    longest = max(len(item["input_ids"]) for item in items)
    rows = [item["input_ids"] + [0] * (longest - len(item["input_ids"])) for item in items]
    ids = torch.tensor(rows)
    labels = torch.tensor([item["labels"] for item in items])
    return {"input_ids": ids, "attention_mask": (ids != 0).long(), "labels": labels}


class Sentences(L.LightningDataModule):
    def __init__(self, count: int = 160, batch_size: int = 16) -> None:
        super().__init__()
        self.count, self.batch_size = count, batch_size

    def setup(self, stage: str) -> None:
        self.rows = [sentence(i) for i in range(self.count)]

    def _loader(self, rows, shuffle: bool = False) -> DataLoader[dict[str, Tensor]]:
        return DataLoader(rows, self.batch_size, shuffle=shuffle, collate_fn=padded)

    def train_dataloader(self):
        return self._loader(self.rows[:-60], shuffle=True)

    def val_dataloader(self):
        return self._loader(self.rows[-60:-30])

    def test_dataloader(self):
        return self._loader(self.rows[-30:])

    def predict_dataloader(self):
        return self._loader(self.rows[-30:])


class SentenceClassifier(L.LightningModule):
    """Takes its optimizer and schedule from the config's choices."""

    def __init__(self, optimizer, scheduler, hidden: int = 32) -> None:
        super().__init__()
        from transformers import BertConfig, BertForSequenceClassification

        self.save_hyperparameters()
        self.bert = BertForSequenceClassification(
            BertConfig(
                vocab_size=20,
                hidden_size=hidden,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=2 * hidden,
                max_position_embeddings=16,
            )
        )

    def training_step(self, batch, batch_idx: int) -> dict[str, Tensor]:
        loss = self.bert(**batch).loss
        self.log("train/loss", loss, on_step=False, on_epoch=True)
        return {"loss": loss}

    def _measure(self, batch, split: str) -> None:
        found = self.bert(**batch)
        hits = (found.logits.argmax(1) == batch["labels"]).float().mean()
        size = len(batch["labels"])
        self.log_dict({f"{split}/loss": found.loss, f"{split}/hits": hits}, batch_size=size)

    def validation_step(self, batch, batch_idx: int) -> None:
        self._measure(batch, "val")

    def test_step(self, batch, batch_idx: int) -> None:
        self._measure(batch, "test")

    def predict_step(self, batch, batch_idx: int) -> dict[str, Tensor]:
        logits = self.bert(batch["input_ids"], batch["attention_mask"]).logits
        return {"first": logits.argmax(1), "p": logits.softmax(1)}

    def configure_optimizers(self):
        optimizer = self.hparams.optimizer(params=self.trainer.model.parameters())
        scheduler = self.hparams.scheduler(optimizer=optimizer)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "epoch", "frequency": 1},
        }
