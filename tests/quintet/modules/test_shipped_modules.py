"""The computations of the shipped modules besides the supervised one."""

import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from quintet.base.errors import Code, UserError
from quintet.modules.autoencoder import VariationalAutoencoder
from quintet.modules.backbone import without_head
from quintet.modules.contrastive import SimCLR, nt_xent
from quintet.modules.multitask import MultitaskModule
from quintet.options.models.mlp import MLP

IMAGE = {"input_shape": [1, 8, 8], "num_classes": 10}
STILL = {"shift": 0.0, "rotation": 0.0, "zoom": 1.0, "noise": 0.0}


def none(network):
    """Leave a network as it is."""


def images(count):
    return torch.rand(count, 1, 8, 8, generator=torch.manual_seed(0))


def test_the_bound_is_likelihood_less_divergence():
    module, x = VariationalAutoencoder(None, None, none, IMAGE, width=8), images(3)
    with torch.no_grad():
        module.log_deviation.fill_(-0.5)
    mean, log_variance = module.encode(x)
    torch.manual_seed(1)
    drawn = module.decode(mean + (log_variance / 2).exp() * torch.randn_like(mean))
    torch.manual_seed(1)
    parts = module.bound(x)
    likelihood = Normal(drawn, module.log_deviation.exp()).log_prob(x).flatten(1).sum(1)
    assert torch.allclose(parts["log_likelihood"], likelihood, rtol=1e-4)
    codes = Normal(mean, (log_variance / 2).exp())
    apart = kl_divergence(codes, Normal(torch.tensor(0.0), torch.tensor(1.0))).sum(1)
    assert torch.allclose(parts["divergence"], apart, rtol=1e-4)


def test_nt_xent_is_what_the_paper_says():
    z, temperature = torch.randn(6, 4, generator=torch.manual_seed(0)), 0.5
    u = z / z.norm(dim=1, keepdim=True)
    terms = []
    for i in range(6):
        others = [j for j in range(6) if j != i]
        chances = torch.stack([(u[i] @ u[j] / temperature).exp() for j in others])
        own = (u[i] @ u[(i + 3) % 6] / temperature).exp()
        terms.append(-(own / chances.sum()).log())
    assert torch.allclose(nt_xent(z, temperature), torch.stack(terms).mean())


def simclr(**settings):
    torch.manual_seed(0)
    return SimCLR(MLP([1, 8, 8], 10, width=16), None, None, none, IMAGE, **settings)


def test_a_view_without_changes_is_the_image():
    assert torch.allclose(simclr(**STILL).view(images(4)), images(4), atol=1e-5)


def test_a_view_is_drawn_from_torchs_generator_and_differs_between_images():
    module, x = simclr(), images(1).repeat(2, 1, 1, 1)
    torch.manual_seed(5)
    first = module.view(x)
    torch.manual_seed(5)
    assert torch.equal(first, module.view(x))
    assert not torch.allclose(first[0], first[1])


def test_features_are_those_before_the_head_whose_other_names_stay():
    model = MLP([1, 8, 8], 10, width=16)
    names = [name for name in model.state_dict() if not name.startswith("head.")]
    assert without_head(model, [1, 8, 8]) == 16
    assert [*model.state_dict()] == names


def test_a_model_without_a_head_is_its_own_features():
    assert without_head(nn.Sequential(nn.Flatten(), nn.Linear(64, 5)), [1, 8, 8]) == 5


def multitask(weights):
    facts = {"input_shape": [1, 8, 8], "other": {"targets": {"digit": 10, "ink": 1}}}
    torch.manual_seed(0)
    return MultitaskModule(MLP([1, 8, 8], 10, width=16), None, None, none, facts, weights)


def test_the_loss_is_the_weighted_sum_of_the_targets():
    batch = images(4), {"digit": torch.tensor([0, 1, 2, 3]), "ink": torch.rand(4)}
    digit, ink, both = (
        multitask(weights).training_step(batch, 0)
        for weights in ({"ink": 0}, {"digit": 0}, {"digit": 2, "ink": 3})
    )
    assert torch.allclose(both, 2 * digit + 3 * ink)


@pytest.mark.parametrize(
    ("weights", "code"), [({"dgit": 1.0}, Code.UNKNOWN_NAME), ({"ink": -1.0}, Code.OUT_OF_RANGE)]
)
def test_a_weight_of_no_target_or_below_zero_is_refused(weights, code):
    with pytest.raises(UserError) as refused:
        multitask(weights)
    (name,) = weights
    assert (refused.value.code, refused.value.key) == (code, f"module.weights.{name}")


def test_data_that_names_no_targets_is_refused():
    with pytest.raises(UserError) as refused:
        MultitaskModule(MLP([1, 8, 8], 10), None, None, none, IMAGE)
    assert refused.value.code == Code.INCOMPATIBLE
