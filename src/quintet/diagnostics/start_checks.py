"""Checks that training can start and converge: initial loss, a small batch, learning rate."""

import math

import torch
from torch import Tensor, nn

from quintet.data.module import DataModule
from quintet.diagnostics.finding import Finding, Verdict, make_finding
from quintet.diagnostics.subject import Subject
from quintet.modules.supervised import SupervisedModule

SMALL = 8
"""Number of samples that a model of any size must be able to memorize."""
STEPS = 150


@torch.no_grad()
def initial_loss(subject: Subject) -> Finding:
    """Compare the loss before training with that of all-zero outputs.

    Zero outputs have the loss of an uninformed model: ln C for the cross-entropy of C classes, ln 2
    for binary cross-entropy, the variance of the target for a squared error (Karpathy 2019, "A
    recipe for training neural networks").
    """
    task = subject.task().eval()
    x, y = subject.batch(1024)
    outputs = task(x)
    first, theory = loss_of(task, outputs, y), loss_of(task, torch.zeros_like(outputs), y)
    ratio = first / theory
    known = subject.pretrained and ratio < 1
    verdict: Verdict = "pass" if known or 0.85 <= ratio <= 1.15 else "warn"
    if not math.isfinite(ratio) or ratio > 2:
        verdict = "fail"
    return make_finding(
        "initial loss",
        verdict,
        f"{first:.3f}; an uninformed model has {_named(task, theory)}",
        "The outputs start too large: init.output_gain=0.1, or data.scale=standard."
        if not ratio < 1
        else "The model is better than a guess before training: are its weights pretrained?",
    )


def _named(task: SupervisedModule, theory: float) -> str:
    if isinstance(task.loss, nn.CrossEntropyLoss):
        return f"{theory:.3f} (ln {round(math.exp(theory))})"
    if isinstance(task.loss, nn.BCEWithLogitsLoss) and task.loss.pos_weight is None:
        return f"{theory:.3f} (ln 2)"
    if isinstance(task.loss, nn.MSELoss):
        return f"{theory:.3f} (the scaled target's mean square)"
    return f"{theory:.3f}"


def loss_of(task: SupervisedModule, outputs: Tensor, y: Tensor) -> float:
    """Return the loss of outputs (B, K) for targets in the form of the data."""
    return float(task.loss(outputs, task._loss_target(outputs, y)))


def init(subject: Subject) -> Finding:
    """Report the init's warning about the model's activation."""
    if not subject.advice:
        return Finding("init", "pass", "suits the activation")
    advice = subject.advice[0]
    return Finding("init", "warn", advice.seen, advice.cure)


@torch.no_grad()
def losses_before(
    task: SupervisedModule, data: DataModule, num_outputs: int, count: int = 64
) -> tuple[float, float]:
    """Return the validation loss of a guess, i.e. zero outputs, and that of an untrained model.

    Inputs that stay on disk are not read for this: the model is assumed to start as a guess.
    """
    inputs, y = data.splits["val"]
    known = y[:count] if task.problem.dense else y  # only a part of masks: they are large
    guess = loss_of(task, task.problem.blank(known, num_outputs), known)
    if data.rows is not None:
        return guess, guess
    modes = {module: module.training for module in task.modules()}
    task.eval()
    initial = loss_of(task, task(inputs[:count]), y[:count])
    for module, training in modes.items():
        module.training = training  # Lightning trains a model in its current modes
    return guess, initial


def overfit(subject: Subject) -> Finding:
    """Check that a few samples can be memorized without regularization.

    If model, loss and targets match, the loss falls to about zero. The features of a frozen
    backbone may not suffice for that, even if they allow a good score.
    """
    x, y = _distinct(*subject.batch(16 * SMALL))
    first, last = min(
        (memorise(subject.unregularised_task(), x, y, rate) for rate in (1e-3, 1e-2)),
        key=lambda pair: pair[1],
    )
    left = last / first if first > 0 else math.inf
    frozen = not all(p.requires_grad for p in subject.task().model.parameters())
    verdict: Verdict = "pass" if left < 0.05 else "warn" if left < 0.3 or frozen else "fail"
    return make_finding(
        "one small batch",
        verdict,
        f"loss {first:.3f} to {last:.4f} on {len(x)} samples in {STEPS} steps",
        "The model cannot memorise even these: look for a wrong output layer, targets that "
        "do not belong to their inputs, or a model that is too small (model.width, model.depth)"
        + (", or freeze less." if frozen else "."),
    )


def memorise(task: SupervisedModule, x: Tensor, y: Tensor, rate: float) -> tuple[float, float]:
    """Train on one batch; return (first loss, lowest loss)."""
    task.train()
    trainable = [p for p in task.model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trainable, lr=rate)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = task.training_step((x, y), 0)
        losses.append(float(loss.detach()))
        if not math.isfinite(losses[-1]) or losses[-1] < 1e-3 * losses[0]:
            break
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    finite = [loss for loss in losses if math.isfinite(loss)] or [math.inf]
    return losses[0], min(finite)


def _distinct(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first few samples with distinct inputs, as equal ones may have other targets."""
    seen: set[bytes] = set()
    kept = []
    for index, row in enumerate(x.cpu()):
        key = row.contiguous().numpy().tobytes()
        if key not in seen:
            seen.add(key)
            kept.append(index)
        if len(kept) == SMALL:
            break
    return x[kept], y[kept]


def learning_rate(subject: Subject) -> Finding:
    """Check the chosen learning rate with a range test (Smith 2017)."""
    curve, rate = subject.curve, subject.rate
    if not curve.learns:
        return Finding(
            "learning rate",
            "fail",
            f"the loss does not fall at any rate up to {curve.rates[-1]:.1g}",
            "Training does not reach the parameters: see the other findings.",
        )
    verdict: Verdict = "pass"
    if not rate > 0 or (rate > curve.lowest and curve.at(rate) > curve.start):
        verdict = "fail"
    elif not curve.suggestion / 50 <= rate <= 3 * curve.lowest:
        verdict = "warn"
    return make_finding(
        "learning rate",
        verdict,
        f"{rate:g} is chosen; the range test suggests {curve.suggestion:g}; "
        f"beyond {curve.lowest:.1g} the loss rises",
        f"Try optimizer.lr={curve.suggestion:g}.",
    )
