"""A warm start: what was best in earlier studies is tried first, after the config as it stands."""

from pathlib import Path

from quintet import artifacts
from quintet.errors import UserError
from quintet.sweep import spec
from quintet.sweep.leaderboard import ranked
from quintet.sweep.plan import Plan
from quintet.sweep.space import Point
from quintet.sweep.storage import JOURNAL
from quintet.sweep.study import Study

MOST = 5
"""Points that are taken over."""
LOOKED_AT = 20
"""Studies, the newest, that `auto` looks at."""


def points(plan: Plan, study: Study) -> tuple[Point, ...]:
    """Return points to begin with; a study that goes on keeps those that it began with.

    Raises:
        UserError: the folder to start from is no sweep's, or holds no point of this space.

    """
    wanted = plan.settings.get("warm_start")
    known = study.optuna.user_attrs.get("warm_start")
    if known is None and wanted and plan.sampler.starts_with_defaults:
        found = _alike(plan) if wanted == "auto" else _from(plan, Path(wanted))
        known = {folder: point for folder, point in found.items() if point != plan.defaults}
        study.optuna.set_user_attr("warm_start", known)
    elif wanted not in (None, "auto") and not plan.sampler.starts_with_defaults:
        raise UserError(
            f"sweeper.warm_start={wanted}: this strategy tries every value anyway. Leave it out, "
            "or take another, such as sweeper=random."
        )
    return tuple((known or {}).values())


def _from(plan: Plan, folder: Path) -> dict[str, Point]:
    """Return the best points of one study, by trial."""
    if not artifacts.has(folder, JOURNAL):
        raise UserError(
            f"sweeper.warm_start={folder} is no sweep folder: {folder / JOURNAL} is missing. "
            "Allowed: a folder that train.py -m wrote, auto, or null."
        )
    best = {t.number: t.point for t in ranked(Study.read(folder)) if t.state == "completed"}
    fitting = {f"{folder}/trials/{n:04d}": p for n, p in best.items() if plan.space.covers(p)}
    if not fitting:
        raise UserError(
            f"sweeper.warm_start={folder} has no completed trial within this sweep's space. Start "
            "from a study over the same parameters, or leave it out."
        )
    return dict(list(fitting.items())[:MOST])


def _alike(plan: Plan) -> dict[str, Point]:
    """Return the best point of each of the newest studies with this space and P.

    One whose defaults were best has none: what lost to them is no head start.
    """
    mine = plan.spec()
    found: dict[str, Point] = {}
    for folder in _newest(plan.folder):
        try:
            study = Study.read(folder)
        except UserError:  # a damaged one is no reason not to begin another
            continue
        theirs = study.optuna.user_attrs.get("spec", {})
        if not all(spec.same(theirs, mine, key) for key in ("metric", "space")):
            continue
        best = next((t for t in ranked(study) if t.state == "completed"), None)
        if best and plan.space.covers(best.point) and best.point not in found.values():
            found[f"{folder}/trials/{best.number:04d}"] = best.point
    return dict(list(found.items())[:MOST])


def _newest(own: Path) -> list[Path]:
    others = [p.parent for p in own.parent.glob(f"*/{JOURNAL}") if p.parent != own]
    return sorted(others, key=lambda p: (p / JOURNAL).stat().st_mtime, reverse=True)[:LOOKED_AT]
