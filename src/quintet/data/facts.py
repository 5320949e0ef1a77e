"""Facts and fingerprint: what the experiment learns from the data once it is there."""

import hashlib

import torch
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.data.samples import Facts, Samples


def facts(samples: Samples, train: Tensor, val: Tensor, test: Tensor) -> Facts:
    """Gather the facts of a data set and its three parts (sample indices)."""
    y = samples.y[train]
    classes = samples.task in ("binary", "multiclass")
    num_classes = len(samples.class_names) or int(samples.y.max()) + 1 if classes else 0
    if classes:
        counts = torch.bincount(y, minlength=num_classes)
    elif samples.task == "multilabel":
        counts = y.sum(dim=0).round().long()
    else:
        counts = torch.zeros(0)
    return Facts(
        task=samples.task,
        kind=samples.kind,
        input_shape=list(samples.x.shape[1:]),
        num_classes=num_classes,
        num_targets=1 if classes else samples.y.shape[1],
        class_counts=counts.int().tolist(),
        class_names=list(samples.class_names),
        cardinalities=list(samples.cardinalities),
        vocabulary=samples.vocabulary,
        train_size=len(train),
        val_size=len(val),
        test_size=len(test),
        fingerprint=fingerprint(samples),
    )


def fingerprint(samples: Samples) -> str:
    """Return the first 16 hex digits of SHA-256 over the samples, targets, names and groups.

    Of inputs on disk up to a thousand evenly spaced samples are taken.
    """
    digest = hashlib.sha256(f"{samples.task} {samples.kind} {samples.class_names}".encode())
    x = samples.x
    if samples.rows is not None:
        x = samples.rows.read(torch.arange(0, len(samples.y), 1 + len(samples.y) // 1000))
    for tensor in (x, samples.y, samples.groups, samples.split):
        if tensor is not None:
            digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()[:16]


def check(samples: Samples) -> None:
    """Check that the samples keep their contract, whoever made them.

    Raises:
        UserError: no samples, unequal lengths, a wrong type or shape, NaN or infinite values where
            none may be, class indices out of range, or one class only.

    """
    _check_inputs(samples)
    _check_targets(samples)


def _check_inputs(samples: Samples) -> None:
    x, total = samples.x, len(samples.y)
    count = len(x if samples.rows is None else samples.rows)
    if total == 0 or count != total:
        raise UserError(
            f"{count} inputs and {total} targets: there must be as many of both, and at least one",
            code=Code.DATA,
        )
    dims = {"table": 2, "image": 4, "sequence": 3, "tokens": 2}[samples.kind]
    dtype = torch.int64 if samples.kind == "tokens" else torch.float32
    if x.dim() != dims or x.dtype != dtype:
        raise UserError(
            f"Inputs of kind {samples.kind} are {dtype} with {dims} dimensions, these are "
            f"{x.dtype} of shape {tuple(x.shape)}",
            code=Code.DATA,
        )
    if samples.rows is not None:
        return
    if samples.kind == "tokens":
        if int(x.min()) < 0 or int(x.max()) >= samples.vocabulary:
            raise UserError(
                f"Token ids run from {int(x.min())} to {int(x.max())}, but the vocabulary has "
                f"{samples.vocabulary}: they must lie in [0, vocabulary)",
                code=Code.DATA,
            )
        return
    may_miss = samples.kind == "table"
    if (x.isinf() if may_miss else ~x.isfinite()).any():
        row = int((x.isinf() if may_miss else ~x.isfinite()).flatten(1).any(dim=1).nonzero()[0])
        raise UserError(
            f"Sample {row} (from 0) has {'an infinite' if may_miss else 'a NaN or infinite'} value",
            code=Code.DATA,
            hint="Repair or leave out such samples",
        )


def _check_targets(samples: Samples) -> None:
    y, task = samples.y, samples.task
    classes = task in ("binary", "multiclass")
    types = {"binary": [torch.int64], "multiclass": [torch.int64], "multilabel": [torch.float32]}
    allowed = types.get(task, [torch.float32, torch.float64])
    if y.dim() != (1 if classes else 2) or y.dtype not in allowed:
        raise UserError(
            f"Targets of a {task} task are {'int64 (N,)' if classes else 'float32 (N, K)'}, these "
            f"are {y.dtype} of shape {tuple(y.shape)}",
            code=Code.DATA,
        )
    if not classes:
        if not y.isfinite().all():
            row = int((~y.isfinite()).any(dim=1).nonzero()[0])
            raise UserError(
                f"The target of sample {row} (from 0) is NaN or infinite", code=Code.DATA
            )
        if task == "multilabel" and not ((y == 0) | (y == 1)).all():
            raise UserError(
                "Multilabel targets are zeros and ones, other values were found", code=Code.DATA
            )
        return
    found = torch.unique(y)
    if len(found) < 2:
        raise UserError(
            f"The target has one class only ({int(found[0])}): there is nothing to learn",
            code=Code.DATA,
        )
    highest = 1 if task == "binary" else len(samples.class_names or found) - 1
    if int(found[0]) < 0 or int(found[-1]) > highest:
        raise UserError(
            f"Class indices of this {task} task lie in 0..{highest}, these run from "
            f"{int(found[0])} to {int(found[-1])}",
            code=Code.DATA,
        )
    for index in (torch.bincount(y[y >= 0]) == 1).nonzero()[:, 0].tolist():
        name = samples.class_names[index] if index < len(samples.class_names) else index
        raise UserError(
            f"Class {name!r} has a single sample, so it cannot be trained on and validated",
            code=Code.DATA,
            hint="Collect more samples of it, or leave the class out",
        )
