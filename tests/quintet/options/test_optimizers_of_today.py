"""Muon, Lion, LAMB, Adafactor and schedule-free steps are those of their papers."""

import io

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

from options import build, node, own
from quintet.base.errors import Code, UserError
from quintet.options.models.mlp import MLP
from quintet.options.muon import HIDDEN, Muon, by_kind, split
from quintet.options.optimizers import SwitchesModes, parameter_groups
from quintet.training.callbacks.optimizer_modes import switches_modes
from quintet.training.factories import OptimizerFactory
from running import composed

A, B, C = 3.4445, -4.7750, 2.0315
"""Of Muon's quintic polynomial (Jordan et al., 2024)."""


def gradients(shape, count=4):
    """Return gradients, the same ones each time."""
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=generator) for _ in range(count)]


def stepped(option, start, **settings):
    """Return a parameter after four steps of an option."""
    parameter = nn.Parameter(start.clone())
    optimizer = build("optimizer", option, **settings)([parameter])
    if isinstance(optimizer, SwitchesModes):
        optimizer.train()
    for gradient in gradients(start.shape):
        parameter.grad = gradient.clone()
        optimizer.step()
    if isinstance(optimizer, SwitchesModes):
        optimizer.eval()
    return parameter.detach()


def start(shape=(3, 4)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def orthogonalized(matrix):
    """Apply the polynomial to the singular values: in doubles, by the SVD."""
    u, s, v = torch.linalg.svd(matrix.double() / matrix.double().norm(), full_matrices=False)
    for _ in range(5):
        s = A * s + B * s**3 + C * s**5
    return u @ torch.diag(s) @ v


def test_muon_subtracts_its_orthogonalized_momentum():
    lr, decay, mu, x = 0.01, 0.1, 0.95, start().double()
    momentum = torch.zeros_like(x)
    for g in gradients(x.shape):
        momentum = mu * momentum + (1 - mu) * g
        update = orthogonalized((1 - mu) * g + mu * momentum)
        x = x * (1 - lr * decay) - lr * 0.2 * 2 * update  # 0.2 sqrt(max(3, 4))
    found = stepped("muon", start(), lr=lr, weight_decay=decay)
    assert torch.allclose(found.double(), x, atol=3e-4)  # bfloat16 inside


def test_lion_steps_by_the_sign_of_its_interpolation():
    lr, decay, (one, two), x = 0.01, 0.1, (0.9, 0.99), start()
    momentum = torch.zeros_like(x)
    for g in gradients(x.shape):
        x = x - lr * (torch.sign(one * momentum + (1 - one) * g) + decay * x)
        momentum = two * momentum + (1 - two) * g
    assert torch.allclose(stepped("lion", start(), lr=lr, weight_decay=decay), x, atol=1e-6)


def test_lamb_scales_adams_step_to_the_norm_of_the_weights():
    lr, (one, two), eps, decay, x = 0.01, (0.9, 0.999), 1e-6, 0.1, start()
    m, v = torch.zeros_like(x), torch.zeros_like(x)
    for g in gradients(x.shape):
        m, v = one * m + (1 - one) * g, two * v + (1 - two) * g**2
        update = m / (v.sqrt() + eps) + decay * x
        x = x - lr * min(x.norm(), 10) / update.norm() * update
    assert torch.allclose(stepped("lamb", start(), lr=lr, weight_decay=decay), x, atol=1e-5)


def test_adafactor_keeps_second_moments_by_row_and_column():
    lr, x = 0.01, start()
    rows, columns = torch.zeros(3, 1), torch.zeros(1, 4)
    for t, g in enumerate(gradients(x.shape), start=1):
        kept = 1 - t**-0.8
        rows = kept * rows + (1 - kept) * (g**2).mean(1, keepdim=True)
        columns = kept * columns + (1 - kept) * (g**2).mean(0, keepdim=True)
        update = g / (rows @ columns / rows.mean()).sqrt()
        update = update / max(1, update.square().mean().sqrt())
        rate = min(lr, t**-0.5) * max(1e-3, x.square().mean().sqrt())
        x = x - rate * update
    assert torch.allclose(stepped("adafactor", start(), lr=lr), x, atol=1e-5)


def test_schedule_free_sgd_evaluates_the_mean_of_its_iterates():
    lr, beta, z = 0.1, 0.9, start()
    x = z.clone()
    for t, g in enumerate(gradients(z.shape)):
        z = z - lr * g
        x = x + (z - x) / (t + 1)
    found = stepped("sgd_schedule_free", start(), lr=lr, momentum=beta)
    assert torch.allclose(found, x, atol=1e-5)


def test_schedule_free_adamw_evaluates_the_mean_of_its_iterates():
    lr, beta, two, decay, z = 0.01, 0.9, 0.999, 0.1, start()
    x, v = z.clone(), torch.zeros_like(z)
    for t, g in enumerate(gradients(z.shape)):
        y = (1 - beta) * z + beta * x
        v = two * v + (1 - two) * g**2
        z = z - lr * (g / ((v / (1 - two ** (t + 1))).sqrt() + 1e-8) + decay * y)
        x = x + (z - x) / (t + 1)
    found = stepped("adamw_schedule_free", start(), lr=lr, weight_decay=decay)
    assert torch.allclose(found, x, atol=1e-5)


def trained(option, model, steps, optimizer=None):
    """Take steps on one batch; return the optimizer."""
    optimizer = optimizer or build("optimizer", option)(parameter_groups(model, 0.01))
    if isinstance(optimizer, SwitchesModes):
        optimizer.train()
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.ones(4, 3)).square().mean().backward()
        optimizer.step()
    return optimizer


