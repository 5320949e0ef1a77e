"""Quintet's overhead over a hand-written loop: same data, model and batches, in alternation.

python benchmarks/overhead.py
python benchmarks/overhead.py --epochs 21 --batch 32 optimizer=sgd_momentum

One process trains through `quintet.training.experiment.run` with all defaults. Between its epochs,
each of the loops below trains one epoch, so that all are subject to the same noise of the machine.
Ratios are within a round; medians are over all rounds but the first.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import lightning.pytorch as L
import numpy as np
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from quintet.training import build, experiment

ROOT = Path(__file__).parents[1]
CLASSES = 10
Loop = Callable[[], None]
Clock = Callable[[], float]
Seconds = dict[str, list[float]]


def write_data(path: Path, samples: int, features: int) -> None:
    """Write noise around ten centres: synthetic, since only its size matters here."""
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(CLASSES, features))
    parts: dict[str, Any] = {}
    for name, size in (("train", samples), ("val", samples // 6), ("test", samples // 6)):
        y = generator.integers(CLASSES, size=size)
        x = centres[y] + 4 * generator.normal(size=(size, features))
        parts |= {f"x_{name}": x.astype(np.float32), f"y_{name}": y}
    np.savez(path, **parts)


def compose_run(folder: Path, options: argparse.Namespace) -> DictConfig:
    """Return train.yaml's defaults with this benchmark's data, model and batch size."""
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        return compose(
            "train",
            [
                "data=arrays",
                f"data.path={folder}/data.npz",
                f"data.batch_size={options.batch}",
                "model.width=128",
                "model.depth=1",
                "model.dropout=0",  # the hand-written model has none
                f"trainer.max_epochs={options.epochs + 1}",
                "trainer.accelerator=cpu",
                f"paths.root={folder}",
                f"paths.run={folder}/run",
                *options.overrides,
            ],
        )


def plain(x: Tensor, y: Tensor, batch: int, *, fused: bool = False) -> Loop:
    """Return a hand-written loop that trains one epoch."""
    model, criterion, optimizer = _parts(x, fused)

    def epoch() -> None:
        order = torch.randperm(len(x))
        for i in range(0, len(x), batch):
            index = order[i : i + batch]
            optimizer.zero_grad()
            loss = criterion(model(x[index]), y[index])
            loss.backward()
            optimizer.step()

    return epoch


def by_item(x: Tensor, y: Tensor, batch: int) -> Loop:
    """Return the same loop over a DataLoader, which collates single samples."""
    model, criterion, optimizer = _parts(x, fused=False)
    loader = DataLoader(TensorDataset(x, y), batch_size=batch, shuffle=True)

    def epoch() -> None:
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()

    return epoch


def _parts(x: Tensor, fused: bool) -> tuple[nn.Module, nn.Module, torch.optim.Optimizer]:
    model = nn.Sequential(nn.Linear(x.shape[1], 128), nn.ReLU(), nn.Linear(128, CLASSES))
    return model, nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), fused=fused or None)


class Alternation:
    """Times a Trainer's epochs, and runs other loops between them.

    The Trainer's own methods are wrapped rather than watched by a callback, which would itself
    cost time in every step.
    """

    def __init__(self, clock: Clock, loops: Callable[[], dict[str, Loop]]) -> None:
        self.clock, self.make_loops = clock, loops
        self.seconds: Seconds = {}
        self._validating = 0.0

    def install(self, trainer: L.Trainer) -> None:
        """Wrap the parts of an epoch."""
        fit, validate = trainer.fit_loop, trainer.fit_loop.epoch_loop.val_loop
        advance, end, validation = fit.advance, fit.on_advance_end, validate.run
        loops: dict[str, Loop] = {}

        def timed_validation() -> Any:
            self._validating, result = self._time(validation)
            return result

        def timed_epoch() -> None:
            training, _ = self._time(advance)
            self._note("quintet, training", training - self._validating)
            self._note("quintet, whole epoch", training)

        def timed_end() -> None:
            self.seconds["quintet, whole epoch"][-1] += self._time(end)[0]
            loops.update({} if loops else self.make_loops())
            names = list(loops)
            for name in names if trainer.current_epoch % 2 else reversed(names):
                self._note(name, self._time(loops[name])[0])

        fit.advance, fit.on_advance_end, validate.run = timed_epoch, timed_end, timed_validation  # type: ignore[method-assign]

    def _time(self, function: Callable[[], Any]) -> tuple[float, Any]:
        began = self.clock()
        result = function()
        return self.clock() - began, result

    def _note(self, name: str, seconds: float) -> None:
        self.seconds.setdefault(name, []).append(seconds)


def measure(options: argparse.Namespace) -> Seconds:
    """Return the seconds of every epoch by name."""
    real_trainer, real_data = build.trainer, build.data
    data: list[Any] = []

    def loops() -> dict[str, Loop]:
        x, y = data[0].splits["train"]
        x = x.flatten(1)
        every = {
            "plain loop": plain(x, y, options.batch),
            "plain loop, fused Adam": plain(x, y, options.batch, fused=True),
        }
        if options.items:
            every["plain loop, DataLoader"] = by_item(x, y, options.batch)
        return every

    alternation = Alternation(getattr(time, options.clock), loops)

    def data_seen(cfg: DictConfig) -> Any:
        data.append(real_data(cfg))
        return data[0]

    def trainer_timed(cfg: DictConfig, *, watched: bool = True, **settings: Any) -> L.Trainer:
        trainer = real_trainer(cfg, watched=watched, **settings)
        if watched:
            alternation.install(trainer)
        return trainer

    with TemporaryDirectory() as folder:
        (Path(folder) / "run").mkdir()  # as Hydra would
        write_data(Path(folder) / "data.npz", options.samples, options.features)
        build.data, build.trainer = data_seen, trainer_timed
        try:
            experiment.run(compose_run(Path(folder), options))
        finally:
            build.data, build.trainer = real_data, real_trainer
    return alternation.seconds


def table(seconds: Seconds, steps: int) -> Iterator[str]:
    """Yield a row per variant: seconds per epoch, microseconds per step, ratio to plain."""
    base = seconds["plain loop"][1:]
    yield "| | s an epoch | us a step | ratio to the plain loop (min-max) |"
    yield "|---|---|---|---|"
    for name, values in seconds.items():
        middle = median(values[1:])
        ratios = [a / b for a, b in zip(values[1:], base, strict=True)]
        ratio = f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        yield f"| {name} | {middle:.3f} | {1e6 * middle / steps:.0f} | {ratio} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--features", type=int, default=784)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=11, help="rounds that count")
    parser.add_argument("--items", action="store_true", help="also a DataLoader, item by item")
    clocks = ("process_time", "perf_counter")
    parser.add_argument("--clock", choices=clocks, default=clocks[0], help="CPU or wall time")
    parser.add_argument("overrides", nargs="*", help="as for src/train.py")
    options = parser.parse_args()
    seconds = measure(options)
    print(f"\n{torch.get_num_threads()} thread, {options.clock}, medians of {options.epochs}")
    print(*table(seconds, -(-options.samples // options.batch)), sep="\n")


if __name__ == "__main__":
    main()
