"""The slot loop: claim a trial, run it as its own process, record its outcome."""

import os
import selectors
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from quintet.artifacts.record import RESULT
from quintet.base import locks
from quintet.base.errors import Code, UserError
from quintet.base.signals import StoppedError
from quintet.study.study import Study
from quintet.study.trial import CUT, Trial, folder_of
from quintet.study.trial_pipe import PROGRESS, with_params
from quintet.sweep import launch, stagnation, trial_outcome, trial_reports
from quintet.sweep.inheritance import inherit
from quintet.sweep.interruption import interruptible
from quintet.sweep.plan import Plan
from quintet.sweep.stacking import Stacking
from quintet.sweep.time_budget import TimeBudget
from quintet.sweep.trial_outcome import Outcome
from quintet.sweep.trial_process import LOCK, LOG, Process, Start, start, tail
from quintet.sweep.trial_schedulers import ContinueTrial, Finished, PruneTrial, StartTrial, Wait

TICK = 0.25
"""Seconds between two checks of the loop."""
GRACE = 5.0
"""Seconds that a trial has to end after an interrupt."""
Claim = tuple[Trial, int] | Wait | Finished


class View(Protocol):
    """Receives the events of the loop."""

    def started(self, trial: Trial, slot: int) -> None:
        """Show a trial that has started or continues."""

    def reported(self, trial: Trial, epochs: int, value: float) -> None:
        """Show the metric after `epochs` epochs."""

    def progressed(self, trial: Trial, epochs: float) -> None:
        """Show how many epochs are done, with a fraction for the current one."""

    def ended(self, trial: Trial, how: Outcome) -> None:
        """Show an outcome."""

    def rerun(self, trial: Trial, reason: str) -> None:
        """Show why a trial that started in a stack is rerun alone."""


@dataclass
class Slot:
    """A slot with its running trial; trials of a stack share its index."""

    index: int
    process: Process
    trial: Trial
    folder: Path


