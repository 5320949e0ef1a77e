"""Checks for common mistakes in models and training steps that raise no error."""

import copy
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from quintet.diagnostics.finding import Finding, make_finding
from quintet.diagnostics.subject import Subject, optimizer_of
from quintet.modules.supervised import SupervisedModule
from quintet.options.losses import BinaryFocal, Focal
from quintet.options.models.pretrained import is_frozen

OF_CLASSES = (nn.CrossEntropyLoss, Focal)
OF_LABELS = (nn.BCEWithLogitsLoss, BinaryFocal)


@torch.no_grad()
def logits(subject: Subject) -> Finding | None:
    """Check that a loss that expects logits does not receive probabilities.

    With two softmaxes, the loss of C classes cannot fall below ln(e + C - 1) - 1.
    """
    task = subject.task().eval()
    if not isinstance(task.loss, (*OF_CLASSES, *OF_LABELS)):
        return None
    outputs = task(10 * subject.batch(256)[0] if _scalable(subject) else subject.batch(256)[0])
    share = bool(((outputs >= 0) & (outputs <= 1)).all()) and outputs.numel() > 8
    sums_to_one = bool(torch.allclose(outputs.sum(1), torch.ones_like(outputs[:, 0]), atol=1e-4))
    if isinstance(task.loss, OF_CLASSES) and share and sums_to_one:
        floor = math.log(math.e + outputs.shape[1] - 1) - 1
        seen = f"every row adds up to 1: softmax before the loss; it cannot fall under {floor:.4f}"
    elif isinstance(task.loss, OF_LABELS) and share:
        seen = "all outputs lie in 0 to 1: sigmoid before the loss"
    else:
        return Finding("outputs", "pass", "logits, as the loss expects")
    cure = "Remove the softmax or sigmoid from the model: the loss applies its own."
    return Finding("outputs", "fail", seen, cure)


def _scalable(subject: Subject) -> bool:
    return subject.facts.kind != "tokens"


@torch.no_grad()
def modes(subject: Subject) -> Finding:
    """Check that eval() and train() set every layer's mode, and that evaluation is deterministic.

    In eval mode, outputs must be reproducible and running statistics must not change.
    """
    task = subject.task().train()
    reached = {name: module for name, module in task.model.named_modules() if not is_frozen(module)}
    stuck = [name for name, module in reached.items() if not module.training]
    cure = "Call super().train(mode) in a train() of your own; give functional dropout "
    cure += "training=self.training."
    if stuck:
        return Finding("train and eval mode", "fail", f"train() does not reach {stuck[0]}", cure)
    task.eval()
    stuck = [name for name, module in task.model.named_modules() if module.training]
    if stuck:
        where = stuck[0] or "the model"
        return Finding("train and eval mode", "fail", f"eval() does not reach {where}", cure)
    x, _ = subject.validation_batch(64)
    before = copy.deepcopy(dict(task.model.named_buffers()))
    same = torch.equal(task(x), task(x))
    moved = [n for n, b in task.model.named_buffers() if not torch.equal(b, before[n])]
    if not same or moved:
        seen = "in eval mode " + (
            f"the statistics of {moved[0]} move" if moved else "the same input gives two outputs"
        )
        return Finding("train and eval mode", "fail", seen, cure)
    return Finding("train and eval mode", "pass", "evaluation repeats itself exactly")


def cleared_gradients(subject: Subject) -> Finding:
    """Make a training step as the Trainer does; check that its gradients are cleared."""
    task = subject.task().train()
    optimizer = optimizer_of(task)
    task.training_step(subject.batch(64), 0).backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    task.optimizer_zero_grad(0, 0, optimizer)
    left = [
        name
        for name, p in task.model.named_parameters()
        if p.requires_grad and p.grad is not None and bool(p.grad.any())
    ]
    seen = f"that of {left[0]} is still there after a step" if left else "gone after every step"
    return make_finding(
        "gradients cleared",
        "fail" if left else "pass",
        seen,
        "Gradients add up over steps: clear them in optimizer_zero_grad, for instance by "
        "optimizer.zero_grad().",
    )


def optimized(subject: Subject) -> Finding:
    """Check that the optimizer has all parameters, including those in plain lists."""
    task = subject.task()
    held = {id(p) for group in optimizer_of(task).param_groups for p in group["params"]}
    missing = [n for n, p in task.model.named_parameters() if p.requires_grad and id(p) not in held]
    known = {id(p) for p in task.model.parameters()}
    hidden = [name for name, p in _in_containers(task.model) if id(p) not in known]
    if hidden:
        return Finding(
            "optimizer",
            "fail",
            f"{hidden[0]} keeps parameters in a list or dict, where they are not registered",
            "Keep layers in nn.ModuleList or nn.ModuleDict, tensors in nn.ParameterList.",
        )
    return make_finding(
        "optimizer",
        "fail" if missing else "pass",
        f"it lacks {len(missing)} parameters: {', '.join(missing[:3])}"
        if missing
        else f"has all {len(held)} parameter tensors",
        "Give the optimizer all of model.parameters(), or freeze them (requires_grad=False).",
    )


def _in_containers(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the trainable tensors in plain lists, tuples and dicts of a model's attributes."""
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name.startswith("_"):
                continue
            items = value.values() if isinstance(value, dict) else value
            if not isinstance(value, dict | list | tuple):
                continue
            for item in items:
                found = item.parameters() if isinstance(item, nn.Module) else [item]
                for tensor in found:
                    if isinstance(tensor, Tensor) and tensor.requires_grad:
                        yield f"{path}.{name}".lstrip("."), tensor


def uses_input(subject: Subject) -> Finding:
    """Check that a model trained for a few steps gives different outputs for different inputs."""
    task = subject.unregularised_task().train()
    _few_steps(task, *subject.batch(64))
    task.eval()
    with torch.no_grad():
        outputs = task(subject.batch(64)[0])
    spread = float((outputs.amax(0) - outputs.amin(0)).max())
    constant = not spread > 1e-6 * max(1.0, float(outputs.abs().max()))
    return make_finding(
        "use of the input",
        "fail" if constant else "pass",
        "every input gets the same output" if constant else "different inputs, different outputs",
        "Check forward() for an input that is overwritten, zeroed or never used; or for units "
        "that are all dead (init=he_normal, a lower learning rate).",
    )


def _few_steps(task: SupervisedModule, x: Tensor, y: Tensor) -> None:
    optimizer = torch.optim.Adam([p for p in task.model.parameters() if p.requires_grad], lr=1e-3)
    for _ in range(5):
        optimizer.zero_grad()
        task.training_step((x, y), 0).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
