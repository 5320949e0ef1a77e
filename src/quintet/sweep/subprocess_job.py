"""Work that a sweep has done by a process of its own, run to its end the way a trial is."""

import time
from collections.abc import Sequence
from pathlib import Path

from quintet.base import locks
from quintet.sweep.fork import search_path
from quintet.sweep.plan import Plan
from quintet.sweep.time_budget import TimeBudget
from quintet.sweep.trial_process import LOCK, LOG, Start, tail


def beside(plan: Plan, name: str) -> Path:
    """Return the script of another command."""
    return Path(plan.command[1]).with_name(f"{name}.py")


def command(plan: Plan, name: str, arguments: Sequence[str]) -> list[str]:
    """Return a command that stands beside the sweep's own script, such as evaluate."""
    return [plan.command[0], str(beside(plan, name)), *arguments]


def ran(
    command: Sequence[str], folder: Path, start: Start, clock: TimeBudget | None = None
) -> str | None:
    """Run a command.

    Args:
        command: with the interpreter that runs it.
        folder: to run in; what it prints is not kept.
        start: how a process is started.
        clock: by which it is ended when it is late.

    Returns:
        None where it did its work, else why not.

    """
    lock = locks.take(folder / LOCK)
    if lock is None:
        return f"another process is at work in {folder}"
    process = start(command, folder, 0, lock, {"PYTHONPATH": search_path()})
    try:
        while (code := process.exit_code()) is None and not (clock and clock.late):
            time.sleep(0.02)
    finally:
        process.end()
        process.let_go()
    said = tail(folder / LOG, lines=3)
    for file in (LOG, LOCK):
        (folder / file).unlink(missing_ok=True)
    if code is None:
        return "sweeper.timeout left no time for it"
    return said if code else None
