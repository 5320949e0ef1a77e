"""Models whose constructor loads weights, and one that loads none."""

import torch
from torch import Tensor, nn


class Backbone(nn.Module):
    """Built as in timm: layers, then a state dict from a file, and a new head."""

    def __init__(self, path: str, num_outputs: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.block = nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU())
        self.adapter = nn.Linear(4, 4, bias=False)
        nn.init.zeros_(self.adapter.weight)  # as the second matrix of LoRA
        self.head = nn.Linear(4, num_outputs)
        nn.init.zeros_(self.head.bias)
        self.load_state_dict(torch.load(path, weights_only=True), strict=False)

    def forward(self, x: Tensor) -> Tensor:
        features = self.block(self.norm(self.stem(x))).mean((2, 3))
        outputs: Tensor = self.head(features + self.adapter(features))
        return outputs


class Bert(nn.Module):
    """Hugging Face's BERT with a new head; it reads the rows of an image as tokens."""

    def __init__(self, path: str, num_outputs: int) -> None:
        super().__init__()
        from transformers import BertModel

        self.bert = BertModel.from_pretrained(path, add_pooling_layer=False)
        self.head = nn.Linear(self.bert.config.hidden_size, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        read = self.bert(inputs_embeds=x.flatten(1).unflatten(1, (8, 8)))
        outputs: Tensor = self.head(read.last_hidden_state[:, 0])
        return outputs


class Plain(nn.Module):
    """Loads nothing; its head begins at zero."""

    def __init__(self, path: str, num_outputs: int) -> None:
        super().__init__()
        self.body = nn.Linear(64, 8)
        self.head = nn.Linear(8, num_outputs)
        nn.init.zeros_(self.head.weight)

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.body(x.flatten(1)).relu())
        return outputs
