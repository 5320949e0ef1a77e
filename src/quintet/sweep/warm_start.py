"""Warm start: the best params of earlier studies are tried first, after the defaults."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quintet.artifacts import untrusted_files
from quintet.base.errors import Code, UserError
from quintet.study import spec
from quintet.study.leaderboard import ranked
from quintet.study.space import Params
from quintet.study.storage import JOURNAL
from quintet.study.study import Study
from quintet.sweep.plan import Plan

MOST = 5
"""Trials that are taken over."""
SEARCHED = 20
"""The newest studies that `auto` searches."""
KEPT = "warm_start"
"""The study attribute that lists the trials it was started from."""


@dataclass(frozen=True)
class WarmStart:
    """A trial of an earlier study, whose params are tried again.

    Args:
        study: its name.
        trial: its number.
        params: its values.

    """

    study: str
    trial: int
    params: Params

    def stored(self) -> dict[str, Any]:
        """Return it as a study's attribute, where its params have been a `point` from the first."""
        return {"study": self.study, "trial": self.trial, "point": self.params}


def params(plan: Plan, study: Study) -> tuple[Params, ...]:
    """Return the params to start from; a continued study keeps those it was started from.

    Raises:
        UserError: the folder to start from is not a sweep's, or has no trial within this space.

    """
    wanted = plan.settings.get("warm_start")
    fresh = study.optuna.user_attrs.get(KEPT) is None
    if fresh and wanted and plan.sampler.starts_with_defaults:
        found = _of_same_space(plan) if wanted == "auto" else _from(plan, Path(wanted))
        kept = [each.stored() for each in found if each.params != plan.defaults]
        study.optuna.set_user_attr(KEPT, kept)
    elif wanted not in (None, "auto") and not plan.sampler.starts_with_defaults:
        raise UserError(
            "has no effect: this strategy tries every value anyway",
            code=Code.CONFLICT,
            key="sweeper.warm_start",
            value=wanted,
            hint="Leave it out, or choose another strategy, such as sweeper=random",
        )
    return tuple(each.params for each in started_from(study))


def started_from(study: Study) -> list[WarmStart]:
    """Return the trials a study was started from; earlier versions stored them by folder."""
    kept = study.optuna.user_attrs.get(KEPT) or []
    if isinstance(kept, dict):
        return [_of_folder(Path(folder), params) for folder, params in kept.items()]
    return [WarmStart(each["study"], each["trial"], each["point"]) for each in kept]


def _of_folder(folder: Path, params: Params) -> WarmStart:
    number = int(folder.name) if folder.name.isdecimal() else 0
    return WarmStart(folder.parent.parent.name, number, params)


def _from(plan: Plan, folder: Path) -> list[WarmStart]:
    """Return the best trials of one study."""
    if not untrusted_files.has(folder, JOURNAL):
        raise UserError(
            f"is not a sweep folder: {folder / JOURNAL} is missing",
            code=Code.NOT_FOUND,
            key="sweeper.warm_start",
            value=folder,
            hint="Allowed: a folder that train.py -m wrote, auto, or null",
        )
    best = [t for t in ranked(Study.read(folder)) if t.state == "completed" and t.feasible]
    name = folder.resolve().name
    fitting = [WarmStart(name, t.number, t.params) for t in best if plan.space.accepts(t.params)]
    if not fitting:
        raise UserError(
            "has no completed trial within this sweep's space",
            code=Code.INCOMPATIBLE,
            key="sweeper.warm_start",
            value=folder,
            hint="Start from a study over the same parameters, or leave it out",
        )
    return fitting[:MOST]


def _of_same_space(plan: Plan) -> list[WarmStart]:
    """Return the best trial of each of the newest studies with this space and metric.

    A study whose defaults were best contributes none: they are tried anyway.
    """
    mine = plan.spec()
    found: list[WarmStart] = []
    for folder in _newest(plan.folder):
        try:
            study = Study.read(folder)
        except UserError:  # a damaged study must not prevent a new one
            continue
        theirs = study.optuna.user_attrs.get("spec", {})
        if not all(spec.same(theirs, mine, key) for key in ("metric", "space")):
            continue
        best = next((t for t in ranked(study) if t.state == "completed" and t.feasible), None)
        known = [each.params for each in found]
        if best and plan.space.accepts(best.params) and best.params not in known:
            found.append(WarmStart(folder.name, best.number, best.params))
    return found[:MOST]


def _newest(own: Path) -> list[Path]:
    others = [p.parent for p in own.parent.glob(f"*/{JOURNAL}") if p.parent != own]
    return sorted(others, key=lambda p: (p / JOURNAL).stat().st_mtime, reverse=True)[:SEARCHED]
