"""Kills a sweep of stand-ins at each of its moments, continues it, and compares the results.

python tests/quintet/sweep/kills.py STRATEGY STRIDE FOLDER [STORAGE]
python tests/quintet/sweep/kills.py two:STRATEGY STRIDE FOLDER [STORAGE]    one of two at a time

A moment is what lies before or after a write: of the study, of a trial's files, or of a word
between the two. A sweep without a kill counts them; then one sweep after the other is killed at
every STRIDE-th of them, and run again to its end. Processes are forked from this one, which has
all that is slow to load, so that a sweep takes a tenth of a second.
"""

import json
import mmap
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import objective
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from parent import loop, plan, swept

from quintet.base import locks
from quintet.base.process import PARENT
from quintet.study import trial_pipe
from quintet.study.space import Choice, Interval, Space
from quintet.study.study import Study
from quintet.sweep import trial_process
from quintet.sweep.samplers import Grid, QuasiRandom, Random
from quintet.sweep.samplers.coarse_to_fine import CoarseToFine
from quintet.sweep.samplers.genetic import Genetic
from quintet.sweep.samplers.guided import Guided
from quintet.sweep.samplers.model_based import CmaEs, GaussianProcess, Tpe
from quintet.sweep.trial_schedulers import RunAll
from quintet.sweep.trial_schedulers.halving import Hyperband, SuccessiveHalving
from quintet.sweep.trial_schedulers.lengthening import Lengthening
from quintet.sweep.trial_schedulers.population import PopulationBased
from quintet.sweep.trial_schedulers.pruners import Asha, Median, OptunaPruner

SPACE = Space((Interval("x", 0, 1), Interval("rise", 0.05, 1, "log"), Choice("do", ("ok",) * 4)))
WRITES = [
    "create_new_study",
    "create_new_trial",
    "set_study_user_attr",
    "set_trial_user_attr",
    "set_trial_intermediate_value",
    "set_trial_state_values",
]


@dataclass(frozen=True)
class Strategy:
    """A sweep to be killed: what it tries next, how long it looks, trials and epochs at most."""

    sampler: Callable[[], Any]
    scheduler: Callable[[], Any] = RunAll
    trials: int | None = 6
    epochs: int = 2


STRATEGIES = {
    "grid": Strategy(Grid, trials=None),
    "random": Strategy(Random),
    "quasi_random": Strategy(QuasiRandom),
    "optuna": Strategy(partial(Tpe, startup=3), trials=8),
    "bayesian": Strategy(partial(GaussianProcess, startup=3), trials=5),
    "genetic": Strategy(partial(Genetic, population=3), trials=8),
    "cmaes": Strategy(partial(CmaEs, population=5), trials=8),
    "guided": Strategy(partial(Guided, startup=3), partial(Asha, eta=2), 8, 4),
    "coarse_to_fine": Strategy(partial(CoarseToFine, each=3), partial(Lengthening, each=3), 9, 4),
    "successive_halving": Strategy(Random, partial(SuccessiveHalving, eta=2), None, 4),
    "hyperband": Strategy(Random, partial(Hyperband, eta=2), None, 4),
    "asha": Strategy(Random, partial(Asha, eta=2), 8, 8),
    "median": Strategy(Random, partial(Median, startup=2), 8, 5),
    "pruner_by_path": Strategy(
        Random, partial(OptunaPruner, partial(optuna.pruners.MedianPruner, 2)), 8, 5
    ),
    "pbt": Strategy(Random, partial(PopulationBased, population=4, interval=2), 4, 6),
    "tpe_with_asha": Strategy(partial(Tpe, startup=3), partial(Asha, eta=2), 8, 4),
    "tpe_with_hyperband": Strategy(partial(Tpe, startup=3), partial(Hyperband, eta=2), None, 4),
}


@dataclass
class Kill:
    """A moment at which processes end.

    Args:
        who: whose moments count, "sweep" or "trial".
        at: its number, from 1; 0 for none.
        survives: whether the trial that is running lives on without its sweep.

    """

    who: str
    at: int
    survives: bool
    counts: mmap.mmap = field(default_factory=lambda: mmap.mmap(-1, 16))

    def moment(self, who: str, what: str) -> None:
        """Count a moment, and end whom it ends."""
        place = slice(0, 8) if who == "sweep" else slice(8, 16)
        count = int.from_bytes(self.counts[place]) + 1
        self.counts[place] = count.to_bytes(8)
        if who == self.who and count == self.at:
            self.end(who)

    def end(self, who: str) -> None:
        """Kill the sweep, and its trial unless that survives."""
        if who == "trial":
            os.kill(SWEEP["pid"], signal.SIGKILL)
            if self.survives:
                return
        os.kill(os.getpid(), signal.SIGKILL)

    def count(self) -> tuple[int, int]:
        """Return the moments of the sweep, and of its trials."""
        return int.from_bytes(self.counts[:8]), int.from_bytes(self.counts[8:])


