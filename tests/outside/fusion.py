"""A model of several inputs, by their names: a picture, words with their mask, a table."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


class Fusion(nn.Module):
    def __init__(self, inputs: Mapping[str, Any], num_outputs: int, width: int = 8) -> None:
        super().__init__()
        channels = inputs["image"]["shape"][0]
        self.image = nn.Sequential(nn.Conv2d(channels, width, 3), nn.ReLU())
        self.words = nn.Embedding(inputs["ids"]["vocabulary"], width)
        self.table = nn.Linear(inputs["table"]["shape"][0], width)
        self.head = nn.Linear(3 * width, num_outputs)

    def forward(self, image: Tensor, ids: Tensor, mask: Tensor, table: Tensor) -> Tensor:
        assert ids.dtype == torch.int64
        words = (self.words(ids) * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)
        parts = [self.image(image).mean((2, 3)), words, self.table(table).relu()]
        outputs: Tensor = self.head(torch.cat(parts, dim=1))
        return outputs
