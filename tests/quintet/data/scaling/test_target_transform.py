"""Targets on a logarithmic scale in training; everything else is in their own units."""

import numpy as np
import pytest
import torch
from torchmetrics import MeanSquaredError

from quintet.base.errors import Code, UserError
from quintet.data.module import DataModule
from quintet.data.samples import Samples
from quintet.data.scaling.preprocess import Preprocess
from quintet.data.scaling.target_transform import check_target, transformed, undone
from quintet.modules.supervised import SupervisedModule


def prices(low: float = 1.0) -> Samples:
    """Return 100 samples whose target grows exponentially with the input."""
    x = torch.linspace(0, 5, 100)[:, None]
    return Samples(x=x, y=low * x.exp(), task="regression", kind="table", class_names=["price"])


@pytest.mark.parametrize("how", ["log", "log1p", None])
def test_a_transform_is_undone(how):
    y = torch.tensor([[0.5], [3.0], [1e6]], dtype=torch.float64)
    assert torch.allclose(undone(transformed(y, how), how), y)


def test_scaled_targets_are_normal_where_their_logarithm_is():
    data = DataModule(prices, target_transform="log")
    data.load()
    scaled = data.preprocess.transform_target(data.splits["train"][1])
    expected = np.log(data.splits["train"][1].numpy())
    assert np.corrcoef(scaled[:, 0], expected[:, 0])[0, 1] == pytest.approx(1)
    assert torch.allclose(data.preprocess.restore_target(scaled), data.splits["train"][1])
    assert data.target_transform == "log"


def test_the_module_undoes_what_it_is_trained_on():
    data = DataModule(prices, target_transform="log")
    data.load()
    module = SupervisedModule(
        torch.nn.Linear(1, 1), torch.nn.MSELoss(), MeanSquaredError(),
        lambda model: torch.optim.SGD(model.parameters(), 0.1), lambda optimizer: None,
        metric_name="mse", task="regression", target_centre=data.target_centre,
        target_width=data.target_width, target_transform=data.target_transform,
    )  # fmt: skip
    y = data.splits["train"][1]
    outputs = module._loss_target(torch.zeros_like(y), y)
    assert outputs.abs().max() < 3
    assert torch.allclose(module.predictions(outputs), y, rtol=1e-4)


def test_a_checkpoint_of_an_earlier_version_has_no_transform():
    state = {k: v for k, v in Preprocess().state_dict().items() if k != "target_transform"}
    new = Preprocess()
    new.load_state_dict(state)
    assert new.target_transform is None


@pytest.mark.parametrize(
    ("low", "task", "how", "code"),
    [
        (0.0, "regression", "log", Code.DATA),
        (-2.0, "regression", "log1p", Code.DATA),
        (1.0, "binary", "log", Code.INCOMPATIBLE),
        (1.0, "regression", "sqrt", Code.UNKNOWN_NAME),
    ],
)
def test_what_has_no_logarithm_is_refused(low, task, how, code):
    with pytest.raises(UserError) as caught:
        check_target(torch.tensor([[3.0], [low]]), task, how)
    assert caught.value.code is code
    check_target(torch.tensor([[0.0], [3.0]]), "regression", "log1p")
