"""Replay all our strategies on a table of real learning curves.

python benchmarks/replay.py [seeds]        200 seeds; 20 for those that fit a model
python benchmarks/replay.py live           TPE with ASHA from 3 epochs, 10 seeds, trained for real

A suggestion gets the curve of the nearest untried configuration of the table.
Every strategy has the epochs of 64 full runs. The target is the median, over seeds, of the best
loss that 64 random runs find; shown are the best loss at the end (median), the epochs until the
target (median over the seeds that reach it), and the share of seeds that reach it.
"""

import csv
import statistics
import sys
from math import comb
from pathlib import Path

import numpy as np

from quintet.study.space import Interval, Space
from quintet.study.trial import Trial
from quintet.sweep.samplers import QuasiRandom, Random
from quintet.sweep.samplers.coarse_to_fine import CoarseToFine
from quintet.sweep.samplers.genetic import Genetic
from quintet.sweep.samplers.model_based import Tpe
from quintet.sweep.trial_schedulers import Finished, PruneTrial, RunAll, StartTrial
from quintet.sweep.trial_schedulers.halving import Hyperband, SuccessiveHalving
from quintet.sweep.trial_schedulers.lengthening import Lengthening
from quintet.sweep.trial_schedulers.pruners import Asha, Median

EPOCHS, BUDGET = 27, 27 * 64
DRAWN = {
    "random": (Random, RunAll),
    "quasi_random": (QuasiRandom, RunAll),
    "median": (Random, Median),
    "asha": (Random, Asha),
    "successive_halving": (Random, SuccessiveHalving),
    "hyperband": (Random, Hyperband),
    "coarse_to_fine": (lambda: CoarseToFine(each=24), lambda: Lengthening(each=24)),
}
FITTED = {
    "genetic": (Genetic, RunAll),
    "genetic with ASHA": (Genetic, Asha),
    "optuna (TPE)": (Tpe, RunAll),
    "TPE with ASHA": (Tpe, Asha),
    "TPE with ASHA from 3 epochs": (Tpe, lambda: Asha(3)),
}


class Table:
    """Curves of the table, each suggestion at the nearest untried configuration."""

    def __init__(self, cube, curves) -> None:
        self.cube, self.curves, self.free = cube, curves, np.ones(len(cube), bool)
        self.size = cube.shape[1]

    def begin(self, place):
        if not self.free.any():
            return None
        row = int(np.where(self.free, ((self.cube - place) ** 2).sum(1), np.inf).argmin())
        self.free[row] = False
        return self.cube[row].tolist(), iter(self.curves[row].tolist())


class Real:
    """Curves of actual training."""

    size = 8

    def __init__(self, seed: int) -> None:
        import curves

        self.train, self.split, self.count = curves.curve, curves.split(), 1000 * seed

    def begin(self, place):
        self.count += 1
        return place.tolist(), self.train(place.tolist(), self.split, self.count)


def replay(sampler, scheduler, source, seed: int, target: float = 0) -> list[tuple[int, float]]:
    """Play one seed; return (epochs used, best loss so far) at each improvement."""
    names = [f"p{i}" for i in range(source.size)]
    space = Space(tuple(Interval(name, 0, 1) for name in names))
    trials, at, used, best = [], {}, 0, float("inf")
    path = []
    while used < BUDGET and best > target:
        move = scheduler.move(trials, 10_000, EPOCHS, "min")
        if isinstance(move, Finished):
            break
        if isinstance(move, PruneTrial):
            trials[move.number].state = "pruned"
            continue
        if isinstance(move, StartTrial):
            number = len(trials)
            point = sampler.suggest(trials, space, number, seed, "min")
            place = np.array([float(point[n]) for n in names])
            if (taken := source.begin(place)) is None:
                break
            own = dict(zip(names, map(str, taken[0]), strict=True))
            trials.append(Trial(number, "running", None, own, {}, dict(move.notes)))
            at[number] = (taken[1], 0)
        else:
            number = move.number
            trials[number].notes["budget"] = move.budget
        trial, (curve, epochs) = trials[number], at[number]
        while epochs < EPOCHS and used < BUDGET:
            epochs, used = epochs + 1, used + 1
            value = trial.reports[epochs] = next(curve)
            trial.value = min(value, trial.value or value)
            if value < best:
                best = value
                path.append((used, best))
            if epochs < EPOCHS and scheduler.stops(trial, epochs, lambda: trials, "min"):
                break
        at[number] = (curve, epochs)
        if epochs >= EPOCHS:
            trial.state = "completed"
        elif trial.notes.get("budget") == epochs:
            trial.notes["paused_at"] = epochs
        else:
            trial.state = "pruned"
    return path


def main(seeds: int) -> None:
    with Path(__file__).with_name("curves.csv").open() as file:
        table = np.array(list(csv.reader(file))[1:], float)
    cube, curves = table[:, :-EPOCHS], table[:, -EPOCHS:]
    paths = {}
    for name, (sampler, scheduler) in {**DRAWN, **FITTED}.items():
        count = seeds if name in DRAWN else max(1, seeds // 10)
        paths[name] = [replay(sampler(), scheduler(), Table(cube, curves), s) for s in range(count)]
        print(name, file=sys.stderr, flush=True)
    target = statistics.median(path[-1][1] for path in paths["random"])
    print(
        f"target {target:.4f}, the median of random-64's best; best of the table {curves.min()}\n"
        f"halving that never errs gets there on {faultless(curves.min(1), target):.2f} of seeds "
        "within a third\n"
    )
    print("| strategy | seeds | best loss | epochs to target | times fewer | reached "
          "| within a third |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    for name, own in paths.items():
        print(line(name, own, target))


def faultless(best: np.ndarray, target: float) -> float:
    """Return the share of seeds on which a third of the budget finds a good enough configuration.

    It has n random ones, at n epochs per rung from 1 to 9 and up to 27, if every rung knew which
    of them will be the best (hypergeometric; eta 3).
    """
    drawn, there = BUDGET // 3 // 3, int((best <= target).sum())
    return 1 - comb(len(best) - there, drawn) / comb(len(best), drawn)


def line(name: str, own: list[list[tuple[int, float]]], target: float) -> str:
    reach = [next((used for used, best in path if best <= target), None) for path in own]
    hits = [used for used in reach if used is not None]
    best = statistics.median(path[-1][1] for path in own)
    epochs = statistics.median(hits) if hits else float("nan")
    third = sum(used <= BUDGET / 3 for used in hits) / len(own)
    return (
        f"| {name} | {len(own)} | {best:.4f} | {epochs:.0f} | {BUDGET / epochs:.1f} "
        f"| {len(hits) / len(own):.2f} | {third:.2f} |"
    )


def live(target: float, seeds: int = 10) -> None:
    """Train for real until random-64's median is reached."""
    own = []
    for seed in range(seeds):
        own.append(replay(Tpe(), Asha(3), Real(seed), seed, target))
        print(seed, own[-1][-1], file=sys.stderr, flush=True)
    print(line("TPE with ASHA from 3 epochs, live, stopped at the target", own, target))


if __name__ == "__main__":
    if sys.argv[1:2] == ["live"]:
        live(float(sys.argv[2]) if len(sys.argv) > 2 else 0.1287)
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
