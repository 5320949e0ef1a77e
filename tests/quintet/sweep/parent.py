"""A sweep over the stand-in: in this process for most tests, as a process of its own to be killed.

python tests/quintet/sweep/parent.py FOLDER TRIALS SLOTS SLEEP [STORAGE]
"""

import sys
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from quintet.study.space import Choice, Space
from quintet.study.study import Study
from quintet.study.trial import Trial
from quintet.sweep.plan import Plan
from quintet.sweep.samplers import Grid
from quintet.sweep.slots import Loop
from quintet.sweep.trial_outcome import Outcome
from quintet.sweep.trial_schedulers import RunAll

HERE = Path(__file__).parent


class Silent:
    """Keeps the events."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int]] = []
        self.outcomes: list[Outcome] = []

    def started(self, trial: Trial, slot: int) -> None:
        self.events.append(("began", trial.number))

    def reported(self, trial: Trial, epochs: int, value: float) -> None:
        self.events.append(("reported", trial.number))

    def progressed(self, trial: Trial, epochs: float) -> None:
        """Nobody watches."""

    def ended(self, trial: Trial, how: Outcome) -> None:
        self.events.append(("ended", trial.number))
        self.outcomes.append(how)

    def rerun(self, trial: Trial, reason: str) -> None:
        self.events.append(("rerun", trial.number))


def plan(folder: Path, space: Space, **changes: Any) -> Plan:
    settings = {"seed": 1, "give_up_after": 3, "slots": 1, "timeout": None, "storage": None}
    settings |= {"sampler": None, "scheduler": None}
    given: dict[str, Any] = {
        "command": (sys.executable, str(HERE / "objective.py")),
        "fixed": (),
        "space": space,
        "defaults": None,
        "folder": folder,
        "metric": "score",
        "mode": "max",
        "max_epochs": 1,
        "sampler": Grid(),
        "scheduler": RunAll(),
        "settings": OmegaConf.create(settings),
        "test": True,
    }
    return Plan(**{**given, **changes})


def swept(**values: list[Any]) -> Space:
    return Space(tuple(Choice(k, tuple(map(str, v))) for k, v in values.items()))


def loop(plan: Plan, slots: int = 1, limit: int | None = None, **changes: Any) -> Loop:
    plan.folder.mkdir(parents=True, exist_ok=True)
    given: dict[str, Any] = {
        "study": Study(plan.folder, plan.mode),
        "view": Silent(),
        "seconds": None,
        "stopping": lambda: False,
    }
    limit = limit if limit is not None else plan.sampler.total(plan.space)
    return Loop(plan=plan, slots=slots, limit=limit, **{**given, **changes})


if __name__ == "__main__":
    where, trials, slots, sleep, *url = sys.argv[1:]
    chosen = plan(Path(where), swept(x=list(range(int(trials)))), fixed=(f"sleep={sleep}",))
    chosen.folder.mkdir(parents=True, exist_ok=True)
    loop(chosen, slots=int(slots), study=Study(chosen.folder, chosen.mode, *url)).run()
