"""Torch optimizers, which need no source but only a YAML that names the class."""

import inspect
from typing import Any

NOT_OURS = ("params", "foreach", "maximize", "capturable", "differentiable", "fused")
"""Arguments that are internal to the library."""

TEST = '''"""Behaviour specific to this optimizer; test_contract.py tests what all share."""

import torch

from quintet.options.optimizers import parameter_groups
from quintet.testing import build


def test_it_goes_downhill():
    model = torch.nn.Linear(3, 1)
    optimizer = build("optimizer", "{name}")(parameter_groups(model, 0.0))
    x = torch.randn(64, 3, generator=torch.manual_seed(0))
    losses = []
    for _ in range(300):
        loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]
'''


def texts(kind: str, name: str) -> tuple[str, str] | None:
    """Return the YAML and the test of a torch optimizer; None for anything else."""
    if kind != "optimizer":
        return None
    from torch import optim

    known = {n.lower(): c for n, c in vars(optim).items() if inspect.isclass(c)}
    found = known.get(name.replace("_", ""))
    if found is None or found is optim.Optimizer:
        return None
    takes = inspect.signature(found).parameters
    if not {"lr", "weight_decay"} <= set(takes) or found is getattr(optim, "Muon", None):
        return None  # LBFGS evaluates the loss several times per step; Muon takes matrices only
    return config(found, takes), TEST.format(name=name)


def config(found: type, takes: Any) -> str:
    """Return the YAML: every argument worth changing, with its default."""
    lines = [
        f"# {found.__name__} of torch; say here in one sentence when to choose it.",
        f"_target_: torch.optim.{found.__name__}",
        "_partial_: true",
        f"lr: {written(takes['lr'].default)}",
        f"weight_decay: {written(takes['weight_decay'].default + 0.0)}",
        "weight_decay_on: weights # all: biases, norms and embeddings too",
    ]
    done = {*NOT_OURS, "lr", "weight_decay"}
    lines += [f"{k}: {written(p.default)}" for k, p in takes.items() if k not in done]
    return "\n".join(lines) + "\n"


def written(value: Any) -> str:
    """Return a default in YAML 1.1, where 1.0e-08 is a number but 1e-08 a string."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    text = str(value)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text
