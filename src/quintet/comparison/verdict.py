"""How the outcomes of two sides differ, and whether the difference is significant."""

from dataclasses import dataclass, field

import numpy as np

from quintet.analysis.bootstrap import ConfidenceInterval, difference
from quintet.analysis.measures import MEASURES
from quintet.analysis.paired import paired
from quintet.analysis.significance import judge_folds
from quintet.base.formatting import duration, margin, score
from quintet.comparison.side import Side
from quintet.report.run.run_data import SPLITS, RunData

ONE_SEED = (
    "One seed each: another seed may reverse this, so it compares two trained models, not two "
    "choices. Repeat both with -m seed=0,1,2,3,4 and compare the two sweeps."
)
BEST_OF_MANY = (
    "The validation score of the best of many trials is biased upwards, the more so the more "
    "trials there were. Repeat both winners with -m seed=0,1,2,3,4, or compare their test scores."
)


@dataclass
class Verdict:
    """The outcome of a comparison.

    Args:
        titles: of the table's columns.
        rows: of the table.
        remarks: sentences, the most important first.

    """

    titles: list[str]
    rows: list[list[str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def verdict(a: Side, b: Side) -> Verdict:
    """Compare two runs, two setups over seeds, or two searches."""
    kinds = {a.kind, b.kind}
    if kinds == {"seeds"}:
        return over_seeds(a, b)
    if kinds == {"run"}:
        return of_runs(a.first, b.first)
    if "sweep" not in kinds:
        return one_against_seeds(a, b)
    return of_searches(a, b)


def _signed(value: float) -> str:
    return f"{value:+.4f}" if abs(value) < 100 else f"{value:+.5g}"


def _shown(found: ConfidenceInterval) -> list[str]:
    return [_signed(found.value), f"{_signed(found.low)} to {_signed(found.high)}"]


def _sign(run: RunData) -> int:
    return 1 if run.record.metric.mode == "max" else -1


def of_runs(a: RunData, b: RunData) -> Verdict:
    """Compare two models on the samples that both have predicted."""
    if a.record.repeats or b.record.repeats:
        return of_folds(a, b)
    made = Verdict([a.metric, "a", "b", "a - b", "95 % interval, same samples"])
    for metric in (a.metric, *_further(a, b)):
        for split, name in SPLITS.items():
            one, two = a.recorded(split, metric), b.recorded(split, metric)
            if one is None or two is None:
                continue
            found = _on_same_samples(a, b, split, metric)
            shown = [_signed(one - two), ""] if found is None else _shown(found)
            title = name if metric == a.metric else f"{metric}, {name}"
            made.rows.append([title, score(one), score(two), *shown])
            if found is not None and metric == a.metric:
                made.remarks.append(_clear(found, name, _sign(a)))
    if not made.remarks:
        made.remarks.append(
            "There are no saved predictions for the same samples (other splits, a trial of a "
            "sweep, or a run that ended early), so no interval can be given. "
            "evaluate.py saves the predictions of a trial."
        )
    made.remarks.append(ONE_SEED)
    return made


def _further(a: RunData, b: RunData) -> list[str]:
    """Return the further metrics that both runs have measured."""
    return [name for name in a.record.metrics if name in b.record.metrics]


def _means(a: RunData, b: RunData) -> list[list[str]]:
    """Return a row with the validation scores of each further metric."""
    found = []
    for name in _further(a, b):
        one, two = a.recorded("val", name), b.recorded("val", name)
        if one is not None and two is not None:
            found.append([f"{name}, mean", score(one), score(two), _signed(one - two)])
    return found


def of_folds(a: RunData, b: RunData) -> Verdict:
    """Compare two runs of which at least one is over folds or seeds, fold by fold."""
    one, two = a.record.repeats, b.record.repeats
    shared = [name for name in one if name in two]
    made = Verdict([a.metric, "a", "b", "a - b"])
    if not shared or a.facts.get("val_size") != b.facts.get("val_size"):
        made.rows = [
            ["validation", *(score(run.recorded("val")) for run in (a, b)), ""],
            ["test", *(score(run.recorded("test")) for run in (a, b)), ""],
        ]
        made.remarks.append(
            "They were validated on different samples (a mean over folds against another split), "
            "so their scores cannot be compared. Run both with the same cv.folds and cv.seeds."
        )
        return made
    made.rows = [
        [name, score(one[name]), score(two[name]), _signed(one[name] - two[name])]
        for name in shared
    ]
    means = [float(np.mean([part[name] for name in shared])) for part in (one, two)]
    made.rows.append(["mean", *map(score, means), _signed(means[0] - means[1])])
    made.rows += _means(a, b)
    judgement = judge_folds(one, two)
    better = "a" if _sign(a) * (means[0] - means[1]) > 0 else "b"
    finding = "No significant difference" if judgement.kind != "clear" else f"{better} is better"
    made.remarks.append(
        f"{finding}: {judgement.reason} (Student's t, corrected for folds that share samples, "
        "Nadeau and Bengio 2003)."
    )
    return made


def _on_same_samples(a: RunData, b: RunData, split: str, metric: str) -> ConfidenceInterval | None:
    one, two = a.answers.get(split), b.answers.get(split)
    if one is None or two is None or metric not in MEASURES:
        return None
    try:
        return difference(one, two, metric)
    except ValueError:
        return None


def _clear(found: ConfidenceInterval, name: str, sign: int) -> str:
    if found.low <= 0 <= found.high:
        return f"On {name} data the difference is not significant: the interval contains zero."
    better = "a" if sign * found.value > 0 else "b"
    return f"On {name} data the model of {better} is significantly better."


def over_seeds(a: Side, b: Side) -> Verdict:
    """Compare two setups, paired by seed."""
    one, two = a.by_seed(), b.by_seed()
    shared = sorted(one.keys() & two.keys())
    made = Verdict(["seed", "a", "b", "a - b"])
    made.rows = [[str(s), score(one[s]), score(two[s]), _signed(one[s] - two[s])] for s in shared]
    sides = [[part[seed] for seed in shared] for part in (one, two)]
    made.rows += [_summary("mean", np.mean, *sides), _summary("standard deviation", _std, *sides)]
    for name in _further(a.first, b.first):
        further = [[s.further(name).get(seed, np.nan) for seed in shared] for s in (a, b)]
        made.rows.append(_summary(f"{name}, mean", np.mean, *further))
    if len(shared) < 2:
        made.remarks.append(
            f"{len(shared)} seed in common: too few to compare. Run both with the same seeds, such "
            "as -m seed=0,1,2,3,4."
        )
        return made
    found = paired([one[s] - two[s] for s in shared])
    sign, mean = _sign(a.first), found.mean
    low, high = _signed(mean.low), _signed(mean.high)
    count = f"{len(shared)} seeds"
    if mean.low <= 0 <= mean.high:
        finding = f"No significant difference over {count}: "
    else:
        finding = f"{'a' if sign * mean.value > 0 else 'b'} is better over {count}: "
    made.remarks.append(
        f"{finding}a - b is {_signed(mean.value)} on average, 95 % interval {low} to {high} "
        "(Student's t, paired by seed)."
    )
    least = f", the smallest possible with {count}" if np.isclose(found.p, found.least) else ""
    made.remarks.append(f"Exact sign-flip test: p = {found.p:.3g}{least}.")
    if unpaired := sorted((one.keys() | two.keys()) - set(shared)):
        made.remarks.append(f"Omitted, as only one side has them: seeds {unpaired}.")
    return made


def _std(values: list[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def _summary(name: str, of: "object", a: list[float], b: list[float]) -> list[str]:
    assert callable(of)
    one, two = (float(of(values)) if values else float("nan") for values in (a, b))
    return [name, score(one), score(two), _signed(one - two) if "mean" in name else ""]


def one_against_seeds(a: Side, b: Side) -> Verdict:
    """Compare a single run with runs over several seeds."""
    run, many = (a, b) if a.kind == "run" else (b, a)
    value, others = run.first.record.metric.value, list(many.by_seed().values())
    made = Verdict([run.first.metric, "validation"])
    made.rows = [
        [run.name, score(value)],
        [f"{many.name}, mean of {len(others)} seeds", score(float(np.mean(others)))],
        ["its standard deviation", margin(_std(others), float(np.mean(others)))],
        ["its range", f"{score(min(others))} to {score(max(others))}"],
    ]
    for name in _further(run.first, many.first):
        own = run.first.recorded("val", name)
        mean = float(np.mean([*many.further(name).values()]))
        made.rows.append([f"{name}, {run.name}", score(own)])
        made.rows.append([f"{name}, mean of the seeds", score(mean)])
    inside = value is not None and min(others) <= value <= max(others)
    where = "within" if inside else "outside"
    made.remarks = [f"The single run is {where} the range of the other setup's seeds.", ONE_SEED]
    return made


def of_searches(a: Side, b: Side) -> Verdict:
    """Compare two searches by their best, their cost, and their best at equal budget."""
    made = Verdict(["", "a", "b"])
    budget = min(a.epochs(), b.epochs())
    sign = _sign(a.first)
    sides = (a, b)
    made.rows = [
        [f"best {a.first.metric}, validation", *(score(_best(s, None, sign)) for s in sides)],
        [f"best after {budget:,} epochs", *(score(_best(s, budget, sign)) for s in sides)],
        ["trials", *(f"{len(s.spent()):,}" for s in sides)],
        ["epochs", *(f"{s.epochs():,}" for s in sides)],
        ["time, summed over slots", *(duration(s.seconds()) for s in sides)],
    ]
    for name in _further(a.first, b.first):
        made.rows.append([f"{name} of the best", *(score(_of_best(s, name, sign)) for s in sides)])
    one, two = (_best(s, budget, sign) for s in sides)
    if one is not None and two is not None:
        ahead = "neither is" if one == two else f"{'a' if sign * (one - two) > 0 else 'b'} is"
        made.remarks.append(
            f"At the budget that both have spent, {budget:,} epochs, {ahead} ahead."
        )
    made.remarks.append(BEST_OF_MANY)
    return made


def _of_best(side: Side, name: str, sign: int) -> float | None:
    """Return a further metric, on validation data, of the run with the best score."""
    scored = [r.record for r in side.runs.values() if r.record.metric.value is not None]
    best = max(scored, key=lambda r: sign * (r.metric.value or 0.0), default=None)
    return best.further.get(name) if best else None


def _best(side: Side, budget: int | None, sign: int) -> float | None:
    """Return the best score among the first trials that fit a budget of epochs."""
    best, spent = None, 0
    for epochs, value in side.spent():
        spent += epochs
        if budget is not None and spent > budget:
            break
        if value is not None and (best is None or sign * value > sign * best):
            best = value
    return best
