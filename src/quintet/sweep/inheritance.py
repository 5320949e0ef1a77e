"""Population-based training: a trial takes over another's run, with perturbed hyperparameters."""

import random
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from quintet.artifacts import steering_files
from quintet.artifacts.steering_files import Request
from quintet.base import files
from quintet.base.errors import Code, UserError
from quintet.study.space import Interval, Parameter, Params
from quintet.study.trial import EXPLORED, SOURCES, Trial, folder_of
from quintet.sweep.trial_process import LOCK, LOG
from quintet.sweep.trial_schedulers.population import PopulationBased
from quintet.training.training_steps import repeats

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from quintet.study.space import Space
    from quintet.study.study import Study

FACTORS = (0.8, 1.2)
RESAMPLED = 0.25
"""Probability of a new value from the whole range (Jaderberg et al. 2017, section 4.1)."""
MADE = ".taken_over"


def take_over(study: "Study", source: Trial, heir: Trial, space: "Space", seed: int) -> None:
    """Let a paused trial continue the run of another one, with perturbed hyperparameters.

    The heir's folder becomes a copy of the source's. A kill in between is repaired by taking over
    again: the heir counts as paused until its new budget is noted.

    Args:
        study: of both.
        source: has trained as many epochs as the heir, and has not continued yet.
        heir: whose own run is given up.
        space: gives the ranges.
        seed: of the perturbation.

    """
    before = source.params | source.notes.get(EXPLORED, {})
    at = heir.notes["budget"]
    explored = perturbed(before, space, random.Random(f"{seed}-{at}-{heir.number}"))
    folder = folder_of(study.folder, heir.number)
    _copy(folder_of(study.folder, source.number), folder)
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
    """Return a value of the whole range, or one near: times 0.8 or 1.2, or a neighbour in a list.

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
    """Replace the contents of a trial's folder, except its lock and log."""
    made = target / MADE
    shutil.rmtree(made, ignore_errors=True)
    ignored = shutil.ignore_patterns(LOCK, LOG)
    shutil.copytree(source, made, ignore=ignored, copy_function=files.copy)
    for entry in target.iterdir():
        if entry.name not in (LOCK, LOG, MADE):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    for entry in made.iterdir():
        files.move(entry, target / entry.name)
    made.rmdir()


def check(scheduler: object, space: "Space", config: "DictConfig") -> None:
    """Refuse a sweep by population-based training in which nothing could be perturbed.

    Args:
        scheduler: of the sweep.
        space: of the sweep.
        config: of a trial.

    Raises:
        UserError: no parameter can change during training, or the trials cannot be steered.

    """
    if not isinstance(scheduler, PopulationBased):
        return
    if not any(p.key in steering_files.NUMBERS for p in space.parameters):
        raise UserError(
            "changes hyperparameters during training, and this sweep varies none that can change",
            code=Code.CONFLICT,
            key="sweeper.scheduler",
            value="pbt",
            hint="Vary one of " + ", ".join(_changeable()) + ", or choose sweeper=asha",
        )
    if repeats(config) > 1:
        raise UserError(
            "trains several models in a trial, and population-based training continues one",
            code=Code.CONFLICT,
            key="cv",
            value=dict(config.cv),
            hint="Leave it out, or choose sweeper=asha",
        )
    if not config.callbacks.get("steering"):
        raise UserError(
            "is switched off, and population-based training changes hyperparameters by it",
            code=Code.CONFLICT,
            key="callbacks.steering",
            value="null",
            hint="Leave it on",
        )
    _check_momentum(space, config)


def _check_momentum(space: "Space", config: "DictConfig") -> None:
    schedule: Mapping[str, object] = config.get("scheduler") or {}
    if schedule.get("cycle_momentum") and any(
        p.key.endswith(".momentum") for p in space.parameters
    ):
        raise UserError(
            "moves the momentum, which this sweep varies",
            code=Code.CONFLICT,
            key="scheduler.cycle_momentum",
            value="true",
            hint="Set scheduler.cycle_momentum=false, or leave optimizer.momentum out",
        )


def _changeable() -> list[str]:
    return [key for key in steering_files.NUMBERS if not key.endswith("_factor")]
