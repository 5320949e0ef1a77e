"""Runs on a device: steps compared with a hand-written loop, and stacked sweeps.

python benchmarks/gpu.py                            the best device of this machine
python benchmarks/gpu.py --only cnn --epochs 3 --samples 2000 --accelerator cpu --widths

Steps: the default model, a CNN and a ResNet on images of CIFAR's size, and a language model of some
25 million parameters. Each trains through `quintet.training.experiment.run` with all defaults, in
bf16, with and without `compile`; after each of its epochs a hand-written loop trains a copy of the
same network on the same batches. Times are wall time of an epoch's training, until the device has
finished; the first epoch, which compiles, is not counted. All data are synthetic, since only their
sizes matter.

Stacks: trials per hour of a sweep of the default model, stacked and with one process per trial.

`--strategies` also trains an epoch with ddp and fsdp, on a single device.
"""

import argparse
import copy
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import lightning.pytorch as L
import numpy as np
import torch
from hydra import compose, initialize_config_dir
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from quintet.training import build, experiment

ROOT = Path(__file__).absolute().parents[1]
CLASSES, SIDE = 10, 32
LENGTH, VOCABULARY = 256, 256
IMAGES = ("data=arrays", "data.path={place}/images.npz", "data.kind=image")
TEXT = (
    *("experiment=language_model", "data=token_files", "data.path={place}/tokens"),
    *("metric=logged", "metric.name=loss", "metric.mode=min"),  # no bytes per token are known
)


@dataclass(frozen=True)
class Work:
    """A run to measure: its overrides and its size."""

    overrides: tuple[str, ...]
    large: tuple[str, ...] = ()


WORKS = {
    "default": Work(("data=arrays", "data.path={place}/table.npz", "data.batch_size=256")),
    "cnn": Work((*IMAGES, "model=cnn", "data.batch_size=256")),
    "resnet": Work((*IMAGES, "model=resnet", "data.batch_size=256")),
    "language_model": Work(TEXT, ("model.width=512", "model.depth=8", "model.heads=8")),
}


