"""How often does ASHA stop what would be the best trial if learning-rate schedules are tuned?

python benchmarks/fair.py [seeds=400]

32 random configurations of a table, one after the other. "Stopped" is the share of seeds in which
the best of the 32 at full length is stopped early; "regret" how much worse the best fully trained
one is, relative to the distance to the median; "epochs" the cost of all trials, relative to 32 full
ones. Tables: curves.csv (constant rates) and scheduled_curves.csv, where the ninth
parameter is the schedule. The rule was chosen after a first look at both halves of the latter.
"""

import csv
import sys
from functools import partial
from pathlib import Path
from statistics import mean

import numpy as np
from curves import EPOCHS, SCHEDULES

from quintet.study.trial import Trial
from quintet.sweep.trial_schedulers.pruners import Asha

DRAWN, KEY = 32, "scheduler"
RULES = {
    "ASHA from 1 epoch": Asha,
    "from 1, within a schedule": partial(Asha, within=KEY),
    "from 3 epochs": partial(Asha, 3),
    "from 3, within a schedule": partial(Asha, 3, within=KEY),
    "from 9 epochs, after warm-ups": partial(Asha, 9),
    "from 9, within a schedule": partial(Asha, 9, within=KEY),
}


def table(name: str) -> tuple[list[str], np.ndarray]:
    """Return the schedule and the curve of each row."""
    with Path(__file__).with_name(f"{name}.csv").open() as file:
        rows = np.array(list(csv.reader(file))[1:], float)
    places, curves = rows[:, :-EPOCHS], rows[:, -EPOCHS:]
    scheduled = places.shape[1] > 8
    return [SCHEDULES[int(u[8] * 3.999) if scheduled else 0] for u in places], curves


def play(scheduler, schedules: list[str], curves: np.ndarray, seed: int) -> tuple:
    """Return whether the best was stopped, its schedule, the regret and the share of epochs."""
    drawn = np.random.default_rng(seed).permutation(len(curves))[:DRAWN]
    trials: list[Trial] = []
    for number, row in enumerate(drawn):
        trials.append(trial := Trial(number, "running", None, {KEY: schedules[row]}))
        for epochs, value in enumerate(curves[row], 1):
            trial.reports[epochs] = value
            if epochs < EPOCHS and scheduler.stops(trial, epochs, lambda: trials, "min"):
                break
        trial.state = "completed" if len(trial.reports) == EPOCHS else "pruned"
    best = curves[drawn].min(1)
    whole = [v for v, t in zip(best, trials, strict=True) if t.state == "completed"]
    regret = (min(whole) - best.min()) / (np.median(best) - best.min())
    spent = sum(len(t.reports) for t in trials) / (DRAWN * EPOCHS)
    first = int(best.argmin())
    return trials[first].state == "pruned", schedules[drawn[first]], regret, spent


def main(seeds: int) -> None:
    """Print a table."""
    tables = {"curves.csv": table("curves")}
    schedules, curves = table("scheduled_curves")
    for part, name in enumerate(("scheduled, even rows", "scheduled, odd rows")):
        tables[name] = schedules[part::2], curves[part::2]
    print("| table | rule | stopped | of one-cycle | regret | epochs |")
    print("|" + "---|" * 6)
    for name, source in tables.items():
        for rule, make in RULES.items():
            if source[0].count(SCHEDULES[0]) == len(source[0]) and "within" in rule:
                continue
            found = [play(make(), *source, seed) for seed in range(seeds)]
            cycles = [stopped for stopped, of, *_ in found if of == "one_cycle"]
            print(
                f"| {name} | {rule} | {mean(f[0] for f in found):.2f} | "
                f"{mean(cycles) if cycles else float('nan'):.2f} | "
                f"{mean(f[2] for f in found):.3f} | {mean(f[3] for f in found):.2f} |"
            )


if __name__ == "__main__":
    main(int(sys.argv[1].removeprefix("seeds=")) if len(sys.argv) > 1 else 400)