@dataclass
class Loop:
    """Runs a plan's trials on its slots until nothing is left to do.

    Args:
        plan: of the sweep.
        study: of the sweep.
        view: receives the events.
        slots: number of trials that run concurrently.
        limit: number of trials of the study.
        seconds: time after which no trial starts and running ones stop; None for no limit.
        stopping: called between events; True ends the running trials, which can be continued later.
        start: starts the process of a trial.
        stacking: starts several trials in one process; None if each has its own.

    """

    plan: Plan
    study: Study
    view: View
    slots: int
    limit: int
    seconds: float | None
    stopping: Callable[[], bool]
    start: Start = start
    stacking: Stacking | None = None
    running: dict[int, Slot] = field(default_factory=dict)
    held: list[tuple[Trial, int]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    gave_up: bool = False

    def run(self) -> bool:
        """Run; return whether all work is done."""
        self._budget, self._unstacked, done = TimeBudget(self.seconds), set[int](), False
        with selectors.DefaultSelector() as self._selector, suppress(StoppedError):
            try:
                while not (self.stopping() or self._budget.overdue):
                    late = self._out_of_time() and not self.held
                    if not (over := done or late or self.gave_up):
                        done = over = self._fill()
                    if not self.running and over:
                        return done
                    self._listen()
            finally:
                self._interrupt()
        return False

    def _out_of_time(self) -> bool:
        """Return whether no more trials may start; every sweep has at least one, of one epoch."""
        return self._budget.late and (bool(self.running) or bool(self.study.trials()))

    def _fill(self) -> bool:
        """Start trials on free slots; return True if nothing is left to start."""
        busy = {slot.index for slot in self.running.values()}
        for index in sorted({*range(self.slots)} - busy):
            claim = self.held.pop(0) if self.held else self._claim()
            if isinstance(claim, Finished | Wait):
                return isinstance(claim, Finished)
            self._start(index, [claim, *self._stackable_with(claim)])
        return False

    def _stackable_with(self, first: tuple[Trial, int]) -> list[tuple[Trial, int]]:
        """Claim trials that can be stacked with the first; hold others for the next slots."""
        if self.stacking is None or (kind := self._kind(first[0])) is None:
            return []
        most = self.stacking.width - 1
        while len(self.held) < most and not self._out_of_time():
            claim = self._claim()
            if isinstance(claim, Finished | Wait):
                break
            self.held.append(claim)
        found = [claim for claim in self.held if self._kind(claim[0]) == kind][:most]
        self.held = [claim for claim in self.held if claim not in found]
        return found

    def _kind(self, trial: Trial) -> Any:
        if self.stacking is None or trial.number in self._unstacked:
            return None
        return self.stacking.kind(trial, folder_of(self.study.folder, trial.number))

    def _claim(self) -> Claim:
        """Claim the next trial under its lock, so that no other process can."""
        with self.study.claiming():
            while (claim := self._claim_from(self.study.trials())) is None:
                pass
            return claim

    def _claim_from(self, trials: list[Trial]) -> Claim | None:
        """Claim an unfinished trial, or the next one; None to try again."""
        elsewhere, mine = False, {*self.running, *(trial.number for trial, _ in self.held)}
        for trial in trials:
            if trial.state != "running" or trial.paused or trial.number in mine:
                continue
            if (lock := self._lock(trial.number)) is None:
                elsewhere = True  # another worker runs it, or its process is about to exit
            elif self._still_open(trial.number):
                return trial, lock
            else:
                os.close(lock)
                return None
        return self._next(trials, elsewhere)

    def _next(self, trials: list[Trial], elsewhere: bool) -> Claim | None:
        plan = self.plan
        limit = len(trials) if stagnation.stops(plan, trials) else self.limit
        seen, mode = plan.compared(trials)
        move = plan.scheduler.move(seen, limit, plan.max_epochs, mode)
        if isinstance(move, StartTrial):
            number = self.study.create(self._params(seen, mode), plan.space, move.notes)
            return self._locked(number)
        if isinstance(move, ContinueTrial):
            if move.source is not None:
                source, heir = trials[move.source], trials[move.number]
                inherit(self.study, source, heir, plan.space, plan.settings.seed)
            self.study.note(move.number, budget=move.budget)
            return self._locked(move.number)
        if isinstance(move, PruneTrial):
            self.study.tell(move.number, "pruned", trials[move.number].value)
            return None
        if elsewhere or self.running or self.held:
            return Wait()
        if isinstance(move, Wait):
            raise _deadlock(self.study)
        return move

    def _params(self, seen: Sequence[Trial], mode: str) -> dict[str, str]:
        """Return the params of the next trial, from all so far as the plan compares them."""
        plan, number = self.plan, len(seen)
        if plan.sampler.starts_with_defaults and number < len(plan.enqueued):
            return plan.enqueued[number]
        with interruptible():
            return plan.sampler.suggest(seen, plan.space, number, plan.settings.seed, mode)

    def _locked(self, number: int) -> tuple[Trial, int]:
        # The process that paused the trial may not have released its lock yet.
        lock = self._lock(number, patience=10.0)
        assert lock is not None, f"trial {number} is held by a process that does not run it"
        return self.study.trials()[number], lock

    def _lock(self, number: int, patience: float = 0.0) -> int | None:
        folder = folder_of(self.study.folder, number)
        folder.mkdir(parents=True, exist_ok=True)
        return locks.wait_for(folder / LOCK, patience)

    def _still_open(self, number: int) -> bool:
        """Check a trial again under its lock: it may have ended before.

        The outcome of a trial whose sweep died before recording it is recorded here.
        """
        trial = self.study.trials()[number]
        if trial.state != "running" or trial.paused:
            return False
        folder = folder_of(self.study.folder, number)
        how = trial_outcome.recorded(folder, self.plan.compared_by)
        if how is None or how.epochs <= trial.notes.get("paused_at", -1):
            return True
        self._record(trial, how)
        return False

    def _start(self, index: int, claims: Sequence[tuple[Trial, int]]) -> None:
        folders = [folder_of(self.study.folder, trial.number) for trial, _ in claims]
        with ExitStack() as unless_started:
            commands = []
            for (trial, lock), folder in zip(claims, folders, strict=True):
                unless_started.callback(os.close, lock)
                commands.append([*self.plan.command, *launch.overrides(self.plan, trial, folder)])
                (folder / RESULT).unlink(missing_ok=True)
            if self.stacking is not None and len(claims) > 1:
                processes = self.stacking.start(claims, folders, index, self.slots)
            else:
                extra = launch.environment(index, self.slots) | with_params(claims[0][0].params)
                number, lock = claims[0][0].number, claims[0][1]
                processes = [self.start(commands[0], folders[0], number, lock, extra)]
            unless_started.pop_all()
        for (trial, _), process, folder in zip(claims, processes, folders, strict=True):
            self.running[trial.number] = Slot(index, process, trial, folder)
            self._selector.register(process.reports, selectors.EVENT_READ, trial.number)
            self.view.started(trial, index)

    def _listen(self) -> None:
        """Wait for reports and ended trials, and process them."""
        for key, _ in self._selector.select(TICK):
            self._answer_reports(self.running[key.data])
        for slot in list(self.running.values()):
            if slot.process.exit_code() is not None:
                self._answer_reports(slot)
                self._end(slot)

    def _end(self, slot: Slot) -> None:
        """Record the outcome of a trial, or hold one that must be rerun alone."""
        process, code = slot.process, slot.process.exit_code()
        reason = process.rerun_reason
        self._release(slot)
        if reason is not None and trial_outcome.recorded(slot.folder) is None:
            self._unstacked.add(slot.trial.number)
            self.held.append((slot.trial, process.lock))
            self.view.rerun(slot.trial, reason)
            return
        try:
            messages, names = process.messages, self.plan.compared_by
            how = trial_outcome.of(slot.folder, code or 0, messages, names)
            self._record(slot.trial, how)
        finally:
            process.release_lock()

    def _answer_reports(self, slot: Slot) -> None:
        for report in slot.process.read_reports():
            stop = trial_reports.stops(self.plan, self.study, slot.trial, report)
            if report.value is not None:
                self.view.reported(slot.trial, report.epochs, report.value)
            if cut := self._budget.late and not stop:
                self.study.note(slot.trial.number, **{CUT: True})
            slot.process.answer(stop=stop or cut)
        if (epochs := slot.process.messages.pop(PROGRESS, None)) is not None:
            self.view.progressed(slot.trial, epochs)

    def _release(self, slot: Slot) -> None:
        self._selector.unregister(slot.process.reports)
        slot.process.end()
        del self.running[slot.trial.number]

    def _record(self, trial: Trial, how: Outcome) -> None:
        """Write an outcome into the study."""
        number, budget = trial.number, trial.notes.get("budget")
        notes = how.notes(trial.notes)
        if how.state == "failed":
            notes["log"] = tail(folder_of(self.study.folder, number) / LOG)
        self.study.note(number, **notes)
        if how.state == "pruned" and budget is not None and how.epochs >= budget:
            self.study.note(number, paused_at=budget)
        else:
            self.study.tell(number, how.state, how.value)
        self.outcomes.append(how)
        self.view.ended(trial, how)
        self.gave_up = self._all_failed()

    def _all_failed(self) -> bool:
        """Return whether the first few trials all failed, in a study without any value."""
        if len(self.outcomes) < self.plan.settings.give_up_after:
            return False
        return all(t.value is None for t in self.study.trials())

    def _interrupt(self) -> None:
        """End running trials; they stay unfinished in the study, to be continued later."""
        for slot in self.running.values():
            slot.process.signal(signal.SIGINT)
        until = time.monotonic() + GRACE
        for slot in list(self.running.values()):
            slot.process.end(patience=max(0.0, until - time.monotonic()))
            slot.process.release_lock()
        self.running.clear()
        for _, lock in self.held:
            os.close(lock)
        self.held.clear()


def _deadlock(study: Study) -> UserError:
    """Return the error of a scheduler that waits, while no process trains what it waits for."""
    return UserError(
        "cannot go on: its scheduler waits for a trial that is paused where no trial of this sweep "
        "pauses",
        code=Code.DAMAGED,
        key="study",
        value=study.folder.name,
        hint="Restore the study's journal, or what the sweep was started with, such as its "
        "trainer.max_epochs; or start another study=<name>",
    )
