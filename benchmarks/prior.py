"""The value of a prior: `sweeper=guided` with a good, a fair, a bad and no prior, against ASHA.

python benchmarks/prior.py play [seeds=100] [only=curves,hartmann_3]
python benchmarks/prior.py show

Each strategy has the epochs of 64 full runs. The target is the median, over seeds, of the best
value that 64 random runs find; if it is not reached, the whole budget counts. All promote from
three epochs on. A good prior is the best configuration plus a normal error of a tenth of each
range; a fair one the best of 25 random ones; a bad one is drawn from the worst quarter.

Settings were chosen on curves.csv with the first 20 seeds. The other tables only confirm them:
scheduled_curves.csv, whose ninth parameter is the schedule, and the Hartmann functions of 3 and 6
dimensions with fidelities (Kandasamy et al. 2017, "Multi-fidelity Bayesian optimisation with
continuous approximations"; as in mf-prior-bench, with a noise that falls with the epochs).
"""

import csv
import functools
import math
import sys
from pathlib import Path
from statistics import mean, median, stdev

import numpy as np
from foreign import ScoreRows
from replay import BUDGET, EPOCHS, Table, replay

from quintet.sweep.samplers import Random
from quintet.sweep.samplers.guided import Guided
from quintet.sweep.trial_schedulers import RunAll
from quintet.sweep.trial_schedulers.pruners import Asha

ROWS = ScoreRows(
    Path(__file__).with_name("prior.csv"), ("strategy", "table", "seed", "epochs", "best")
)
PRIORS = ("good", "fair", "bad")
BIAS, NOISE = 0.5, 0.3
"""Distance of a Hartmann function's first epoch from its last, and its noise."""
ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
A3 = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
P3 = 1e-4 * np.array(
    [[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]
)
A6 = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14],
               [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])  # fmt: skip
P6 = 1e-4 * np.array([
    [1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
    [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381],
])  # fmt: skip


class Hartmann:
    """Curves of the regret: each epoch is closer to the last one, and less noisy."""

    def __init__(self, scale: np.ndarray, centre: np.ndarray, least: float) -> None:
        self.scale, self.centre, self.size, self.least = scale, centre, scale.shape[1], least

    def curve(self, place: np.ndarray) -> np.ndarray:
        """Return the value after each epoch; the last is the function itself."""
        late = 1 - np.arange(1, EPOCHS + 1) / EPOCHS
        bumps = np.exp(-(self.scale * (place - self.centre) ** 2).sum(1))
        draw = np.random.default_rng(np.frombuffer(place.tobytes(), np.uint32))
        values = -((ALPHA[None] - BIAS * late[:, None]) * bumps).sum(1)
        return values - self.least + NOISE * late * np.abs(draw.standard_normal(EPOCHS))

    def begin(self, place: np.ndarray):
        return place.tolist(), iter(self.curve(place).tolist())


@functools.cache
def rows_of(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the coordinates and curves of a CSV file."""
    with Path(__file__).with_name(f"{name}.csv").open() as file:
        table = np.array(list(csv.reader(file))[1:], float)
    return table[:, :-EPOCHS], table[:, -EPOCHS:]


@functools.cache
def drawn(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates and their best values; for a function, at many random points."""
    if name not in FUNCTIONS:
        cube, curves = rows_of(name)
        return cube, curves.min(1)
    function = FUNCTIONS[name]
    cube = np.random.default_rng(0).random((20_000, function.size))
    return cube, np.array([function.curve(place)[-1] for place in cube])


FUNCTIONS = {"hartmann_3": Hartmann(A3, P3, -3.86279), "hartmann_6": Hartmann(A6, P6, -3.32237)}
TABLES = ("curves", "scheduled_curves", *FUNCTIONS)


def source(name: str):
    """Return a fresh source of curves."""
    return FUNCTIONS[name] if name in FUNCTIONS else Table(*rows_of(name))


def prior(kind: str, name: str, seed: int) -> dict[str, tuple[float, float]]:
    """Return a belief about each parameter."""
    cube, best = drawn(name)
    rng = np.random.default_rng([PRIORS.index(kind), seed])
    order = np.argsort(best)
    if kind == "good":
        place = cube[order[0]] + 0.1 * rng.standard_normal(cube.shape[1])
    elif kind == "fair":
        place = cube[min(rng.integers(len(cube), size=25), key=lambda row: best[row])]
    else:
        place = cube[order[-1 - rng.integers(len(cube) // 4)]]
    return {f"p{i}": (float(at), Guided().width) for i, at in enumerate(np.clip(place, 0, 1))}


@functools.cache
def target(name: str) -> float:
    """Return the median of the best values of 64 random runs."""
    paths = [replay(Random(), RunAll(), source(name), seed) for seed in range(100)]
    return median(path[-1][1] for path in paths)


def play(strategy: str, name: str, seed: int) -> tuple:
    """Play one seed; return its row."""
    sampler = Random() if strategy == "asha" else Guided()
    if strategy.removeprefix("guided, ") in PRIORS:
        sampler.belief = prior(strategy.removeprefix("guided, "), name, seed)
    path = replay(sampler, Asha(3), source(name), seed)
    reach = next((used for used, best in path if best <= target(name)), BUDGET)
    return strategy, name, seed, reach, f"{path[-1][1]:.5f}"


STRATEGIES = ("asha", "guided, none", *(f"guided, {kind}" for kind in PRIORS))


def play_all(seeds: int, only: list[str]) -> None:
    """Add the missing rows."""
    known = ROWS.known()
    for name in only or TABLES:
        for seed in range(seeds):
            for strategy in STRATEGIES:
                if (strategy, name, str(seed)) not in known:
                    ROWS.add(play(strategy, name, seed))


def show() -> None:
    """Print the epochs to the target, and their ratios to ASHA's and to those without a prior."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in ROWS.read():
        found.setdefault((row["table"], row["strategy"]), []).append(float(row["epochs"]))
    titles = (
        "table",
        "strategy",
        "seeds",
        "median epochs",
        "mean epochs",
        "of ASHA's",
        "of none's",
    )
    print("| " + " | ".join((*titles, "reached")) + " |")
    print("|" + "---|" * 8)
    for name in TABLES:
        for strategy in STRATEGIES:
            if own := found.get((name, strategy)):
                usual, none = (mean(found[name, key]) for key in STRATEGIES[:2])
                error = 1.96 * stdev(own) / math.sqrt(len(own))
                hits = mean(epochs < BUDGET for epochs in own)
                print(
                    f"| {name} | {strategy} | {len(own)} | {median(own):.0f} | "
                    f"{mean(own):.0f}±{error:.0f} | {mean(own) / usual:.2f} | "
                    f"{mean(own) / none:.2f} | {hits:.2f} |"
                )


if __name__ == "__main__":
    what, *words = sys.argv[1:] or ["show"]
    given = dict(word.split("=", 1) for word in words)
    if what == "play":
        chosen = given["only"].split(",") if "only" in given else []
        play_all(int(given.get("seeds", 100)), chosen)
    else:
        show()
