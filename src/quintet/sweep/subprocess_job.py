"""A command that a sweep runs in a process of its own, like a trial, and waits for."""

import time
from collections.abc import Sequence
from pathlib import Path

from quintet.base import locks
from quintet.sweep.fork import search_path
from quintet.sweep.plan import Plan
from quintet.sweep.time_budget import TimeBudget
from quintet.sweep.trial_process import LOCK, LOG, Start, tail


def script(plan: Plan, name: str) -> Path:
    """Return the script of another command."""
    return Path(plan.command[1]).with_name(f"{name}.py")


def command(plan: Plan, name: str, arguments: Sequence[str]) -> list[str]:
    """Return the command of another script, such as evaluate."""
    return [plan.command[0], str(script(plan, name)), *arguments]


def ran(
    command: Sequence[str], folder: Path, start: Start, budget: TimeBudget | None = None
) -> str | None:
    """Run a command.

    Args:
        command: with the interpreter that runs it.
        folder: to run in; its output is discarded.
        start: how a process is started.
        budget: when it is used up, the process is ended.

    Returns:
        None if it succeeded, otherwise the reason.

    """
    lock = locks.take(folder / LOCK)
    if lock is None:
        return f"another process is working in {folder}"
    process = start(command, folder, 0, lock, {"PYTHONPATH": search_path()})
    try:
        while (code := process.exit_code()) is None and not (budget and budget.late):
            time.sleep(0.02)
    finally:
        process.end()
        process.release_lock()
    output = tail(folder / LOG, lines=3)
    for file in (LOG, LOCK):
        (folder / file).unlink(missing_ok=True)
    if code is None:
        return "sweeper.timeout left no time for it"
    return (output or f"it ended with exit code {code}") if code else None
