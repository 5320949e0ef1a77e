"""The best learning rate at each width, with init=mup and with one rate for all layers.

python benchmarks/mup.py play [optimizers=adam,sgd] [widths=64,128,256,512,1024]
    [seeds=3] [epochs=5]
python benchmarks/mup.py show

Trains the MLP on digits at every width with rates by factors of two, without schedule or dropout.
Both begin with He init, and are the same at the first width. What is compared is the training loss
of the last epoch, the mean over seeds, as in the figures of "Tensor Programs V"; a run that
diverges counts as infinite. What mup.csv has is not played again.
"""

import csv
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import fmean

from foreign import ScoreRows

ROOT = Path(__file__).parents[1]
ROWS = ScoreRows(
    Path(__file__).with_name("mup.csv"), ("optimizer", "init", "width", "lr", "seed", "loss")
)
INITS = ("mup", "he_normal")
POWERS = {"adam": range(-12, -3), "sgd": range(-7, 2)}
"""Powers of two that are tried as rates."""
COMMON = (
    *("data=digits", "model.dropout=0", "scheduler=constant", "report=false", "test=false"),
    *("sweeper=grid", "sweeper.slots=1", "sweeper.stack=auto"),
)


def play(optimizer: str, init: str, width: int, base: int, seeds: int, epochs: int) -> None:
    """Train with every rate and seed, and add the rows."""
    rates = [2.0**power for power in POWERS[optimizer]]
    folder = Path(tempfile.mkdtemp(prefix="mup-"))
    words = (
        *(f"optimizer={optimizer}", f"init={init}", f"model.width={width}"),
        *((f"init.base_width={base}",) if init == "mup" else ()),
        f"optimizer.lr={','.join(map(str, rates))}",
        f"seed={','.join(map(str, range(seeds)))}",
        f"trainer.max_epochs={epochs}",
    )
    command = [sys.executable, str(ROOT / "src/train.py"), "-m", f"hydra.sweep.dir={folder}"]
    subprocess.run([*command, *COMMON, *words], check=True, stdout=subprocess.DEVNULL)
    with (folder / "leaderboard.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            loss = last_loss(Path(row["folder"])) if row["state"] == "completed" else math.inf
            ROWS.add(
                (optimizer, init, width, row["optimizer.lr"], row.get("seed", "0"), f"{loss:.5g}")
            )


def last_loss(folder: Path) -> float:
    """Return the training loss of a run's last epoch."""
    with (folder / "metrics.csv").open(newline="") as file:
        return float([*csv.DictReader(file)][-1]["train/loss"])


def show() -> None:
    """Print the best rate of each width, and by how many factors of two it has moved."""
    found: dict[tuple[str, str, int], dict[float, list[float]]] = {}
    for row in ROWS.read():
        place = found.setdefault((row["optimizer"], row["init"], int(row["width"])), {})
        place.setdefault(float(row["lr"]), []).append(float(row["loss"]))
    print("| optimizer, init | width | best rate | moved by factors of two | loss there |")
    print("|---|---|---|---|---|")
    first: dict[tuple[str, str], float] = {}
    for (optimizer, init, width), by_rate in found.items():
        best = min(by_rate, key=lambda rate: fmean(by_rate[rate]))
        begun = first.setdefault((optimizer, init), best)
        moved = round(math.log2(best / begun))
        loss = fmean(by_rate[best])
        print(f"| {optimizer}, {init} | {width} | {best:.3g} | {moved:+d} | {loss:.4f} |")


if __name__ == "__main__":
    what, *words = sys.argv[1:] or ["show"]
    given = dict(word.split("=", 1) for word in words)
    if what == "play":
        widths = [int(width) for width in given.get("widths", "64,128,256,512,1024").split(",")]
        often = int(given.get("seeds", 3)), int(given.get("epochs", 5))
        for optimizer in given.get("optimizers", "adam,sgd").split(","):
            for init in INITS:
                for width in widths:
                    if (optimizer, init, str(width)) not in ROWS.known():
                        play(optimizer, init, width, widths[0], *often)
    else:
        show()