SWEEP = {"pid": 0}


def around(owner: type, name: str, moment: Callable[[str], None]) -> None:
    """Let there be a moment before and after each call of a method."""
    before = getattr(owner, name)

    def call(*arguments: Any, **more: Any) -> Any:
        moment(f"before {name}")
        result = before(*arguments, **more)
        moment(f"after {name}")
        return result

    setattr(owner, name, call)


def torn(kill: Kill) -> None:
    """Let there be a moment in the midst of each line of the journal, under its lock."""
    write = JournalFileBackend.append_logs

    def append(self: Any, logs: list[dict[str, Any]]) -> None:
        dies = kill.who == "sweep" and kill.count()[0] + 1 == kill.at
        if dies:
            self._lock.acquire()  # else another sweep continues the same line
            with Path(self._file_path).open("ab") as file:
                file.write(json.dumps(logs[0])[:30].encode())
        kill.moment("sweep", "torn")
        if dies:
            self._lock.release()
        write(self, logs)

    JournalFileBackend.append_logs = append  # type: ignore[method-assign]


@dataclass
class Forked:
    """A child of this process, as subprocess.Popen."""

    pid: int
    code: int | None = None

    def poll(self) -> int | None:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code


def started(kill: Kill, command: Any, folder: Path, number: int, lock: int, extra: Any) -> Any:
    """Start a trial as `quintet.sweep.trial_process.start` does, by a fork of this process."""
    kill.moment("sweep", "before start")
    reports, tells = os.pipe()
    hears, answers = os.pipe()
    if (pid := os.fork()) == 0:
        os.setsid()
        for end in (reports, answers):
            os.close(end)
        os.environ.update(trial_pipe.TrialPipe(number, tells, hears).to_environment())
        if not kill.survives:
            os.environ[PARENT] = str(SWEEP["pid"])
        objective.moment = partial(kill.moment, "trial")
        sys.argv = [str(word) for word in command[1:]]
        with open(os.devnull, "w") as sys.stdout:
            leave(objective.main)
    for end in (tells, hears):
        os.close(end)
    kill.moment("sweep", "after start")
    return trial_process.Process(Forked(pid), reports, answers, lock)


def leave(call: Callable[[], Any]) -> None:
    """End a forked process with what it has to do."""
    code = 1
    try:
        call()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        os._exit(code)


def sweep(strategy: Strategy, folder: Path, url: str | None, kill: Kill) -> None:
    """Run a sweep, or go on with it, and leave what it found and what became of it."""
    SWEEP["pid"] = os.getpid()
    around(trial_process.Process, "answer", partial(kill.moment, "sweep"))
    folder.mkdir(exist_ok=True)
    space = swept(x=[0.2, 0.9, 0.5], rise=[0.1, 0.7]) if strategy.sampler is Grid else SPACE
    made = plan(
        folder,
        space,
        sampler=strategy.sampler(),
        scheduler=strategy.scheduler(),
        fixed=(f"epochs={strategy.epochs}",),
        max_epochs=strategy.epochs,
    )
    scheme = made.scheduler.total(strategy.epochs)
    limit = strategy.trials or scheme or made.sampler.total(space)
    study = Study(folder, "max", url)
    before = {"ended": sorted(study.ended()), "ran": lines(folder, "ran")}
    if isinstance(study._storage, JournalStorage):
        torn(kill)
    for name in WRITES:
        around(type(study._storage), name, partial(kill.moment, "sweep"))
    loop(made, study=study, limit=limit, start=partial(started, kill)).run()
    table = {t.number: [t.params, t.state, t.value, t.notes["epochs"]] for t in study.trials()}
    told = {t.number: sorted(t.reports.items()) for t in study.trials()}
    found = {"table": table, "reports": told, "before": before, "ran": lines(folder, "ran")}
    (folder / "found.json").write_text(json.dumps(found))


def lines(folder: Path, name: str) -> list[str]:
    """Return what trials have noted."""
    path = folder / "trials" / name
    return path.read_text().splitlines() if path.exists() else []