def write_data(place: Path, samples: int) -> None:
    """Write noise: a table, images, and tokens."""
    draw = np.random.default_rng(0)
    for name, shape in (("table", (784,)), ("images", (3, SIDE, SIDE))):
        x = draw.normal(size=(samples, *shape)).astype(np.float32)
        np.savez(place / f"{name}.npz", x=x, y=draw.integers(CLASSES, size=samples))
    (folder := place / "tokens").mkdir()
    for name, count in (("train", samples), ("val", samples // 10), ("test", samples // 10)):
        tokens = draw.integers(VOCABULARY, size=max(4, count // 8) * LENGTH + 1)
        tokens.astype(np.uint16).tofile(folder / f"{name}.bin")
    about = {"dtype": "uint16", "vocabulary": VOCABULARY}
    (folder / "tokens.json").write_text(json.dumps(about))


class ByHand:
    """A hand-written loop with the same network, optimizer, precision and batches."""

    def __init__(self, task: L.LightningModule, device: torch.device) -> None:
        own = getattr(task, "model", task)
        self.network: nn.Module = copy.deepcopy(getattr(own, "_orig_mod", own)).train()
        self.device = device
        fused = device.type == "cuda" or None
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=1e-4, fused=fused)

    def compile(self) -> None:
        """Compile the network, as the run's is."""
        self.network.compile()

    def epoch(self, batches: list[tuple[Tensor, Tensor]]) -> None:
        """Train on each batch."""
        for x, y in batches:
            self.optimizer.zero_grad()
            with torch.autocast(self.device.type, torch.bfloat16):
                outputs = self.network(x)
                loss = cross_entropy(outputs.flatten(0, -2), y.flatten())
            loss.backward()
            self.optimizer.step()


class Turns:
    """Times the Trainer's epochs, and a hand-written epoch after each."""

    def __init__(self, compiled: bool) -> None:
        self.compiled = compiled
        self.seconds: dict[str, list[float]] = {"ours": [], "by hand": []}
        self.parameters = self.steps = 0

    def install(self, trainer: L.Trainer) -> None:
        """Wrap the parts of an epoch, except its validation."""
        fit, validate = trainer.fit_loop, trainer.fit_loop.epoch_loop.val_loop
        advance, end, validation = fit.advance, fit.on_advance_end, validate.run
        validating = [0.0]
        hand: list[Any] = []

        def timed_validation() -> Any:
            validating[0], result = timed(validation)
            return result

        def timed_epoch() -> None:
            self.seconds["ours"].append(timed(advance)[0] - validating[0])

        def timed_end() -> None:
            end()
            if not hand:
                hand.extend(self._begin(trainer))
            self.seconds["by hand"].append(timed(lambda: hand[0].epoch(hand[1]))[0])

        fit.advance, fit.on_advance_end, validate.run = timed_epoch, timed_end, timed_validation  # type: ignore[method-assign]

    def _begin(self, trainer: L.Trainer) -> tuple[ByHand, list[Any]]:
        task, data = trainer.lightning_module, trainer.datamodule  # type: ignore[attr-defined]
        device = task.device
        batches = [pair(batch, device) for batch in data.train_dataloader()]
        hand = ByHand(task, device)
        if self.compiled:
            hand.compile()
        self.parameters = sum(p.numel() for p in hand.network.parameters())
        self.steps = len(batches)
        return hand, batches


def pair(batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return inputs and targets of a batch; of tokens, the targets are the next ones."""
    x, y = (batch[:, :-1], batch[:, 1:]) if isinstance(batch, Tensor) else batch[:2]
    return x.to(device), y.to(device)


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that a function takes on the device, and its result."""
    wait()
    began = time.perf_counter()
    result = function()
    wait()
    return time.perf_counter() - began, result


def wait() -> None:
    """Wait for the device."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def measure(overrides: list[str], turns: Turns) -> None:
    """Train, with the hand-written loop after each epoch."""
    real = build.trainer

    def trainer(cfg: Any, *, watched: bool = True, **settings: Any) -> L.Trainer:
        made = real(cfg, watched=watched, **settings)
        if watched:
            turns.install(made)
        return made

    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        cfg = compose("train", overrides)
    build.trainer = trainer
    try:
        experiment.run(cfg)
    finally:
        build.trainer = real


def run_of(work: Work, place: Path, options: argparse.Namespace, number: int) -> list[str]:
    """Return a run's overrides."""
    (folder := place / f"run{number}").mkdir()
    large = () if options.small else work.large
    return [
        *(word.format(place=place) for word in (*work.overrides, *large)),
        f"trainer.accelerator={options.accelerator}",
        f"trainer.max_epochs={options.epochs + 1}",
        "trainer.precision=bf16-mixed",
        "test=false",
        f"paths.root={place}",
        f"paths.run={folder}",
    ]


def steps(place: Path, options: argparse.Namespace) -> Iterator[str]:
    """Yield a row for each kind of run."""
    yield "| run | parameters | compiled | ours, ms a step | by hand | ratio |"
    yield "|---|---|---|---|---|---|"
    kinds = [(n, c) for n in options.only for c in ((False, True) if options.compile else (False,))]
    for number, (name, compiled) in enumerate(kinds):
        turns = Turns(compiled)
        own = run_of(WORKS[name], place, options, number)
        measure([*own, f"compile={str(compiled).lower()}"], turns)
        ours, hand = (1e3 * median(each[1:]) / turns.steps for each in turns.seconds.values())
        size = f"{turns.parameters / 1e6:.2f} M"
        yield f"| {name} | {size} | {compiled} | {ours:.2f} | {hand:.2f} | {ours / hand:.3f} |"


def command(place: Path, *overrides: str) -> float:
    """Run `train.py`; return its seconds.

    Raises:
        SystemExit: it fails.

    """
    words = [sys.executable, str(ROOT / "src/train.py"), *overrides, f"paths.root={place}"]
    began = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, env=dict(os.environ))
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return time.monotonic() - began


def stacks(place: Path, options: argparse.Namespace) -> Iterator[str]:
    """Yield trials per hour, unstacked and for each width of a stack, without start-up."""
    yield "| trials at a time | trials an hour |"
    yield "|---|---|"
    shared = [
        "-m",
        "sweeper=random",
        "report=false",
        "test=false",
        "optimizer.lr=interval(1e-4,1e-2)",
    ]
    shared += [f"trainer.accelerator={options.accelerator}", f"trainer.max_epochs={options.epochs}"]
    for width in (1, *options.widths):
        few, many = (1, 5) if width == 1 else (width, 2 * width)
        own = [*shared, f"sweeper.stack={width}"]
        spent = [
            command(place, *own, f"sweeper.n_trials={n}", f"hydra.sweep.dir={place}/s{width}_{n}")
            for n in (few, many)
        ]
        yield f"| {width} | {3600 * (many - few) / max(spent[1] - spent[0], 1e-9):.0f} |"


def strategies(place: Path, options: argparse.Namespace) -> Iterator[str]:
    """Yield the seconds of an epoch by strategy on one device."""
    for name in ("ddp", "fsdp"):
        own = [f"trainer={name}", "trainer.devices=1", "trainer.max_epochs=1", "test=false"]
        yield f"trainer={name} on one device: {command(place, *own):.1f} s, start included"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=WORKS, default=list(WORKS))
    parser.add_argument("--samples", type=int, default=50_000)
    parser.add_argument("--epochs", type=int, default=5, help="that count")
    parser.add_argument("--widths", type=int, nargs="*", default=[8, 64], help="of stacks")
    parser.add_argument("--accelerator", default="auto")
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    parser.add_argument("--small", action="store_true", help="a small language model")
    parser.add_argument("--strategies", action="store_true", help="ddp and fsdp, which need CUDA")
    options = parser.parse_args()
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "no CUDA device"
    print(f"{card}; torch {torch.__version__}; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        write_data(place, options.samples)
        print(*steps(place, options), sep="\n")
        if options.widths:
            print(*stacks(place, options), sep="\n")
        if options.strategies:
            print(*strategies(place, options), sep="\n")


if __name__ == "__main__":
    main()
