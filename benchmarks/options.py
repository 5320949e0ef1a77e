"""Compare options fairly: each with its own learning rate, tuned at equal budgets, on equal seeds.

python benchmarks/options.py play [options=adam,sgd_momentum,...] [data=digits,fair,...]
    [trials=12] [seeds=5]
python benchmarks/options.py show

Comparing options at their default rates compares the rates. So for each option, one sweep tunes the
rate, up to a factor of ten above and below its default; a second one trains with the best rate over
seeds that the first has not used, the same for all options. `show`
prints the mean of the metric with its 95 % interval, and the mean of the differences to the first
option over the seeds; `python src/compare.py a=<folder> b=<folder>` tests two of the folders that
`play` names. What options.csv has is not played again.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean, stdev

import yaml
from foreign import ScoreRows
from scipy.stats import t

ROOT = Path(__file__).parents[1]
HEADER = ("option", "data", "seed", "lr", "value", "metric", "mode")
ROWS = ScoreRows(Path(__file__).with_name("options.csv"), HEADER)
OPTIONS = "adam,adamw,sgd_momentum,sgd,rmsprop,muon,lion,adamw_schedule_free"
COMMON = (
    *("trainer.max_epochs=10", "report=false", "test=false"),
    *("sweeper.slots=1", "sweeper.stack=auto"),
)
SMALLER = {"unicode_names": ("data.fraction=0.3",), "sunspots": ("trainer.max_epochs=30",)}
"""What makes trials on some data sets about as long as on the others."""


def sweep(folder: Path, data: str, *words: str) -> list[dict[str, str]]:
    """Run a sweep; return its leaderboard."""
    command = [sys.executable, str(ROOT / "src/train.py"), "-m", f"hydra.sweep.dir={folder}"]
    given = (*COMMON, f"data={data}", *SMALLER.get(data, ()), *words)
    subprocess.run([*command, *given], check=True, stdout=subprocess.DEVNULL)
    with (folder / "leaderboard.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def play(option: str, data: str, trials: int, seeds: int, home: Path) -> None:
    """Tune the rate of one option, and train with the best one over seeds; add the rows."""
    usual = float(yaml.safe_load((ROOT / f"configs/optimizer/{option}.yaml").read_text())["lr"])
    chosen, span = f"optimizer={option}", f"tag(log,interval({usual / 10:g},{usual * 10:g}))"
    rates = (f"optimizer.lr={span}", "sweeper=quasi_random", f"sweeper.n_trials={trials}")
    best = sweep(home / f"tune_{option}", data, chosen, *rates)[0]["optimizer.lr"]
    numbers = ",".join(str(seed) for seed in range(1, seeds + 1))
    again, folder = (f"optimizer.lr={best}", f"seed={numbers}", "sweeper=grid"), f"seeds_{option}"
    rows = sweep(home / folder, data, chosen, *again)
    metric = json.loads((home / folder / "best/result.json").read_text())["metric"]
    for row in rows:
        ROWS.add((option, data, row["seed"], best, row["value"], metric["name"], metric["mode"]))
    print(home / folder, flush=True)


def show() -> None:
    """Print the options of each data set, the best first, each compared with the first played."""
    print("| data | option | rate | seeds | metric | difference to the first |\n|" + "---|" * 6)
    rows = ROWS.read()
    for data in dict.fromkeys(row["data"] for row in rows):
        show_one(data, [row for row in rows if row["data"] == data])


def show_one(data: str, rows: list[dict[str, str]]) -> None:
    """Print the rows of one data set."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(row["option"], {})[row["seed"]] = float(row["value"])
    rates = {row["option"]: float(row["lr"]) for row in rows}
    first = next(iter(found.values()))
    sign = -1 if rows[0]["mode"] == "max" else 1
    named = f"{data}, {rows[0]['metric']}"
    for option, own in sorted(found.items(), key=lambda item: sign * mean(item[1].values())):
        apart = [own[seed] - first[seed] for seed in own]
        difference = interval(apart, signed=True) if own is not first else "–"
        print(f"| {named} | {option} | {rates[option]:.2g} | {len(own)} ", end="")
        print(f"| {interval([*own.values()])} | {difference} |")


def interval(values: list[float], *, signed: bool = False) -> str:
    """Return a mean and half the width of its 95 % interval."""
    half = t.ppf(0.975, len(values) - 1) * stdev(values) / len(values) ** 0.5
    return f"{mean(values):{'+' if signed else ''}.4f} ± {half:.4f}"


if __name__ == "__main__":
    what, *words = sys.argv[1:] or ["show"]
    given = dict(word.split("=", 1) for word in words)
    if what == "play":
        place = Path(given.get("folder") or tempfile.mkdtemp(prefix="options-"))
        budget = int(given.get("trials", 12)), int(given.get("seeds", 5))
        for data in given.get("data", "digits").split(","):
            for option in given.get("options", OPTIONS).split(","):
                if not any(known[:2] == (option, data) for known in ROWS.known()):
                    play(option, data, *budget, place / data)
    else:
        show()
