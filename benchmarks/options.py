"""Compare options fairly: each with its own learning rate, tuned at equal budgets, on equal seeds.

python benchmarks/options.py play [options=adam,sgd_momentum,...] [trials=12] [seeds=5]
python benchmarks/options.py show

Comparing options at their default rates compares the rates. So for each option, one sweep tunes the
rate, up to a factor of ten above and below its default; a second one trains with the best rate over
seeds that the first has not used, the same for all options. `show`
prints the mean of the metric with its 95 % interval, and the mean of the differences to the first
option over the seeds; `python src/compare.py a=<folder> b=<folder>` tests two of the folders that
`play` names. Rows: options.csv.
"""

import csv
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean, stdev

import yaml
from foreign import ScoreRows
from scipy.stats import t

ROOT = Path(__file__).parents[1]
ROWS = ScoreRows(Path(__file__).with_name("options.csv"), ("option", "data", "seed", "lr", "value"))
OPTIONS = "adam,adamw,sgd_momentum,sgd,rmsprop,muon,lion,adamw_schedule_free"
COMMON = ("trainer.max_epochs=10", "report=false", "test=false", "sweeper.slots=1")


def sweep(folder: Path, *words: str) -> list[dict[str, str]]:
    """Run a sweep; return its leaderboard."""
    command = [sys.executable, str(ROOT / "src/train.py"), "-m", f"hydra.sweep.dir={folder}"]
    subprocess.run([*command, *COMMON, *words], check=True, stdout=subprocess.DEVNULL)
    with (folder / "leaderboard.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def play(option: str, data: str, trials: int, seeds: int, home: Path) -> None:
    """Tune the rate of one option, and train with the best one over seeds; add the rows."""
    usual = float(yaml.safe_load((ROOT / f"configs/optimizer/{option}.yaml").read_text())["lr"])
    chosen, span = f"optimizer={option}", f"tag(log,interval({usual / 10:g},{usual * 10:g}))"
    rates = (f"optimizer.lr={span}", "sweeper=quasi_random", f"sweeper.n_trials={trials}")
    best = sweep(home / f"tune_{option}", f"data={data}", chosen, *rates)[0]["optimizer.lr"]
    numbers = ",".join(str(seed) for seed in range(1, seeds + 1))
    again = (f"optimizer.lr={best}", f"seed={numbers}", "sweeper=grid")
    for row in sweep(home / f"seeds_{option}", f"data={data}", chosen, *again):
        ROWS.add((option, data, row["seed"], best, row["value"]))
    print(home / f"seeds_{option}", flush=True)


def show() -> None:
    """Print the options, the best first, each compared with the first one that was played."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    rates = {}
    for row in ROWS.read():
        found.setdefault((row["data"], row["option"]), {})[row["seed"]] = float(row["value"])
        rates[row["data"], row["option"]] = float(row["lr"])
    print("| data | option | rate | seeds | metric | difference to the first |\n|" + "---|" * 6)
    for (data, option), own in sorted(found.items(), key=lambda item: -mean(item[1].values())):
        first = next(values for key, values in found.items() if key[0] == data)
        apart = [own[seed] - first[seed] for seed in own]
        print(f"| {data} | {option} | {rates[data, option]:.2g} | {len(own)} ", end="")
        print(f"| {interval([*own.values()])} | {interval(apart) if own is not first else '–'} |")


def interval(values: list[float]) -> str:
    """Return a mean and half the width of its 95 % interval."""
    half = t.ppf(0.975, len(values) - 1) * stdev(values) / len(values) ** 0.5
    return (
        f"{mean(values):+.4f} ± {half:.4f}"
        if min(values) < 0
        else f"{mean(values):.4f} ± {half:.4f}"
    )


if __name__ == "__main__":
    what, *words = sys.argv[1:] or ["show"]
    given = dict(word.split("=", 1) for word in words)
    if what == "play":
        place = Path(given.get("folder") or tempfile.mkdtemp(prefix="options-"))
        for name in given.get("options", OPTIONS).split(","):
            of = given.get("data", "digits"), int(given.get("trials", 12))
            play(name, *of, int(given.get("seeds", 5)), place)
    else:
        show()
