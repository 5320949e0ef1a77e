"""Ends sweeps at random, continues each with the same command, and counts what was lost.

python tests/quintet/sweep/soak.py [ROUNDS] [seed=0] [real=0.1] [faults=0.5] [minutes=600]
    [launchers=joblib,submitit,ray] [storages=journal,sqlite,postgres]

A round is a kill -9 of the sweep, of a part of it or of all of it, or a fault: a disk that is full
or fails at some write, a clock that jumps, a memory that is short. Sweeps take turns over all
strategies, storages and launchers that are installed here; most are of stand-in trials, a share
(`real`) are of train.py. A study of 2,000 trials is among them from 100 rounds on. Every fourth
sweep is on another launcher than basic; all of them are where `launchers` are given. Why a trial
failed is printed below its sweep.
"""

import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import postgres
from family import kill, members, start, wait_for_none
from kills import STRATEGIES

from quintet.base import fault_injection
from quintet.study.study import Study
from quintet.study.trial import Trial

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
ENDINGS = 3
"""Rounds of one sweep before it is let run to its end."""
PATIENCE = 300
BY_NUMBER = ("grid", "random", "quasi_random")
"""Strategies whose suggestions do not depend on the order in which trials end."""
STAYS = "submitit"
"""The launcher whose jobs outlive a killed sweep; the next one runs beside them."""
REAL = {
    "random": ("sweeper=random", "sweeper.n_trials=4"),
    "grid": ("sweeper=grid", "optimizer.weight_decay=0,1e-3"),
    "optuna": ("sweeper=optuna", "sweeper.n_trials=5"),
    "asha": ("sweeper=asha", "sweeper.n_trials=5"),
    "successive_halving": ("sweeper=successive_halving", "sweeper.scheduler.eta=2"),
    "folds": ("sweeper=random", "sweeper.n_trials=2", "cv.folds=3"),
}
WORDS = ("trainer=cpu", "data=breast_cancer", "model.width=8", "trainer.max_epochs=4")
WORDS += ("sweeper.give_up_after=99", "callbacks.early_stopping=null", "baselines=false")
WORDS += ("report=false",)
COLUMNS = (
    "sweeps",
    "kills",
    "faults",
    "trials",
    "failed",
    "lost",
    "repeated",
    "orphans",
    "changed",
)
COLUMNS += ("compared",)


@dataclass(frozen=True)
class Case:
    """A sweep to be ended: by which strategy and launcher, on which storage."""

    strategy: str
    launcher: str = "basic"
    storage: str = "journal"
    real: bool = False
    trials: int = 0

    @property
    def kind(self) -> str:
        """Its row of the table."""
        what = "train.py" if self.real else f"{self.trials or ''} stand-ins".strip()
        return f"{what}, {self.launcher}, {self.storage}"

    @property
    def comparable(self) -> bool:
        """Whether it ends as it would have: where the order of events cannot matter."""
        folds = self.real and self.strategy == "folds"
        return self.launcher == "basic" or self.strategy in BY_NUMBER or folds

    def command(self, folder: Path, url: str | None, fault: str) -> list[str]:
        """Return what a user would type, again and again."""
        if not self.real:
            more = [self.strategy, self.launcher, str(self.trials), fault, *filter(None, [url])]
            return [sys.executable, str(HERE / "soaked.py"), str(folder), *more]
        lr = "interval(1e-3,1e-1)" if self.strategy != "grid" else "1e-3,1e-2"
        words = [*WORDS, *REAL[self.strategy], f"optimizer.lr={lr}", f"hydra.sweep.dir={folder}"]
        if self.launcher != "basic":
            words += [f"hydra/launcher=workers_{self.launcher}", "sweeper.workers=2"]
        words += [f"sweeper.storage={url}"] if url else []
        return [sys.executable, str(ROOT / "src/train.py"), "-m", *words]


@dataclass(frozen=True)
class Options:
    """What is asked for: how much, and the shares and kinds of it.

    Args:
        rounds: how many times sweeps are ended.
        seed: of all that is random here.
        real: the share of sweeps of train.py.
        faults: the share of rounds that are faults; the others are kills.
        minutes: after which no further sweep begins.
        launchers: of every sweep; none: of every fourth, whichever is installed.
        storages: of the sweeps, in turn.

    """

    rounds: int = 300
    seed: int = 0
    real: float = 0.1
    faults: float = 0.5
    minutes: float = 600
    launchers: tuple[str, ...] = ()
    storages: tuple[str, ...] = ("journal", "sqlite", "postgres")

    @classmethod
    def typed(cls, words: Sequence[str]) -> "Options":
        """Read them as they are typed."""
        given = dict(w.split("=", 1) if "=" in w else ("rounds", w) for w in words)
        lists = {k: tuple(given.pop(k).split(",")) for k in ("launchers", "storages") if k in given}
        return cls(**lists, **{k: type(getattr(cls, k))(v) for k, v in given.items()})  # type: ignore[arg-type]


