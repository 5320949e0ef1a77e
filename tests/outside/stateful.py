"""Data whose loader can be continued in the middle of an epoch, as torchdata's can."""

import torch
from torch.utils.data import Dataset
from torchdata.stateful_dataloader import StatefulDataLoader

from outside.template_style import DigitsDataModule


class Noisy(Dataset):
    """Samples that are changed at random whenever they are read."""

    def __init__(self, data):
        self.data = data

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        x, y = self.data[index]
        return x + 0.1 * torch.randn_like(x), y


class StatefulData(DigitsDataModule):
    facts = {"task": "multiclass", "num_classes": 10, "input_shape": [1, 8, 8], "num_targets": 1}  # noqa: RUF012

    def train_dataloader(self):
        return StatefulDataLoader(Noisy(self.data_train), batch_size=64, shuffle=True)
