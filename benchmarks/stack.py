"""Cost of one more trial of a sweep: stacked, forked, and as a plain loop.

python benchmarks/stack.py                      four shapes of model; 8, 32 and 60 trials at a time
python benchmarks/stack.py --shapes 64 --widths 60 --whole 60

Sweeps with few and with many trials are run. The difference of their CPU seconds, divided by the
difference of their numbers of trials, is the cost of one more trial, without start-up. Stacked
sweeps have one full stack and two. The plain loop is hand-written: batches, forward, backward and
`Adam.step`. `--whole` also runs whole sweeps.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import nn

ROOT = Path(__file__).parents[1]
SWEEP = ["-m", "sweeper=random", "trainer=cpu", "report=false", "test=false"]
SPACE = "optimizer.lr=tag(log,interval(1e-4,1e-2))"
SAMPLES, BATCH = 1257, 64  # of digits' training part


def plain_loop(width: int, epochs: int) -> float:
    """Return the CPU seconds of a trial's training steps in a hand-written loop."""
    torch.set_num_threads(1)
    hidden = [nn.Linear(64, width), nn.ReLU(), nn.Dropout(0.2)]
    hidden += [nn.Linear(width, width), nn.ReLU(), nn.Dropout(0.2)]
    model, criterion = nn.Sequential(*hidden, nn.Linear(width, 10)), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    x, y = torch.randn(SAMPLES, 64), torch.randint(10, (SAMPLES,))
    began = time.process_time()
    for _ in range(epochs):
        for index in torch.randperm(SAMPLES).split(BATCH):
            optimizer.zero_grad()
            criterion(model(x[index]), y[index]).backward()
            optimizer.step()
    return time.process_time() - began


def sweep(folder: Path, trials: int, stack: int, width: int, epochs: int) -> tuple[float, float]:
    """Run a sweep; return its CPU and wall seconds, children included."""
    own = [f"model.width={width}", f"trainer.max_epochs={epochs}", f"sweeper.n_trials={trials}"]
    own += [f"sweeper.stack={stack}", f"hydra.sweep.dir={folder}", SPACE]
    command = [sys.executable, str(ROOT / "src/train.py"), *SWEEP, *own]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def further(place: Path, stack: int, options: argparse.Namespace, shape: int) -> float:
    """Return the CPU seconds of one more trial."""
    few, many = (4, 12) if stack == 1 else (stack, 2 * stack)
    spent = [
        sweep(place / f"{shape}_{stack}_{n}", n, stack, shape, options.epochs)[0]
        for n in (few, many)
    ]
    return (spent[1] - spent[0]) / (many - few)


def compare_whole(place: Path, options: argparse.Namespace) -> None:
    """Print how long whole sweeps take, one trial at a time and stacked."""
    shape, trials = options.shapes[0], options.whole
    for stack in (1, options.widths[-1]):
        wall = sweep(place / f"whole_{stack}", trials, stack, shape, options.epochs)[1]
        print(f"{trials} trials, stack={stack}: {wall:.1f} s", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", type=int, nargs="+", default=[16, 64, 128, 256])
    parser.add_argument("--widths", type=int, nargs="+", default=[8, 32, 60], help="of stacks")
    parser.add_argument("--whole", type=int, default=0, help="trials of whole sweeps")
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    print(
        f"CPU seconds of a further trial of {options.epochs} epochs; load {os.getloadavg()[0]:.1f}"
    )
    titles = [f"{k} at a time" for k in options.widths]
    print(f"| width of the MLP | plain loop | forked | {' | '.join(titles)} | gain |")
    print("|---|---|---|" + "---|" * (len(titles) + 1))
    with tempfile.TemporaryDirectory() as name:
        for shape in options.shapes:
            loop = min(plain_loop(shape, options.epochs) for _ in range(3))
            forked, *stacked = (
                further(Path(name), k, options, shape) for k in (1, *options.widths)
            )
            cells = [f"{value:.3f}" for value in (loop, forked, *stacked)]
            print(f"| {shape} | {' | '.join(cells)} | {forked / stacked[-1]:.1f} |", flush=True)
        if options.whole:
            compare_whole(Path(name), options)


if __name__ == "__main__":
    main()
