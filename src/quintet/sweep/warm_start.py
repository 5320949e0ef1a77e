"""A warm start: what was best in earlier studies is tried first, after the config as it stands."""

from dataclasses import asdict, dataclass
from pathlib import Path

from quintet.artifacts import untrusted_files
from quintet.base.errors import UserError
from quintet.study import spec
from quintet.study.leaderboard import ranked
from quintet.study.space import Params
from quintet.study.storage import JOURNAL
from quintet.study.study import Study
from quintet.sweep.plan import Plan

MOST = 5
"""Points that are taken over."""
LOOKED_AT = 20
"""Studies, the newest, that `auto` looks at."""
KEPT = "warm_start"
"""What a study knows the trials by that it began with."""


@dataclass(frozen=True)
class HeadStart:
    """A trial of an earlier study, whose point is tried again.

    Args:
        study: its name.
        trial: its number.
        point: its values.

    """

    study: str
    trial: int
    point: Params


def points(plan: Plan, study: Study) -> tuple[Params, ...]:
    """Return points to begin with; a study that goes on keeps those that it began with.

    Raises:
        UserError: the folder to start from is no sweep's, or holds no point of this space.

    """
    wanted = plan.settings.get("warm_start")
    fresh = study.optuna.user_attrs.get(KEPT) is None
    if fresh and wanted and plan.sampler.starts_with_defaults:
        found = _alike(plan) if wanted == "auto" else _from(plan, Path(wanted))
        kept = [asdict(each) for each in found if each.point != plan.defaults]
        study.optuna.set_user_attr(KEPT, kept)
    elif wanted not in (None, "auto") and not plan.sampler.starts_with_defaults:
        raise UserError(
            f"sweeper.warm_start={wanted}: this strategy tries every value anyway. Leave it out, "
            "or take another, such as sweeper=random."
        )
    return tuple(each.point for each in begun_with(study))


def begun_with(study: Study) -> list[HeadStart]:
    """Return the trials that a study began with; one of an earlier version knew them by folder."""
    kept = study.optuna.user_attrs.get(KEPT) or []
    if isinstance(kept, dict):
        return [_of_folder(Path(folder), point) for folder, point in kept.items()]
    return [HeadStart(each["study"], each["trial"], each["point"]) for each in kept]


def _of_folder(folder: Path, point: Params) -> HeadStart:
    number = int(folder.name) if folder.name.isdecimal() else 0
    return HeadStart(folder.parent.parent.name, number, point)


def _from(plan: Plan, folder: Path) -> list[HeadStart]:
    """Return the best points of one study."""
    if not untrusted_files.has(folder, JOURNAL):
        raise UserError(
            f"sweeper.warm_start={folder} is no sweep folder: {folder / JOURNAL} is missing. "
            "Allowed: a folder that train.py -m wrote, auto, or null."
        )
    best = [t for t in ranked(Study.read(folder)) if t.state == "completed"]
    name = folder.resolve().name
    fitting = [HeadStart(name, t.number, t.point) for t in best if plan.space.covers(t.point)]
    if not fitting:
        raise UserError(
            f"sweeper.warm_start={folder} has no completed trial within this sweep's space. Start "
            "from a study over the same parameters, or leave it out."
        )
    return fitting[:MOST]


def _alike(plan: Plan) -> list[HeadStart]:
    """Return the best point of each of the newest studies with this space and P.

    One whose defaults were best has none: what lost to them is no head start.
    """
    mine = plan.spec()
    found: list[HeadStart] = []
    for folder in _newest(plan.folder):
        try:
            study = Study.read(folder)
        except UserError:  # a damaged one is no reason not to begin another
            continue
        theirs = study.optuna.user_attrs.get("spec", {})
        if not all(spec.same(theirs, mine, key) for key in ("metric", "space")):
            continue
        best = next((t for t in ranked(study) if t.state == "completed"), None)
        known = [each.point for each in found]
        if best and plan.space.covers(best.point) and best.point not in known:
            found.append(HeadStart(folder.name, best.number, best.point))
    return found[:MOST]


def _newest(own: Path) -> list[Path]:
    others = [p.parent for p in own.parent.glob(f"*/{JOURNAL}") if p.parent != own]
    return sorted(others, key=lambda p: (p / JOURNAL).stat().st_mtime, reverse=True)[:LOOKED_AT]
