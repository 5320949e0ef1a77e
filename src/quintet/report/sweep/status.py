"""The state of an unfinished sweep: finished, running and remaining trials."""

from quintet.base.formatting import listed
from quintet.base.locks import is_held
from quintet.report.html.blocks import Block, Note
from quintet.report.sweep.sweep_data import SweepData
from quintet.sweep.trial_process import LOCK


def status_note(sweep: SweepData) -> list[Block]:
    """Return a note on an unfinished sweep; [] for a finished one."""
    counts = count(sweep)
    ended = sum(counts.pop(state, 0) for state in ("completed", "pruned", "failed"))
    remaining = sweep.total - len(sweep.trials)
    if not counts and (stopped := sweep.about.get("stopped")):
        return [Note(f"The sweep stopped {stopped}.")]
    if not counts and not remaining:
        return []
    phrases = {
        "running": "{} running",
        "interrupted": "{} interrupted",
        "paused": "{} paused until others catch up",
    }
    parts = [text.format(counts[state]) for state, text in phrases.items() if state in counts]
    parts += [f"{remaining} not started"] if remaining else []
    opening = f"{ended} of {sweep.total} trials have ended; {listed(parts)}"
    if "running" in counts:
        hint = "report.py writes the page again, and with live=true it follows the sweep."
        return [Note(f"The sweep is running: {opening}. {hint}")]
    again = " Continue it with the command below." if sweep.about.get("command") else ""
    return [Note(f"The sweep is not finished and not running: {opening}.{again}", "warn")]


def count(sweep: SweepData) -> dict[str, int]:
    """Return the number of trials by state; unfinished ones run if a process holds their lock."""
    found: dict[str, int] = {}
    for trial in sweep.trials:
        state: str = trial.state
        if state == "running":
            alive = is_held(sweep.trial_folder(trial.number) / LOCK)
            state = "running" if alive else "paused" if trial.paused else "interrupted"
        found[state] = found.get(state, 0) + 1
    order = ("completed", "pruned", "failed", "running", "paused", "interrupted")
    return {state: found[state] for state in order if state in found}
