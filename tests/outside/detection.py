"""Detection of squares and bars in pictures of different sizes, with any number of them."""

import lightning.pytorch as L
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchmetrics import MeanMetric


class Shapes(Dataset):
    def __init__(self, count, seed):
        self.count, self.seed = count, seed

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        g = torch.Generator().manual_seed(self.seed * 100003 + i)
        h, w = (int(n) * 8 for n in torch.randint(4, 7, (2,), generator=g))
        image = torch.rand(1, h, w, generator=g) * 0.2
        n = int(torch.randint(0, 4, (), generator=g))
        boxes, labels = [], []
        for _ in range(n):
            label = int(torch.randint(0, 2, (), generator=g))
            bh, bw = (6, 6) if label == 0 else (3, 10)
            y, x = (
                int(torch.randint(0, h - bh, (), generator=g)),
                int(torch.randint(0, w - bw, (), generator=g)),
            )
            image[:, y : y + bh, x : x + bw] += 0.8
            boxes.append([x, y, x + bw, y + bh])
            labels.append(label)
        target = {
            "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
            "labels": torch.tensor(labels, dtype=torch.long),
            "image_id": i,
        }
        return image, target


def collate(items):
    return tuple(zip(*items, strict=True))


class ShapesData(L.LightningDataModule):
    def __init__(self, count: int = 96, batch_size: int = 8, num_workers: int = 0):
        super().__init__()
        self.save_hyperparameters()

    def _loader(self, n, seed, shuffle=False):
        return DataLoader(
            Shapes(n, seed),
            self.hparams.batch_size,
            shuffle=shuffle,
            collate_fn=collate,
            num_workers=self.hparams.num_workers,
        )

    def train_dataloader(self):
        return self._loader(self.hparams.count, 0, True)

    def val_dataloader(self):
        return self._loader(30, 1)

    def test_dataloader(self):
        return self._loader(29, 2)

    def predict_dataloader(self):
        return self._loader(5, 3)


class Detector(L.LightningModule):
    """One prediction for each cell of 8 x 8 pixels (CenterNet-like)."""

    def __init__(self, optimizer, scheduler, width: int = 16, classes: int = 2):
        super().__init__()
        self.save_hyperparameters(ignore=["optimizer", "scheduler"])
        self.optimizer, self.scheduler = optimizer, scheduler
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(width, classes + 4, 1),
        )
        self.hits = MeanMetric()

    def forward(self, images):
        if self.training:
            return [self.body(x[None])[0] for x in images]
        return [self._decode(self.body(x[None])[0]) for x in images]

    def _decode(self, out):
        c = self.hparams.classes
        scores, labels = out[:c].sigmoid().max(0)
        keep = scores > 0.3
        ys, xs = keep.nonzero(as_tuple=True)
        d = out[c:, ys, xs].T * 8
        cx, cy = (xs + 0.5) * 8, (ys + 0.5) * 8
        boxes = torch.stack(
            [
                cx + d[:, 0] - d[:, 2].exp().clamp(max=20),
                cy + d[:, 1] - d[:, 3].exp().clamp(max=20),
                cx + d[:, 0] + d[:, 2].exp().clamp(max=20),
                cy + d[:, 1] + d[:, 3].exp().clamp(max=20),
            ],
            1,
        )
        return {"boxes": boxes, "labels": labels[keep], "scores": scores[keep]}

    def _loss(self, images, targets):
        was = self.training
        self.train()
        outs = self(images)
        self.train(was)
        c = self.hparams.classes
        cls, box = [], []
        for out, t in zip(outs, targets, strict=True):
            want = torch.zeros_like(out[:c])
            centres = (t["boxes"][:, :2] + t["boxes"][:, 2:]) / 2
            cells = (centres // 8).long()
            cells[:, 0].clamp_(max=out.shape[2] - 1)
            cells[:, 1].clamp_(max=out.shape[1] - 1)
            want[t["labels"], cells[:, 1], cells[:, 0]] = 1
            cls.append(
                nn.functional.binary_cross_entropy_with_logits(out[:c], want, reduction="sum")
            )
            if len(cells):
                d = out[c:, cells[:, 1], cells[:, 0]].T * 8
                offset = centres - (cells + 0.5) * 8
                half = (t["boxes"][:, 2:] - t["boxes"][:, :2]).div(2).log()
                box.append(
                    nn.functional.smooth_l1_loss(d, torch.cat([offset, half], 1), reduction="sum")
                )
        n = len(images)
        return {
            "loss_classifier": torch.stack(cls).sum() / n,
            "loss_box": (torch.stack(box).sum() if box else out.sum() * 0) / n,
        }

    def training_step(self, batch, batch_idx):
        images, targets = batch
        losses = self._loss(images, targets)
        self.log_dict(
            {f"train/{k}": v for k, v in losses.items()}, batch_size=len(images), prog_bar=True
        )
        loss = sum(losses.values())
        self.log("train/loss", loss, batch_size=len(images))
        return loss

    def _evaluate(self, batch, split):
        images, targets = batch
        found = self(images)
        for f, t in zip(found, targets, strict=True):
            for label, box in zip(t["labels"], t["boxes"], strict=True):
                same = f["boxes"][f["labels"] == label]
                ok = len(same) and bool((box_iou(box[None], same) > 0.3).any())
                self.hits.update(float(ok))
        self.log(f"{split}/recall", self.hits, on_epoch=True, batch_size=len(images))

    def validation_step(self, batch, batch_idx):
        self._evaluate(batch, "val")

    def test_step(self, batch, batch_idx):
        self._evaluate(batch, "test")

    def predict_step(self, batch, batch_idx):
        return self(batch[0])

    def configure_optimizers(self):
        opt = self.optimizer(self.parameters())
        return [opt], [self.scheduler(opt)]


def box_iou(a, b):
    lt = torch.maximum(a[:, None, :2], b[None, :, :2])
    rb = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = (rb - lt).clamp(min=0).prod(-1)
    return inter / (area(a)[:, None] + area(b)[None] - inter + 1e-6)


def area(boxes):
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(-1)
