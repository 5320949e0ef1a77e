"""Build the table on which strategies are replayed: real learning curves of digits.

python benchmarks/curves.py [400]      configurations of 8 parameters, 27 epochs each, in 3 minutes
python benchmarks/curves.py [400] scheduled      with a learning-rate schedule as the ninth

400 training, 360 validation samples of scikit-learn's digits; a multilayer perceptron; validation
loss after each epoch. Written to benchmarks/curves.csv: the 8 coordinates in the unit cube, then 27
losses. The loss of a diverged run is written as 9. With `scheduled`, the schedule (constant,
cosine, one-cycle, or warm-up, stable, decay) is the ninth parameter, in scheduled_curves.csv. An
interrupted call can be continued.
"""

import csv
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

TABLE = Path(__file__).with_name("curves.csv")
SCHEDULED = TABLE.with_name("scheduled_curves.csv")
EPOCHS, SEED = 27, 20
NAMES = ("lr", "width", "depth", "dropout", "weight_decay", "batch", "optimizer", "activation")
SCHEDULES = ("constant", "cosine", "one_cycle", "wsd")


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
    steps = EPOCHS * -(-len(x) // batch)
    kind = SCHEDULES[int(units[8] * 3.999)] if len(units) > len(NAMES) else SCHEDULES[0]
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: factor(kind, step / steps))
    for _ in range(EPOCHS):
        model.train()
        for rows in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            value = float(loss(model(x_val), y_val))
        yield min(value, 9.0) if value == value else 9.0


def factor(kind: str, at: float) -> float:
    """Return the learning rate at a fraction of the training, relative to the maximum."""
    if kind == "constant":
        return 1.0
    if kind == "cosine":
        return 0.5 * (1 + math.cos(math.pi * at))
    if kind == "wsd":  # a warm-up of 5 %, a linear decay in the last 20 %
        return min(1.0, at / 0.05, (1 - at) / 0.2) if at < 1 else 0.0
    up = at / 0.3  # as in configs/scheduler/one_cycle.yaml: from 1/25 up, then down to nearly 0
    return (
        0.04 + 0.48 * (1 - math.cos(math.pi * up))
        if up < 1
        else 0.5 * (1 + math.cos(math.pi * (at - 0.3) / 0.7))
    )


def split() -> list[torch.Tensor]:
    data = load_digits()
    order = np.random.default_rng(SEED).permutation(len(data.target))
    x = torch.tensor(data.data[order] / 16, dtype=torch.float32)
    y = torch.tensor(data.target[order])
    return [x[:400], y[:400], x[400:760], y[400:760]]


def whole_rows(path: Path, length: int) -> list[list[str]]:
    """Return the complete rows of an earlier call, which may have been interrupted."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [
            row
            for row in list(csv.reader(file))[1:]
            if len(row) == length and len(row[-1].partition(".")[2]) == 4
        ]


def main(configurations: int, *, scheduled: bool) -> None:
    torch.set_num_threads(1)
    names = (*NAMES, "schedule") if scheduled else NAMES
    cube = np.random.default_rng(SEED + scheduled).random((configurations, len(names)))
    parts = split()
    path, header = SCHEDULED if scheduled else TABLE, [*names, *range(1, EPOCHS + 1)]
    before = whole_rows(path, len(header))
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([header, *before])
        for number, units in enumerate(cube.tolist()):
            if number < len(before):
                continue
            values = list(curve(units, parts, number))
            writer.writerow([*(f"{u:.6f}" for u in units), *(f"{v:.4f}" for v in values)])
            if number % 50 == 0:
                print(number, min(values), file=sys.stderr, flush=True)


if __name__ == "__main__":
    words = sys.argv[1:]
    count = next((int(word) for word in words if word.isdecimal()), 400)
    main(count, scheduled="scheduled" in words)
