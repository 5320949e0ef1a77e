"""What a reader of a sweep should be wary of: ranges that end too early, and what has changed."""

from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from quintet.base.formatting import listed, score
from quintet.report.sweep.sweep_data import SweepData
from quintet.study.leaderboard import at_the_edge, by_hand

OLD = 90
"""Days after which a study is called old."""


def warnings(sweep: SweepData) -> list[str]:
    """Return sentences, the most important first."""
    return [
        *lost(sweep),
        *simple(sweep),
        *by_hand(sweep.study),
        *edges(sweep),
        *data(sweep),
        *libraries(sweep),
        *code(sweep),
        *age(sweep),
    ]


def lost(sweep: SweepData) -> list[str]:
    """Warn that `best/` is not the winner, whose model somebody has deleted."""
    if not sweep.winner_is_lost or sweep.winner is None:
        return []
    return [
        f"The checkpoint of trial {sweep.winner.number} is no longer there: best/ is the next best "
        "trial that has its own."
    ]


def edges(sweep: SweepData) -> list[str]:
    """Warn of best values at the end of their range."""
    if sweep.winner is None:
        return []
    known = {p.key for p in sweep.space.parameters}
    if not set(sweep.winner.params) <= known:
        return []
    return at_the_edge(sweep.winner, sweep.space)


def simple(sweep: SweepData) -> list[str]:
    """Warn where a simple model does better than the winner on the same validation samples."""
    record, value = sweep.best, sweep.winner.value if sweep.winner else None
    if record is None or value is None:
        return []
    told = {n: s["val"] for n, s in record.baselines.items() if score(s["val"]) != score(value)}
    ahead = {name: p for name, p in told.items() if sweep.better(p, value)}
    if not ahead:
        return []
    said = listed([f"{name} {score(p)}" for name, p in ahead.items()])
    return [
        f"Simple models do better on validation data ({said}): whatever the sweep gained, these "
        "inputs may need no net (model=linear), or the ranges miss the good values."
    ]


def data(sweep: SweepData) -> list[str]:
    """Warn where trials saw different data, or its file has been written since."""
    found = {r.facts.get("fingerprint") for r in sweep.records.values()} - {None}
    if len(found) > 1:
        return [
            f"The trials were trained on {len(found)} different versions of the data, so they "
            "cannot be compared."
        ]
    node, ended = sweep.config.get("data"), _last(sweep)
    path = Path(str((isinstance(node, dict) and node.get("path")) or ""))
    if ended and path.name and path.exists():
        written = datetime.fromtimestamp(path.stat().st_mtime)
        if written > ended:
            return [f"{path} has been written since the last trial: the data may have changed."]
    return []


def libraries(sweep: SweepData) -> list[str]:
    """Warn of libraries that are of another version here, or changed during the sweep."""
    changed = []
    environments = [record.environment for record in sweep.records.values()]
    for name in ("torch", "lightning", "torchmetrics", "hydra-core", "numpy"):
        seen = sorted({str(e[name]) for e in environments if name in e})
        now = _installed(name)
        if len(seen) > 1:
            changed.append(f"{name} changed during the sweep ({', '.join(seen)})")
        elif seen and now and seen != [now]:
            changed.append(f"{name} was {seen[0]} and is {now} here")
    return [f"Libraries are not what they were: {listed(changed)}."] if changed else []


def code(sweep: SweepData) -> list[str]:
    """Warn where the code was not the same for all trials, or not committed."""
    environments = [record.environment for record in sweep.records.values()]
    if len({e["commit"] for e in environments if "commit" in e}) > 1:
        return ["The trials ran on different commits of the code."]
    if any(e.get("dirty") for e in environments):
        return ["The code had uncommitted changes, so its commit does not tell all of it."]
    return []


def age(sweep: SweepData) -> list[str]:
    """Warn of a study that is old."""
    ended = _last(sweep)
    days = (datetime.now() - ended).days if ended else 0
    return [f"The last trial ended {days} days ago."] if days >= OLD else []


def _last(sweep: SweepData) -> datetime | None:
    return max((end for _, end in sweep.times.values() if end), default=None)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
