"""The compute of the sweep, and the savings by pruning."""

from quintet.base.formatting import duration, moment, plural
from quintet.report.html.blocks import Block, FactList
from quintet.report.sweep.sweep_data import SweepData


def compute(sweep: SweepData) -> list[Block]:
    """Return epochs, time and savings."""
    epochs = int(sweep.spent("epochs"))
    seconds = sweep.spent("seconds")
    busy = sweep.spent("cpu_seconds")
    begins = [begin for begin, _ in sweep.times.values() if begin]
    ends = [end for _, end in sweep.times.values() if end]
    values: dict[str, object] = {
        "Trials": plural(len(sweep.trials), "trial"),
        "Epochs": f"{epochs:,}{_saved(sweep)}",
        "Training time": f"{duration(seconds)}, sum over trials",
        "CPU time": f"{duration(busy)}, sum over trials",
    }
    if begins and ends:
        passed = (max(ends) - min(begins)).total_seconds()
        values["Wall time"] = (
            f"{duration(passed)}, from {moment(min(begins))} to {moment(max(ends))}"
        )
    if epochs:
        values["Time per epoch"] = (
            f"{seconds / epochs:.3g} s on average, including start-up and evaluation"
        )
    return [FactList(values)]


def _saved(sweep: SweepData) -> str:
    """Describe how many epochs pruning saved."""
    pruned = [t for t in sweep.trials if t.state == "pruned"]
    saved = sum(sweep.max_epochs - int(t.notes.get("epochs", 0)) for t in pruned)
    if saved <= 0:
        return ""
    used = int(sweep.spent("epochs"))
    return f"; pruning saved {saved:,} more, {saved / (saved + used):.0%} of the total"
