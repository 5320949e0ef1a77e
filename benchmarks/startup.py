"""Response time of each command, in multiples of `python -c 'import torch'`.

python benchmarks/startup.py

CPU seconds of processes started one after the other, all of them once a round; medians of ratios.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

TRAIN = str(Path(__file__).parents[1] / "src" / "train.py")
BASE = "import torch"
ADAM = "import torch; torch.optim.Adam(torch.nn.Linear(1, 1).parameters())"


def commands(folder: str) -> dict[str, list[str]]:
    """Return the commands to measure: two lines of Python for scale, and Quintet's."""
    return {
        BASE: ["-c", BASE],
        "... and an optimizer": ["-c", ADAM],
        "train.py --help": [TRAIN, "--help"],
        "train.py --cfg job": [TRAIN, "--cfg", "job"],
        "train.py optimizer.lrr=1 (a typo)": [
            TRAIN,
            "optimizer.lrr=1",
            f"hydra.run.dir={folder}/a",
        ],
        "train.py loss=mse (a misfit)": [TRAIN, "loss=mse", f"hydra.run.dir={folder}/b"],
        "train.py trainer.max_epochs=1 (a whole run)": [TRAIN, "trainer.max_epochs=1"],
    }


def cpu_seconds(arguments: list[str]) -> float:
    """Run Python and return the CPU time it took."""
    before = os.times()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    seconds: dict[str, list[float]] = {}
    for number in range(rounds):
        with TemporaryDirectory() as folder:
            for name, arguments in commands(folder).items():
                place = [f"hydra.run.dir={folder}/{number}"] if "whole" in name else []
                seconds.setdefault(name, []).append(cpu_seconds([*arguments, *place]))
    print("| | CPU s | ratio |", "|---|---|---|", sep="\n")
    for name, values in seconds.items():
        ratio = median(a / b for a, b in zip(values, seconds[BASE], strict=True))
        print(f"| {name} | {median(values):.2f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