@pytest.mark.parametrize("option", own("optimizer"))
def test_a_saved_state_continues_exactly(option):
    def network():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))

    whole, first, second = network(), network(), network()
    trained(option, whole, 6)
    optimizer = trained(option, first, 3)
    torch.save([first.state_dict(), optimizer.state_dict()], file := io.BytesIO())
    file.seek(0)
    weights, state = torch.load(file, weights_only=True)
    second.load_state_dict(weights)
    resumed = build("optimizer", option)(parameter_groups(second, 0.01))
    resumed.load_state_dict(state)
    trained(option, second, 3, resumed)
    for a, b in zip(whole.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_muon_takes_the_hidden_matrices_and_adamw_the_rest():
    model = nn.Sequential(nn.Embedding(9, 4), nn.Conv1d(4, 4, 1), MLP([4], 3, width=8, depth=2))
    groups = by_kind(parameter_groups(model, 0.1), model)
    names = {id(p): name for name, p in model.named_parameters()}
    hidden = {names[id(p)] for g in groups if g[HIDDEN] for p in g["params"]}
    assert hidden == {"2.hidden.0.weight", "2.hidden.2.weight"}
    assert sum(len(g["params"]) for g in groups) == len(names)


def test_of_bare_parameters_every_matrix_is_muons():
    model = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2))
    hidden, rest = split(model.parameters())
    assert [p.ndim for p in hidden["params"]] == [2, 2]
    assert [p.ndim for p in rest["params"]] == [1, 1]


def test_a_run_gives_muon_the_model_so_the_last_layer_is_adamws():
    model = MLP([4], 3, width=8, depth=1)
    made = OptimizerFactory(OmegaConf.create(node("optimizer", "muon")))(model)
    assert isinstance(made, Muon)
    hidden = [p for group in made.param_groups if group[HIDDEN] for p in group["params"]]
    assert not any(p is model.head.weight for p in hidden)


def test_schedule_free_optimizers_start_in_training_mode_and_keep_their_momentum():
    for option in ("adamw_schedule_free", "sgd_schedule_free"):
        made = OptimizerFactory(OmegaConf.create(node("optimizer", option)))(nn.Linear(2, 2))
        assert all(group["train_mode"] for group in made.param_groups)
        before = {k: v for k, v in made.param_groups[0].items() if k in ("betas", "momentum")}
        build("scheduler", "one_cycle")(made)
        assert {k: made.param_groups[0][k] for k in before} == before


def test_two_averages_of_the_weights_are_refused(tmp_path):
    cfg = composed(tmp_path, "optimizer=adamw_schedule_free", "callbacks=ema")
    with pytest.raises(UserError) as caught:
        switches_modes(cfg)
    assert caught.value.code is Code.CONFLICT


def test_a_schedule_free_optimizer_brings_its_schedule_unless_one_is_typed(tmp_path):
    own = composed(tmp_path, "optimizer=sgd_schedule_free")
    typed = composed(tmp_path, "optimizer=sgd_schedule_free", "scheduler=cosine")
    assert own.scheduler._target_.endswith("ConstantLR")
    assert typed.scheduler._target_.endswith("CosineAnnealingLR")


@pytest.mark.parametrize("option", own("optimizer"))
def test_each_has_a_space_of_its_own(option):
    assert {"lr", "weight_decay"} <= set(node("optimizer", option)["search_space"])
