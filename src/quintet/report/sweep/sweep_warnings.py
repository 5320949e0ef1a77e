"""Warnings about a sweep: ranges that are too narrow, and what has changed."""

from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from quintet.base.formatting import listed, score
from quintet.report.sweep.sweep_data import SweepData
from quintet.study.leaderboard import edge_warnings, steering_warnings

OLD = 90
"""Days after which a study counts as old."""


def warnings(sweep: SweepData) -> list[str]:
    """Return sentences, the most important first."""
    return [
        *winner_deleted(sweep),
        *baselines_ahead(sweep),
        *steering_warnings(sweep.study),
        *range_edges(sweep),
        *data(sweep),
        *libraries(sweep),
        *code(sweep),
        *age(sweep),
    ]


def winner_deleted(sweep: SweepData) -> list[str]:
    """Warn that `best/` is not the winner, whose checkpoint was deleted."""
    if not sweep.winner_is_lost or sweep.winner is None:
        return []
    return [
        f"The checkpoint of trial {sweep.winner.number} has been deleted: best/ is the next best "
        "trial with a checkpoint."
    ]


def range_edges(sweep: SweepData) -> list[str]:
    """Warn about best values at the edge of their range."""
    if sweep.winner is None:
        return []
    known = {p.key for p in sweep.space.parameters}
    if not set(sweep.winner.params) <= known:
        return []
    return edge_warnings(sweep.winner, sweep.space)


def baselines_ahead(sweep: SweepData) -> list[str]:
    """Warn if a baseline beats the winner on the same validation samples."""
    record, value = sweep.best, sweep.winner.value if sweep.winner else None
    if record is None or value is None:
        return []
    known = {n: s["val"] for n, s in record.baselines.items() if score(s["val"]) != score(value)}
    ahead = {name: p for name, p in known.items() if sweep.better(p, value)}
    if not ahead:
        return []
    names = listed([f"{name} {score(p)}" for name, p in ahead.items()])
    simpler = "a neural network (model=linear)" if record.parameters else f"{record.trained}"
    return [
        f"Simple baselines do better on validation data ({names}): these inputs may not need "
        f"{simpler}, or the ranges miss the good values."
    ]


def data(sweep: SweepData) -> list[str]:
    """Warn if trials used different data, or its file was modified afterwards."""
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
            return [f"{path} was modified after the last trial: the data may have changed."]
    return []


def libraries(sweep: SweepData) -> list[str]:
    """Warn about library versions that differ here, or changed during the sweep."""
    changed = []
    environments = [record.environment for record in sweep.records.values()]
    for name in ("torch", "lightning", "torchmetrics", "hydra-core", "numpy"):
        seen = sorted({str(e[name]) for e in environments if name in e})
        now = _installed(name)
        if len(seen) > 1:
            changed.append(f"{name} changed during the sweep ({', '.join(seen)})")
        elif seen and now and seen != [now]:
            changed.append(f"{name} was {seen[0]} and is {now} here")
    return [f"Library versions differ: {listed(changed)}."] if changed else []


def code(sweep: SweepData) -> list[str]:
    """Warn if the code differed between trials, or was not committed."""
    environments = [record.environment for record in sweep.records.values()]
    if len({e["commit"] for e in environments if "commit" in e}) > 1:
        return ["The trials ran on different commits of the code."]
    if any(e.get("dirty") for e in environments):
        return ["The code had uncommitted changes, so the commit does not fully describe it."]
    return []


def age(sweep: SweepData) -> list[str]:
    """Warn about an old study."""
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
