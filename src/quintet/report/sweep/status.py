"""How far a sweep has come: what has ended, what is training now, what is still to come."""

from quintet.base.formatting import listed
from quintet.base.locks import is_held
from quintet.report.html.blocks import Block, Note
from quintet.report.sweep.sweep_data import SweepData
from quintet.sweep.trial_process import LOCK


def standing(sweep: SweepData) -> list[Block]:
    """Return one sentence on a sweep that is not finished; nothing on one that is."""
    counts = count(sweep)
    ended = sum(counts.pop(state, 0) for state in ("completed", "pruned", "failed"))
    coming = sweep.total - len(sweep.trials)
    if not counts and not coming:
        return []
    words = {
        "running": "{} training now",
        "interrupted": "{} interrupted",
        "paused": "{} paused until others have come as far",
    }
    parts = [text.format(counts[state]) for state, text in words.items() if state in counts]
    parts += [f"{coming} still to begin"] if coming else []
    opening = f"{ended} of {sweep.total} trials have ended; {listed(parts)}"
    if "running" in counts:
        return [Note(f"The sweep is running: {opening}. Write the page again to see more.")]
    again = " The command below that says continue goes on." if sweep.about.get("command") else ""
    return [Note(f"The sweep is not finished, and nothing runs: {opening}.{again}", "warn")]


def count(sweep: SweepData) -> dict[str, int]:
    """Return how many trials stand how: those without an end are running, if a process has them."""
    found: dict[str, int] = {}
    for trial in sweep.trials:
        state: str = trial.state
        if state == "running":
            alive = is_held(sweep.trial_folder(trial.number) / LOCK)
            state = "running" if alive else "paused" if trial.paused else "interrupted"
        found[state] = found.get(state, 0) + 1
    order = ("completed", "pruned", "failed", "running", "paused", "interrupted")
    return {state: found[state] for state in order if state in found}
