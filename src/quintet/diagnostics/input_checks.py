"""Checks for common mistakes in the data: targets, scale, leaks between splits, imbalance."""

from collections import Counter

import torch
from torch import Tensor

from quintet.diagnostics.finding import Finding, Verdict, make_finding
from quintet.diagnostics.subject import Subject
from quintet.problems import problem_of
from quintet.problems.exclusive_classes import imbalanced

MOST_ROWS = 50_000
LARGE = 10.0
"""Mean or deviation, in units of a scaled feature, above which a feature is not scaled."""


def targets(subject: Subject) -> Finding:
    """Check that the targets match the loss and the outputs of the model."""
    y = torch.cat([target for _, target in subject.data.splits.values()])
    facts = subject.facts
    with torch.no_grad():
        outputs = subject.task().eval()(subject.batch(2)[0])
    wrong, seen = problem_of(facts.task).misfit(y, outputs)
    cure = "Number the classes from 0 without gaps, labels 0 and 1; let model.num_outputs and "
    cure += "loss.num_outputs follow the data (${facts...})."
    return make_finding("targets", "fail" if wrong else "pass", seen, cure)


def scale(subject: Subject) -> Finding | None:
    """Check that the inputs of the model have similar scales close to 1."""
    x = subject.inputs("train")
    facts = subject.facts
    if x is None or facts.kind == "tokens":
        return None
    axis = 1 if facts.kind == "image" else x.dim() - 1
    numeric = x.shape[axis] - (len(facts.cardinalities) if facts.kind == "table" else 0)
    if numeric < 1:
        return None
    columns = x[:MOST_ROWS].narrow(axis, 0, numeric).movedim(axis, -1).flatten(0, -2).float()
    centre, width = columns.mean(0).abs(), columns.std(0)
    moving = width[width > 0]
    if not len(moving):
        return Finding("inputs", "fail", "no feature varies", "Check how the data is read.")
    widest, narrowest = float(moving.max()), float(moving.min())
    furthest = float(centre.max())
    wrong = furthest > LARGE or widest > LARGE or widest > 100 * narrowest
    return make_finding(
        "input scale",
        "warn" if wrong else "pass",
        f"means up to {furthest:.3g}, deviations {narrowest:.3g} to {widest:.3g}",
        "Steps that suit one feature do not suit another: data.scale=standard (or robust).",
    )


def leak(subject: Subject) -> Finding | None:
    """Find validation and test samples that are exactly equal to a training sample.

    In coarse data, duplicates occur by chance, and then also within the training split; copies that
    were split apart only occur across splits. Weights that were trained on samples of the other
    splits are a leak as well.
    """
    if subject.leak:
        return Finding("leak between splits", "warn", subject.leak.seen, subject.leak.cure)
    train = subject.inputs("train")
    if train is None:
        return None
    known = Counter(_rows(train))
    twins = sum(n for n in known.values() if n > 1) / max(1, sum(known.values()))
    shares = {}
    for split in ("val", "test"):
        rows = _rows(subject.inputs(split))
        if rows:
            shares[split] = sum(row in known for row in rows) / len(rows)
    worst = max(shares.values(), default=0.0)
    verdict: Verdict = "pass"
    if worst >= 0.01:
        verdict = "warn" if twins > worst / 2 and _coarse(subject, train) else "fail"
    found = ", ".join(f"{share:.1%} of {split}" for split, share in shares.items())
    seen = f"{found} also occurs in training" if worst else "no sample occurs in two splits"
    if verdict == "warn":
        seen += f"; so does {twins:.1%} of training itself"
    return make_finding(
        "leak between splits",
        verdict,
        seen,
        "Copies make the score too good: remove them before the split, or keep what belongs "
        "together in one split (data.group=<column>)."
        + (" Fine if few different values are possible." if verdict == "warn" else ""),
    )


def _coarse(subject: Subject, train: Tensor) -> bool:
    """Return whether equal samples may occur by chance, as no feature separates most samples."""
    if subject.facts.kind == "image":
        return False
    rows = torch.unique(train[:MOST_ROWS].flatten(1), dim=0)
    return all(2 * len(column.unique()) < len(rows) for column in rows.unbind(1))


def _rows(x: Tensor | None) -> list[bytes]:
    if x is None:
        return []
    return [row.numpy().tobytes() for row in x[:MOST_ROWS].cpu().contiguous()]


def imbalance(subject: Subject) -> Finding | None:
    """Check whether the metric is accuracy although always predicting one class scores well."""
    facts, counts = subject.facts, subject.facts.class_counts
    if (share := problem_of(facts.task).imbalance(counts)) is None:
        return None
    name = (facts.class_names or [str(i) for i in range(len(counts))])[counts.index(max(counts))]
    verdict: Verdict = "warn" if imbalanced(counts) and subject.metric == "accuracy" else "pass"
    seen = f"always predicting '{name}' is right in {share:.1%}"
    seen += f"; the metric is {subject.metric}"
    cure = "Use metric=f1, auc_roc or average_precision, and perhaps loss=weighted_cross_entropy."
    return make_finding("class balance", verdict, seen, cure)
