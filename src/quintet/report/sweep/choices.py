"""The choices of the sweep and its data."""

from quintet.base.formatting import number, short
from quintet.report.html.blocks import Block, Columns, FactList
from quintet.report.sweep.sweep_data import SweepData
from quintet.study.constraints import described
from quintet.study.space import Choice, Parameter

GROUPS = {
    "metric": "Metric",
    "loss": "Loss",
    "init": "Init",
    "optimizer": "Optimizer",
    "sweeper": "Sweeper",
    "scheduler": "Scheduler",
    "model": "Model",
}


PARTS = ("sampler", "scheduler")
"""The parts of a sweep strategy."""


def choices(sweep: SweepData) -> list[Block]:
    """Return the choices and the facts of the data, then the varied parameters."""
    made = sweep.record.choices if sweep.record else {}
    spans = {p.key: span(sweep, p) for p in sweep.space.parameters}
    values: dict[str, object] = {
        title: f"varied: {spans[group]}" if group in spans else made.get(group) or "–"
        for group, title in GROUPS.items()
    }
    values["Metric"] = f"{sweep.metric}, the {_better(sweep)} the better"
    if sweep.constraints:
        values["Constraints"] = described(sweep.constraints)
    values["Sweeper"] = f"{made.get('sweeper') or '–'} ({_strategy(sweep)})"
    varied = {f"Varied: {key}": text for key, text in spans.items() if key not in GROUPS}
    return [Columns([FactList(values), FactList(_data(sweep))]), FactList(varied)]


def span(sweep: SweepData, p: Parameter) -> str:
    """Return a parameter's values, and the options that it belongs to."""
    if isinstance(p, Choice):
        text = ", ".join(p.values)
    else:
        scale = {"log": ", log scale", "reverse_log": ", log scale of 1 − x"}.get(p.scale, "")
        text = f"{number(p.low)} to {number(p.high)}{scale}"
    swept = {q.key for q in sweep.space.parameters} - {p.key}
    owners = [f"{k} {' or '.join(v)}" for k, v in p.when.items() if k in swept]
    return f"{text}; with {' and '.join(owners)}" if owners else text


def _better(sweep: SweepData) -> str:
    return "smaller" if sweep.mode == "min" else "greater"


def _strategy(sweep: SweepData) -> str:
    strategy = sweep.spec.get("strategy", {})
    targets = (str((strategy.get(part) or {}).get("_target_", "")) for part in PARTS)
    return " + ".join(filter(None, map(short, targets))) or "unknown strategy"


def _data(sweep: SweepData) -> dict[str, object]:
    if sweep.record is None:
        return {}
    facts = sweep.record.facts
    splits = {"train": "training", "val": "validation", "test": "test"}
    sizes = {name: facts.get(f"{split}_size") for split, name in splits.items()}
    known = [f"{size:,} {name}" for name, size in sizes.items() if size is not None]
    return {
        "Data": sweep.record.choices.get("data") or "–",
        "Task": ", ".join(str(facts[k]) for k in ("task", "kind") if facts.get(k)) or "–",
        "Samples": ", ".join(known) or "–",
        "Input": " × ".join(map(str, facts.get("input_shape") or [])) or "–",
        "Fingerprint": facts.get("fingerprint") or "–",
    }
