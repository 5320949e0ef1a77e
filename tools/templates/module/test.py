"""What only this module promises; test_contract.py tests what all of them do."""

import pytest
import torch
from torch import nn
from torchmetrics.classification import MulticlassAccuracy

from project.modules.new_option import NewOption
from quintet.base.errors import UserError

BATCH = torch.eye(2), torch.tensor([0, 1])


def of_noise(noise: float) -> NewOption:
    parts = (nn.Identity(), nn.CrossEntropyLoss(), MulticlassAccuracy(2), None, None)
    module = NewOption(*parts, "accuracy", noise)
    module.log = lambda *logged, **settings: None  # there is no Trainer
    return module


def test_without_noise_it_is_the_loss():
    assert of_noise(0.0).training_step(BATCH, 0) == nn.functional.cross_entropy(*BATCH)


def test_noise_is_drawn_anew_in_each_step():
    module = of_noise(0.5)
    assert module.training_step(BATCH, 0) != module.training_step(BATCH, 1)


def test_noise_below_zero_is_refused():
    with pytest.raises(UserError) as refused:
        of_noise(-1.0)
    assert refused.value.key == "module.noise"
