"""Population-based training: a trial inherits another's run, with perturbed hyperparameters."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from quintet.artifacts import steering_files
from quintet.artifacts.steering_files import Request
from quintet.base import files
from quintet.study.space import Interval, Parameter, Params
from quintet.study.trial import EXPLORED, SOURCES, Trial, folder_of
from quintet.sweep import launch
from quintet.sweep.trial_process import LOCK, LOG, TRACKER_FILES

if TYPE_CHECKING:
    from quintet.study.space import Space
    from quintet.study.study import Study

FACTORS = (0.8, 1.2)
RESAMPLED = 0.25
"""Probability of a new value from the whole range (Jaderberg et al. 2017, section 4.1)."""
COPY = ".taken_over"


def inherit(study: "Study", source: Trial, heir: Trial, space: "Space", seed: int) -> None:
    """Let a paused trial continue the run of another one, with perturbed hyperparameters.

    The heir's folder becomes a copy of the source's. After a kill in between, the copy is repeated,
    since the heir counts as paused until its new budget is noted.

    Args:
        study: of both.
        source: trial with as many epochs as the heir that has not continued yet.
        heir: trial whose own run is discarded.
        space: gives the ranges.
        seed: of the perturbation.

    Raises:
        DamagedError: a folder is a link.

    """
    before = source.params | source.notes.get(EXPLORED, {})
    at = heir.notes["budget"]
    explored = perturbed(before, space, random.Random(f"{seed}-{at}-{heir.number}"))
    folder, taken = (folder_of(study.folder, trial.number) for trial in (heir, source))
    for place in (folder, taken):
        launch.check_place(place)
    _copy(taken, folder)
    steering_files.ask(folder, requests(before, explored))
    study.note(
        heir.number,
        point=source.params,
        value=source.value,
        **{EXPLORED: explored, SOURCES: [*heir.notes.get(SOURCES, []), source.number]},
    )


def perturbed(params: Params, space: "Space", rng: random.Random) -> Params:
    """Return the params that can change during training, each perturbed within its range."""
    return {
        p.key: _perturbed(p, params[p.key], rng)
        for p in space.parameters
        if p.key in params and p.key in steering_files.NUMBERS
    }


def _perturbed(parameter: Parameter, value: str, rng: random.Random) -> str:
    """Return a value of the whole range, or a near one: times 0.8 or 1.2, or a neighbour in a list.

    On the reverse_log scale, 1 - value is multiplied.
    """
    if rng.random() < RESAMPLED:
        return parameter.at(rng.random())
    if isinstance(parameter, Interval):
        return parameter.from_optuna(parameter.to_optuna(value) * rng.choice(FACTORS))
    at = parameter.values.index(value) + rng.choice((-1, 1))
    return parameter.values[min(max(at, 0), len(parameter.values) - 1)]


def requests(before: Params, after: Params) -> Iterator[Request]:
    """Yield the requests that change a run's hyperparameters.

    A learning rate changes by a factor, since its schedule has changed it already.
    """
    for key, value in after.items():
        if value == before[key]:
            continue
        if key == "optimizer.lr":
            factor = float(value) / float(before[key])
            yield Request(steering_files.now(), "optimizer.lr_factor", factor, "pbt")
        else:
            yield Request(steering_files.now(), key, float(value), "pbt")


def _copy(source: Path, target: Path) -> None:
    """Replace the contents of a trial's folder, except its lock, log and trackers' files."""
    made = target / COPY
    shutil.rmtree(made, ignore_errors=True)
    files.copy_folder(source, made, LOCK, LOG, *TRACKER_FILES)
    launch.clear(target, COPY, *TRACKER_FILES)
    for entry in made.iterdir():
        files.move(entry, target / entry.name)
    made.rmdir()