def forked(call: Callable[[], Any]) -> int:
    """Run something in a process of its own; return its exit code."""
    if (pid := os.fork()) == 0:
        leave(call)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed_and_continued(
    strategy: Strategy, folder: Path, url: str | None, kill: Kill
) -> dict[str, Any]:
    """Return how a sweep ends that is killed, and run again; its trial's end is waited for."""
    code = forked(partial(sweep, strategy, folder, url, kill))
    assert code in ((0, -signal.SIGKILL) if kill.at else (0,)), code
    if code:
        none = Kill("sweep", 0, survives=False)
        assert forked(partial(sweep, strategy, folder, url, none)) == 0, folder
    found: dict[str, Any] = json.loads((folder / "found.json").read_text())
    trained = Counter(lines(folder, "trained"))
    assert not any(locks.is_held(path) for path in folder.glob("trials/*/.lock")), "an orphan"
    again = {line.split()[0] for line in found["ran"][len(found["before"]["ran"]) :]}
    found["repeated"] = sorted(again & {f"{n:04d}" for n in found["before"]["ended"]})
    found["epochs again"] = sum(trained.values()) - len(trained)
    return found


def differences(strategy: Strategy, stride: int, folder: Path, url: str | None) -> dict[str, Any]:
    """Kill at every so many moments; return how many kills there were, and what they changed."""
    none = Kill("sweep", 0, survives=False)
    want = killed_and_continued(strategy, folder / "undisturbed", url, none)
    moments, kills, wrong = none.count(), 0, []
    for who, count in zip(("sweep", "trial"), moments, strict=True):
        for at in range(1 + (kills % stride), count + 1, stride):
            kill = Kill(who, at, survives=bool((at // stride) % 2))
            got = killed_and_continued(strategy, folder / f"{who}{at:04d}", url, kill)
            kills += 1
            same = all(got[key] == want[key] for key in ("table", "reports"))
            if not same or got["repeated"] or got["epochs again"] > 1:
                wrong.append([who, at, kill.survives, changes(want, got)])
    return {"kills": kills, "moments": moments, "wrong": wrong}


def beside_another(name: str, stride: int, folder: Path, url: str | None) -> dict[str, Any]:
    """Kill one of two sweeps that share a study, at every so many moments; as `differences`.

    Which of them takes a trial is left to chance, so a strategy has to suggest by number.
    """
    strategy, none = STRATEGIES[name], Kill("sweep", 0, survives=False)
    want = killed_and_continued(strategy, folder / "undisturbed", url, none)
    moments, kills, wrong = none.count(), 0, []
    for who, count in zip(("sweep", "trial"), moments, strict=True):
        for at in range(1 + (kills % stride), count // 2, stride):
            place = folder / f"{who}{at:04d}"
            kill = Kill(who, at, survives=bool((at // stride) % 2))
            place.mkdir()
            codes = together(*(partial(sweep, strategy, place, url, k) for k in (kill, none)))
            assert codes[1] == 0, codes
            got = killed_and_continued(
                strategy, place, url, none
            )  # what a trial that survived has left
            kills += codes[0] == -signal.SIGKILL
            ran, same = len(got["ran"]), got["table"] == want["table"]
            if not same or got["epochs again"] > 1 or ran > len(got["table"]) + bool(codes[0]):
                wrong.append([who, at, kill.survives, codes, changes(want, got), got["ran"]])
    return {"kills": kills, "moments": moments, "wrong": wrong}


def together(*calls: Callable[[], Any]) -> list[int]:
    """Run several things at once, in a process each; return their exit codes."""
    pids = []
    for call in calls:
        if (pid := os.fork()) == 0:
            leave(call)
        pids.append(pid)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def changes(want: dict[str, Any], got: dict[str, Any]) -> dict[str, Any]:
    """Return what differs."""
    rows = {
        number: [want[key].get(number), got[key].get(number)]
        for key in ("table", "reports")
        for number in sorted({*want[key], *got[key]})
        if want[key].get(number) != got[key].get(number)
    }
    return {"rows": rows, "repeated": got["repeated"], "epochs again": got["epochs again"]}


def main(arguments: Sequence[str]) -> None:
    name, stride, folder, *url = arguments
    where = (int(stride), Path(folder), *(url or [None]))
    pair = name.removeprefix("two:")
    found = beside_another(pair, *where) if pair != name else differences(STRATEGIES[name], *where)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
