"""What the sweep cost, and what stopping early saved."""

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
        "Training time": f"{duration(seconds)}, all trials added up",
        "CPU time": f"{duration(busy)}, all trials added up",
    }
    if begins and ends:
        passed = (max(ends) - min(begins)).total_seconds()
        values["From first to last"] = (
            f"{duration(passed)} on the clock, {moment(min(begins))} to {moment(max(ends))}"
        )
    if epochs:
        values["An epoch"] = f"{seconds / epochs:.3g} s on average, start and evaluation included"
    return [FactList(values)]


def _saved(sweep: SweepData) -> str:
    """Say how many epochs pruned trials were spared, at the cost of an average epoch each."""
    pruned = [t for t in sweep.trials if t.state == "pruned"]
    spared = sum(sweep.max_epochs - int(t.notes.get("epochs", 0)) for t in pruned)
    if spared <= 0:
        return ""
    used = int(sweep.spent("epochs"))
    return f"; pruning spared {spared:,} more, {spared / (spared + used):.0%} of the whole"
