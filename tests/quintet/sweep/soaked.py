"""One sweep of stand-in trials, as a process that `soak.py` ends: any strategy, launcher, storage.

python tests/quintet/sweep/soaked.py FOLDER STRATEGY LAUNCHER TRIALS FAULT [STORAGE]
"""

import os
import random
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from kills import SPACE, STRATEGIES, SWEEP, Kill, Strategy, started
from omegaconf import OmegaConf
from parent import loop, plan, swept

from quintet.base.errors import UserError
from quintet.base.paths import CONFIGS
from quintet.study.study import Study
from quintet.sweep.full_disk import reported
from quintet.sweep.interruption import Interruption
from quintet.sweep.plan import Plan
from quintet.sweep.samplers import Grid
from quintet.sweep.workers import launch

SETTINGS = {"seed": 1, "give_up_after": 10**6, "timeout": None, "ensemble": False, "sampler": None}
SETTINGS |= {"scheduler": None, "isolation": "process", "preload": [], "workers": 2, "slots": 1}


def planned(folder: Path, name: str, url: str | None, sleep: str) -> Plan:
    """Return the plan of a strategy of `kills.py`."""
    strategy = STRATEGIES[name]
    return plan(
        folder,
        space_of(strategy),
        sampler=strategy.sampler(),
        scheduler=strategy.scheduler(),
        fixed=(f"+epochs={strategy.epochs}", f"+sleep={sleep}"),
        max_epochs=strategy.epochs,
        settings=OmegaConf.create({**SETTINGS, "storage": url}),
    )


def space_of(strategy: Strategy) -> Any:
    """Return what a strategy varies."""
    grid = strategy.sampler is Grid
    return swept(x=[0.2, 0.9, 0.5], rise=[0.1, 0.7]) if grid else SPACE


def by_launcher(name: str, made: Plan, limit: int, study: Study) -> None:
    """Run the sweep's workers as jobs of one of Hydra's launchers."""
    from hydra import initialize_config_dir
    from hydra._internal.callbacks import Callbacks
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import HydraContext, RunMode

    words = [
        f"hydra/launcher=workers_{name}",
        "sweeper.workers=2",
        f"hydra.sweep.dir={made.folder}",
    ]
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        config = hydra.compose_config("train", words, RunMode.MULTIRUN, from_shell=False)
        context = HydraContext(hydra.config_loader, Callbacks())
        launch(context, config, made, limit, study, Interruption())


def strike(fault: str) -> None:
    """Let a fault of this process be: its clock goes wrong, or its memory is short."""
    chance = random.Random(fault)
    if fault.startswith("clock"):
        time.time = jumping(time.time, chance)
    if fault.startswith("memory"):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        room = pages * resource.getpagesize() + chance.randrange(1 << 23)
        resource.setrlimit(resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))


def jumping(now: Callable[[], float], chance: random.Random) -> Callable[[], float]:
    """Return a clock that jumps by up to a day every few times that it is read."""
    shift = [0.0]

    def read() -> float:
        if chance.random() < 0.2:
            shift[0] = chance.uniform(-86400, 86400)
        return now() + shift[0]

    return read


def main(folder: str, name: str, launcher: str, trials: str, fault: str, *url: str) -> int:
    """Run the sweep; return 0 where all of its trials have ended."""
    SWEEP["pid"] = os.getpid()
    place, storage = Path(folder), url[0] if url else None
    place.mkdir(parents=True, exist_ok=True)
    made = planned(place, name, storage, "0" if int(trials) else "0.03")
    strategy = STRATEGIES[name]
    scheme = made.scheduler.total(strategy.epochs)
    limit = int(trials) or strategy.trials or scheme or made.sampler.total(made.space)
    assert limit is not None
    with reported(place):
        study = Study(place, "max", storage)
        strike(fault)
        if launcher == "basic":
            kill = Kill("sweep", 0, survives=False)
            loop(made, study=study, limit=limit, start=partial(started, kill)).run()
        else:
            by_launcher(launcher, made, limit, study)
    return 0 if len(study.ended()) >= limit else 1


if __name__ == "__main__":
    try:
        code = main(*sys.argv[1:])
    except UserError as error:
        sys.exit(f"Error: {error}")
    sys.exit(code)
