"""Facts and fingerprint: what the experiment learns from the loaded data."""

import hashlib

import torch
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.data.samples import Facts, Samples
from quintet.problems import problem_of


def facts(samples: Samples, train: Tensor, val: Tensor, test: Tensor) -> Facts:
    """Gather the facts of a data set and its three parts (sample indices)."""
    problem = problem_of(samples.task)
    num_classes = problem.num_classes(samples.y, samples.class_names)
    return Facts(
        task=samples.task,
        kind=samples.kind,
        input_shape=list(samples.x.shape[1:]),
        num_classes=num_classes,
        num_targets=problem.num_targets(samples.y),
        class_counts=problem.class_counts(samples.y[train], num_classes),
        class_names=list(samples.class_names),
        cardinalities=list(samples.cardinalities),
        vocabulary=samples.vocabulary,
        train_size=len(train),
        val_size=len(val),
        test_size=len(test),
        fingerprint=fingerprint(samples),
        inputs=dict(samples.inputs),
    )


def fingerprint(samples: Samples) -> str:
    """Return the first 16 hex digits of SHA-256 over the samples, targets, names and groups.

    Of inputs on disk, up to a thousand evenly spaced samples are used.
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
    """Check that samples from any source keep the contract.

    Raises:
        UserError: no samples, unequal lengths, a wrong type or shape, NaN or infinite values where
            none may be, class indices out of range, or only one class.

    """
    _check_inputs(samples)
    problem = problem_of(samples.task)
    problem.check(samples.y, samples.class_names)
    if problem.dense and samples.x.shape[2:] != samples.y.shape[1:]:
        raise UserError(
            f"Images of {tuple(samples.x.shape[2:])} pixels have masks of "
            f"{tuple(samples.y.shape[1:])}",
            code=Code.DATA,
        )


def _check_inputs(samples: Samples) -> None:
    x, total = samples.x, len(samples.y)
    count = len(x if samples.rows is None else samples.rows)
    if total == 0 or count != total:
        raise UserError(
            f"{count} inputs and {total} targets: their numbers must be equal and at least one",
            code=Code.DATA,
        )
    dims = {"table": 2, "image": 4, "sequence": 3, "tokens": 2}[samples.kind]
    dtype = torch.int64 if samples.kind == "tokens" else torch.float32
    if x.dim() != dims or x.dtype != dtype:
        raise UserError(
            f"Inputs of kind {samples.kind} are {dtype} with {dims} dimensions, but these are "
            f"{x.dtype} of shape {tuple(x.shape)}",
            code=Code.DATA,
        )
    if samples.rows is not None:
        return
    if samples.kind == "tokens":
        if int(x.min()) < 0 or int(x.max()) >= samples.vocabulary:
            raise UserError(
                f"Token ids range from {int(x.min())} to {int(x.max())}, but the vocabulary has "
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
