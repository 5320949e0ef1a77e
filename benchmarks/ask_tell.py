"""Cost of a suggestion and of an outcome as a study grows, in CPU milliseconds.

python benchmarks/ask_tell.py [SIZES ...]

A study of the given size is written to its journal; then ten more trials are timed as the slot loop
runs them. ask: read all trials, suggest params, write the new trial. tell: three reports of the
metric, each with a decision whether to stop, then the outcome.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from quintet.study.space import Choice, Interval, Space
from quintet.study.study import Study
from quintet.study.trial import Trial
from quintet.sweep.samplers import Random
from quintet.sweep.samplers.model_based import Tpe
from quintet.sweep.trial_schedulers import RunAll
from quintet.sweep.trial_schedulers.pruners import Asha

SPACE = Space(
    (
        Choice("optimizer", ("adam", "sgd_momentum")),
        Interval("optimizer.lr", 1e-4, 1e-1, "log"),
        Interval(
            "optimizer.momentum", 0.8, 0.99, "reverse_log", when={"optimizer": ("sgd_momentum",)}
        ),
        Interval("model.width", 16, 512, "log", integer=True),
        Interval("model.depth", 1, 4, integer=True),
        Interval("model.dropout", 0, 0.5),
    )
)
STRATEGIES = {
    "random": (Random(), RunAll()),
    "optuna (TPE)": (Tpe(), RunAll()),
    "asha": (Random(), Asha()),
}
EPOCHS = (1, 3, 9)
TIMED = 10


def ask(study, sampler):
    with study.claiming():
        trials = study.trials()
        point = sampler.suggest(trials, SPACE, len(trials), 42, "max")
        return study.create(point, SPACE, {})


def tell(study, scheduler, number, value):
    trial = Trial(number, "running", None, {})
    for epochs in EPOCHS if scheduler.needs_reports else ():
        trial.reports[epochs] = value
        stop = scheduler.stops(trial, epochs, study.trials, "max")
        study.report(number, epochs, value, stop=stop)
    notes = {"status": "completed", "epochs": 27, "seconds": 1.0, "value": value}
    study.note(number, **notes)
    study.tell(number, "completed", value)


def timed(call, *arguments):
    began = time.process_time()
    result = call(*arguments)
    return result, 1000 * (time.process_time() - began)


def measure(sampler, scheduler, sizes):
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        study, count = Study(Path(folder), "max"), 0
        for size in sizes:
            for made in range(count, size):
                point = Random().suggest((), SPACE, made, 0, "max")
                number = study.create(point, SPACE, {})
                tell(study, RunAll(), number, rng.random())
            asked, told = [], []
            for _ in range(TIMED):
                number, took = timed(ask, study, sampler)
                asked.append(took)
                told.append(timed(tell, study, scheduler, number, rng.random())[1])
            count = len(study.trials())
            yield size, statistics.median(asked), statistics.median(told)


if __name__ == "__main__":
    sizes = [int(size) for size in sys.argv[1:]] or [10, 100, 1000, 2000]
    print("| strategy | trials | ask, ms | tell, ms |\n|---|---|---|---|")
    for name, strategy in STRATEGIES.items():
        for size, asked, told in measure(*strategy, sizes):
            print(f"| {name} | {size} | {asked:.1f} | {told:.1f} |", flush=True)
