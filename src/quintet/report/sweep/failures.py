"""Failed trials, each with its reason and the end of its log."""

from quintet.base.formatting import plural
from quintet.report.html.blocks import Block, CodeBlock, Commands, Fold, Note, Text
from quintet.report.sweep.sweep_commands import rerun
from quintet.report.sweep.sweep_data import SweepData
from quintet.study.overrides import assignments
from quintet.study.ranking import state
from quintet.study.trial import Trial

SHOWN = 20


def failures(sweep: SweepData) -> list[Block]:
    """Return a collapsible block for each distinct reason of failure."""
    failed = [t for t in sweep.trials if t.state == "failed"]
    if not failed:
        return [Note("No trial failed.", "good")]
    groups: dict[str, list[Trial]] = {}
    for trial in failed:
        groups.setdefault(_reason(trial), []).append(trial)
    by_count = sorted(groups.items(), key=lambda item: -len(item[1]))
    rest = len(by_count) - SHOWN
    more = [Text(f"{rest} more reasons: see the trials' folders.")] if rest > 0 else []
    return [*(_group(sweep, reason, them) for reason, them in by_count[:SHOWN]), *more]


def _reason(trial: Trial) -> str:
    return str(trial.notes.get("reason") or "no reason was recorded").strip()


def _group(sweep: SweepData, reason: str, trials: list[Trial]) -> Block:
    first = trials[0]
    opening = reason.splitlines()[0]
    count = "" if len(trials) == 1 else f" and {plural(len(trials) - 1, 'other')}"
    inside: list[Block] = [Text(reason), Text(" ".join(assignments(first.params)), "Settings:")]
    if len(trials) > 1:
        inside.append(Text(", ".join(str(t.number) for t in trials), "Trials:"))
    if log := str(first.notes.get("log") or ""):
        inside.append(CodeBlock(log))
    inside.append(Commands({"reproduce": rerun(sweep, first) + " debug=true"}))
    return Fold(f"Trial {first.number}{count} {state(first)}: {opening}", inside)