@dataclass
class Soaked:
    """One sweep under attack, and what it suffered."""

    case: Case
    folder: Path
    url: str | None
    chance: random.Random
    faults: float = 0.5
    figures: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @cached_property
    def log(self) -> Path:
        """Where it prints."""
        return self.folder.with_suffix(".log")

    @cached_property
    def failures(self) -> list[str]:
        """Why each failed trial failed; ask once it has run to its end."""
        failed = [t for t in self.trials() if t.state == "failed"]
        return [
            f"failed: {self.case} {self.folder} trial {t.number}: "
            + " | ".join(filter(None, (t.notes.get("reason") or "no reason", t.notes.get("log"))))
            for t in failed
        ]

    def found(self, key: str, what: object) -> None:
        """Count something that is wrong."""
        self.figures[key] += 1
        self.wrong.append(f"{key}: {self.case} {self.folder}: {what}")

    def begin(self, fault: str = "none", **environment: str) -> "subprocess.Popen[bytes]":
        """Start it, or go on with it."""
        with self.log.open("a") as log:
            command = self.case.command(self.folder, self.url, fault)
            started: subprocess.Popen[bytes] = start(
                command, self.folder, stdout=log, stderr=log, env=environment
            )
        return started

    def table(self) -> dict[int, list[Any]]:
        """Return the trials that have ended, by number."""
        ended = [t for t in self.trials() if t.state != "running"]
        return {t.number: [t.params, t.state, t.value, t.notes.get("epochs")] for t in ended}

    def trials(self) -> list[Trial]:
        """Return the trials so far, by number."""
        if not (self.folder / "trials").exists():
            return []
        return Study.read(self.folder, self.url).trials()

    def records(self) -> dict[int, int]:
        """Return when each trial that has ended left its result."""
        paths = {n: self.folder / f"trials/{n:04d}/result.json" for n in self.table()}
        return {n: path.stat().st_mtime_ns for n, path in paths.items() if path.exists()}

    def progress(self) -> int:
        """Return how far it has come, in files and epochs."""
        trained = [*self.folder.glob("trials/trained"), *self.folder.glob("trials/*/metrics.csv")]
        epochs = sum(path.read_bytes().count(b"\n") for path in trained)
        return epochs + len([*self.folder.glob("trials/*/.hydra")])

    def suffer(self) -> None:
        """Run one round, and check whether ended trials are unchanged."""
        fault = self.chance.choice(["ENOSPC", "EIO", "clock", "memory"])
        if self.chance.random() >= self.faults:
            fault = "kill"
        if fault != "kill" and (self.case.real and fault in ("clock", "memory")):
            fault = "kill"
        if fault == "kill":
            self.killed()
        else:
            self.failed(fault)
        self.figures["kills" if fault == "kill" else "faults"] += 1
        if self.case.launcher != STAYS:
            self.leaves_none()

    def failed(self, fault: str) -> None:
        """Run it with a fault until it ends, or for a while."""
        number = self.chance.randint(1, 200 if self.case.real else 60)
        spec = {fault_injection.VARIABLE: f"{fault}:{number}"} if fault.startswith("E") else {}
        process = self.begin(f"{fault}{number}", **spec)
        self.ended(process, 20)

    def killed(self) -> None:
        """Kill a part of it after a while, then it."""
        process, begun = self.begin(), self.progress()
        further = begun + self.chance.randint(0, self.case.trials // 5 or 5)
        until = time.monotonic() + 60
        while self.progress() < further and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(self.chance.uniform(0, 0.1))
        others = [pid for pid in members(self.folder) if pid != process.pid]
        which = self.chance.choice(["sweep", "sweep", "part", "everything"])
        kill({"sweep": [], "part": self.chance.sample(others, bool(others))}.get(which, others))
        self.ended(process, self.chance.uniform(0, 0.5) if which == "part" else 0)

    def ended(self, process: "subprocess.Popen[bytes]", patience: float) -> None:
        """Wait a while for it to end by itself, then kill it."""
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def leaves_none(self) -> None:
        """Count processes that outlived it."""
        try:
            wait_for_none(self.folder)
        except AssertionError as error:
            self.found("orphans", error)

    def run(self, rounds: int) -> None:
        """Go through some rounds, then to the end by the same command."""
        for _ in range(rounds):
            before, records = self.table(), self.records()
            self.suffer()
            self.stands(before, records)
        before, records = self.table(), self.records()
        code = self.finish()
        self.stands(before, records)
        self.leaves_none()
        if code:
            self.found("lost", f"ended with {code}: {self.log.read_text()[-3000:]}")

    def finish(self) -> int:
        """Run it to its end."""
        process = self.begin()
        try:
            return process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            kill([*members(self.folder), process.pid])
            return process.wait()

    def stands(self, before: dict[int, list[Any]], records: dict[int, int]) -> None:
        """Compare what had ended before with what it is now."""
        now, later = self.table(), self.records()
        for number, row in before.items():
            if now.get(number) != row:
                self.found("lost", f"{number}: {row} {now.get(number)}")
        for number, moment in records.items():
            if later.get(number) != moment:
                self.found("repeated", number)

    def compare(self, want: dict[int, list[Any]]) -> None:
        """Compare its end with that of a sweep that nobody disturbed."""
        got = self.table()
        failed = {number for number, row in got.items() if row[1] == "failed"}
        self.figures.update(trials=len(got), failed=len(failed))
        for number in want.keys() - got.keys():
            self.found("lost", number)
        if not self.case.comparable or (failed and self.case.strategy not in BY_NUMBER):
            return
        self.figures["compared"] += 1
        for number in want.keys() & got.keys() - failed:
            if want[number] != got[number]:
                self.found("changed", f"{number}: {want[number]} {got[number]}")


def cases(options: Options, chance: random.Random) -> Iterator[Case]:
    """Yield sweeps without end, each strategy on each storage in turn."""
    every = 1 if options.launchers else 4
    launchers = options.launchers or installed() or ("basic",)
    for number in itertools.count():
        is_real = chance.random() < options.real
        names = tuple(REAL if is_real else STRATEGIES)
        launcher = chance.choice(launchers) if number % every == every - 1 else "basic"
        storage = options.storages[number % len(options.storages)]
        yield Case(names[number % len(names)], launcher, storage, is_real)


def soak(options: Options, folder: Path, url: str | None) -> Iterator[Soaked]:
    """Yield sweep after sweep, until there have been so many rounds, or the time is up."""
    chance, undisturbed, done = random.Random(options.seed), {}, 0
    them, until = cases(options, chance), time.monotonic() + 60 * options.minutes
    large = [Case("random", trials=2000)] if options.rounds >= 100 else []
    for number in itertools.count():
        if done >= options.rounds or time.monotonic() > until:
            return
        case = large.pop() if large else next(them)
        key = (case.strategy, case.real, case.trials)
        if key not in undisturbed:
            plain = Case(case.strategy, real=case.real, trials=case.trials)
            twin = Soaked(plain, folder / f"undisturbed{number}", None, chance)
            assert twin.finish() == 0, twin.log.read_text()
            undisturbed[key] = twin.table()
        its = folder / f"sweep{number:04d}"
        where = {"journal": None, "sqlite": f"sqlite:///{its}.db", "postgres": url}[case.storage]
        soaked = Soaked(case, its, where, chance, options.faults)
        soaked.run(min(ENDINGS + 2 * bool(case.trials), options.rounds - done))
        soaked.compare(undisturbed[key])
        done += soaked.figures["kills"] + soaked.figures["faults"]
        yield soaked


def installed() -> tuple[str, ...]:
    """Return the launchers that are there, besides basic."""
    found = "hydra_plugins.hydra_{}_launcher"
    return tuple(n for n in ("joblib", "submitit", "ray") if find_spec(found.format(n)))


def report(rows: dict[str, Counter[str]]) -> str:
    """Return the figures as a table in Markdown."""
    total: Counter[str] = sum(rows.values(), Counter())
    lines = [f"| trials, launcher, storage | {' | '.join(COLUMNS)} |", "|---" * 11 + "|"]
    for kind, figures in [*sorted(rows.items()), ("all", total)]:
        lines.append(f"| {kind} | {' | '.join(str(figures[name]) for name in COLUMNS)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Soak, print the figures; return 1 where something went wrong."""
    options = Options.typed(arguments)
    sources = os.pathsep.join([str(ROOT / "src"), str(HERE), os.environ.get("PYTHONPATH", "")])
    os.environ.update(PYTHONPATH=sources, OMP_NUM_THREADS="1")
    rows: dict[str, Counter[str]] = {}
    wrong: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak")))
        url = stack.enter_context(postgres.server()) if postgres.programs() else None
        if url is None:
            options = replace(
                options, storages=tuple(s for s in options.storages if s != "postgres")
            )
        for soaked in soak(options, folder, url):
            figures = rows.setdefault(soaked.case.kind, Counter())
            figures.update({"sweeps": 1, **soaked.figures})
            wrong += soaked.wrong
            print(soaked.case, json.dumps(soaked.figures), *soaked.wrong, flush=True)
            print(*soaked.failures, sep="\n", end="\n" * bool(soaked.failures), flush=True)
    print(f"\n{date.today()}, soak.py {' '.join(arguments)}\n")
    print(report(rows), *wrong, sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
