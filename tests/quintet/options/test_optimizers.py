"""Which parameters are decayed, and whether every optimizer learns as it is shipped."""

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from options import build, node, own
from quintet.base.errors import Code, UserError
from quintet.options.models.mlp import MLP
from quintet.options.optimizers import SwitchesModes, layered, layers, parameter_groups, rates
from refusals import Refusal
from usual import every


class Mixed(nn.Module):
    """One layer of each kind that decay treats in its own way."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5, 4)
        self.norm = nn.LayerNorm([3, 4])
        self.conv = nn.Conv1d(3, 6, 1)
        self.batch = nn.BatchNorm1d(6)
        self.gru = nn.GRU(4, 2)
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.head = nn.Linear(4, 5)
        self.again = self.head


def named(model, group):
    ids = {id(p) for p in group["params"]}
    return {name for name, p in model.named_parameters() if id(p) in ids}


def test_only_weights_are_decayed():
    model = Mixed()
    decayed, rest = parameter_groups(model, 0.1, "weights")
    assert (decayed["weight_decay"], rest["weight_decay"]) == (0.1, 0.0)
    weights = {"conv.weight", "gru.weight_ih_l0", "gru.weight_hh_l0", "head.weight"}
    assert named(model, decayed) == weights
    assert {"embed.weight", "norm.weight", "batch.weight", "head.bias"} <= named(model, rest)


@pytest.mark.parametrize("on", ["weights", "all"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_every_trainable_parameter_is_in_one_group(weight_decay, on):
    model = Mixed()
    grouped = [id(p) for g in parameter_groups(model, weight_decay, on) for p in g["params"]]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {id(p) for p in model.parameters() if p.requires_grad}


def test_all_decays_everything_in_one_group():
    (group,) = parameter_groups(Mixed(), 0.1, "all")
    assert group["weight_decay"] == 0.1


def test_an_embedding_tied_to_a_linear_layer_is_left_undecayed():
    embed, head = nn.Embedding(5, 4), nn.Linear(4, 5, bias=False)
    head.weight = embed.weight
    (group,) = parameter_groups(nn.Sequential(embed, head), 0.1)
    assert group["weight_decay"] == 0.0


def test_biases_keep_their_size_while_weights_shrink():
    model = nn.Linear(3, 2)
    before = [p.detach().clone() for p in (model.weight, model.bias)]
    optimizer = build("optimizer", "adamw")(parameter_groups(model, 0.5))
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    assert torch.allclose(model.weight, before[0] * (1 - 0.5e-3))
    assert torch.equal(model.bias, before[1])


def test_a_wholly_frozen_model_is_refused():
    with Refusal(Code.INCOMPATIBLE, match="trainable"):
        parameter_groups(nn.Linear(2, 2).requires_grad_(False), 0.1)


def test_an_unknown_choice_is_refused_with_the_nearest():
    with pytest.raises(UserError) as caught:
        parameter_groups(nn.Linear(2, 2), 0.1, "weight")
    assert caught.value.code is Code.UNKNOWN_NAME
    assert caught.value.key == "optimizer.weight_decay_on"


@pytest.mark.parametrize("option", every(3, own("optimizer")))
def test_every_optimizer_learns_digits_as_shipped(option):
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x).float() / 16, torch.tensor(y)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    decay = node("optimizer", option)["weight_decay"]
    optimizer = build("optimizer", option)(parameter_groups(model, decay))
    if switches := isinstance(optimizer, SwitchesModes):
        optimizer.train()
    for _ in range(10):
        for batch in torch.randperm(1400).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
    if switches:
        optimizer.eval()
    accuracy = (model(x[1400:]).argmax(1) == y[1400:]).float().mean()
    assert accuracy > 0.8  # .86 to .92 over five seeds, on writers never seen; chance is .1


@pytest.mark.parametrize("option", [o for o in own("optimizer") if "fused" in node("optimizer", o)])
def test_fused_steps_are_those_of_the_plain_loop(option):
    def trained(fused):
        torch.manual_seed(0)
        model = nn.Linear(8, 3)
        optimizer = build("optimizer", option, fused=fused)(model.parameters())
        for _ in range(20):
            optimizer.zero_grad()
            model(torch.randn(16, 8)).square().mean().backward()
            optimizer.step()
        return model.weight.detach()

    assert torch.allclose(trained(True), trained(False), atol=1e-6)


def test_layers_are_those_of_the_containers_with_their_norms():
    model = MLP([4], 3, width=8, depth=2, batch_norm=True)
    assert [name for name, _ in layers(model)] == ["hidden.0", "hidden.3", "head"]
    assert len(layers(model)[0][1]) == 3  # a weight, and the norm's scale and offset
    together = [id(p) for _, own in layers(Mixed()) for p in own]
    assert len(together) == len(set(together)) == len(list(Mixed().parameters()))


def test_each_layer_has_a_share_of_the_rate_of_the_layer_after_it():
    model = MLP([4], 3, width=8, depth=2)
    assert rates(model, 0.1, 0.5) == {"head": 0.1, "hidden.2": 0.05, "hidden.0": 0.025}
    groups = layered(parameter_groups(model, 0.1), model, 0.1, 0.5)
    assert [group["lr"] for group in groups] == [0.1, 0.1, 0.05, 0.05, 0.025, 0.025]
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0] * 3
    assert {id(p) for g in groups for p in g["params"]} == {id(p) for p in model.parameters()}


def test_a_frozen_layer_has_no_rate_and_changes_none():
    model = MLP([4], 3, width=8, depth=2)
    model.hidden[2].requires_grad_(False)
    assert rates(model, 0.1, 0.5) == {"head": 0.1, "hidden.0": 0.025}


@pytest.mark.parametrize("share", [0, -1, 1.1, True, "half"])
def test_a_share_of_the_rate_out_of_range_is_refused(share):
    with Refusal(Code.OUT_OF_RANGE, "optimizer.layer_decay"):
        rates(nn.Linear(2, 2), 0.1, share)
