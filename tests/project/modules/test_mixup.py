"""The promises of the example module; test_contract.py tests those of every module."""

import pytest
import torch
from torch import Tensor, nn
from torchmetrics.classification import MulticlassAccuracy

from project.modules.mixup import Mixup
from quintet.base.errors import UserError


class Recorder(nn.Module):
    """Remembers what it was given."""

    def forward(self, x: Tensor) -> Tensor:
        self.given = x
        return x


def mixup(model: nn.Module, alpha: float = 1.0) -> Mixup:
    module = Mixup(
        model, nn.CrossEntropyLoss(), MulticlassAccuracy(2), None, None, "accuracy", alpha
    )
    module.log = lambda *logged, **settings: None  # there is no Trainer
    return module


def test_samples_are_mixed_with_others_of_the_batch():
    torch.manual_seed(0)
    model = Recorder()
    mixup(model).training_step((torch.eye(2).repeat(8, 1), torch.tensor([0, 1] * 8)), 0)
    assert torch.allclose(model.given.sum(1), torch.ones(16))  # a share of each of two samples
    assert 0 < model.given.min(1).values.max() <= 0.5


def test_a_mixture_with_itself_has_the_loss_of_the_sample():
    x, y = torch.tensor([[2.0, 0.0]]), torch.tensor([0])
    loss = mixup(Recorder()).training_step((x, y), 0)
    assert torch.allclose(loss, nn.functional.cross_entropy(x, y))


@pytest.mark.parametrize("alpha", [0.0, -1.0])
def test_an_impossible_alpha_is_refused(alpha):
    with pytest.raises(UserError) as refused:
        mixup(Recorder(), alpha)
    assert refused.value.key == "module.alpha"
