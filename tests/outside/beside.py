"""A model of an image and of a table's columns, whose categories are embedded."""

import torch
from torch import nn


class Beside(nn.Module):
    def __init__(self, inputs, cardinalities: list[int], num_outputs: int):
        super().__init__()
        channels = inputs["image"]["shape"][0]
        self.numbers = inputs["table"]["shape"][0] - len(cardinalities)
        self.look = nn.Sequential(nn.Conv2d(channels, 8, 3, padding=1), nn.ReLU())
        self.embed = nn.ModuleList(nn.Embedding(count, 2) for count in cardinalities)
        self.head = nn.Linear(8 + self.numbers + 2 * len(cardinalities), num_outputs)

    def forward(self, image, table):
        seen = self.look(image).mean((2, 3))
        codes = table[:, self.numbers :].long().unbind(1)
        words = [embed(code) for embed, code in zip(self.embed, codes, strict=True)]
        return self.head(torch.cat([seen, table[:, : self.numbers], *words], 1))
