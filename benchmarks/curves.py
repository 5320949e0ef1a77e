"""Build the table that strategies are replayed on: real learning curves of digits.

python benchmarks/curves.py [400]      configurations of 8 parameters, 27 epochs each, in 3 minutes

400 training, 360 validation samples of scikit-learn's digits; a multilayer perceptron; validation
loss after each epoch. Written to benchmarks/curves.csv: the 8 places in the unit cube, then 27
losses. The loss of a run that diverges is written as 9.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

TABLE = Path(__file__).with_name("curves.csv")
EPOCHS, SEED = 27, 20
NAMES = ("lr", "width", "depth", "dropout", "weight_decay", "batch", "optimizer", "activation")


def log(low: float, high: float, unit: float) -> float:
    return float(low * (high / low) ** unit)


def curve(units: list[float], split: list[torch.Tensor], seed: int) -> Iterator[float]:
    """Train one configuration; yield the validation loss after each epoch."""
    torch.manual_seed(seed)
    x, y, x_val, y_val = split
    lr, width = log(1e-4, 1, units[0]), int(log(16, 512, units[1]))
    depth, batch = 1 + int(units[2] * 2.999), (16, 32, 64, 128)[int(units[5] * 3.999)]
    activation = nn.ReLU if units[7] < 0.5 else nn.Tanh
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [nn.Linear(64 if i == 0 else width, width), activation()]
        layers += [nn.Dropout(units[3] * 0.6)]
    model = nn.Sequential(*layers, nn.Linear(width, 10))
    decay = log(1e-6, 1e-1, units[4])
    optimizer: torch.optim.Optimizer = (
        torch.optim.AdamW(model.parameters(), lr, weight_decay=decay, fused=True)
        if units[6] < 0.5
        else torch.optim.SGD(model.parameters(), lr, 0.9, weight_decay=decay, fused=True)
    )
    loss = nn.CrossEntropyLoss()
    for _ in range(EPOCHS):
        model.train()
        for rows in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            value = float(loss(model(x_val), y_val))
        yield min(value, 9.0) if value == value else 9.0


def split() -> list[torch.Tensor]:
    data = load_digits()
    order = np.random.default_rng(SEED).permutation(len(data.target))
    x = torch.tensor(data.data[order] / 16, dtype=torch.float32)
    y = torch.tensor(data.target[order])
    return [x[:400], y[:400], x[400:760], y[400:760]]


def main(configurations: int) -> None:
    torch.set_num_threads(1)
    cube = np.random.default_rng(SEED).random((configurations, len(NAMES)))
    parts = split()
    with TABLE.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*NAMES, *range(1, EPOCHS + 1)])
        for number, units in enumerate(cube.tolist()):
            values = list(curve(units, parts, number))
            writer.writerow([*(f"{u:.6f}" for u in units), *(f"{v:.4f}" for v in values)])
            if number % 50 == 0:
                print(number, min(values), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
