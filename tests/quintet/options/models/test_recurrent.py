"""GRU and LSTM: padding, order, layers, and the forecast of sunspots."""

import pytest
import torch
from torch import nn

from quintet.base.errors import UserError
from quintet.options.models.recurrent import GRU, LSTM, Recurrent

CELLS = pytest.mark.parametrize("cell", [GRU, LSTM])


@CELLS
def test_padding_does_not_change_the_result(cell: type[Recurrent]) -> None:
    model = cell([7], 3, vocabulary=9, depth=2)
    bare, padded = torch.tensor([[4, 2, 8]]), torch.tensor([[4, 2, 8, 0, 0, 0, 0]])
    torch.testing.assert_close(model(padded), model(bare))


@CELLS
def test_an_empty_sample_gives_finite_outputs(cell: type[Recurrent]) -> None:
    assert cell([4], 3, vocabulary=9)(torch.zeros(1, 4, dtype=torch.long)).isfinite().all()


@CELLS
def test_order_of_the_steps_matters(cell: type[Recurrent]) -> None:
    model, x = cell([5, 2], 3), torch.randn(1, 5, 2)
    assert not torch.allclose(model(x), model(x.flip(1)))


def test_depth_stacks_layers_with_dropout_between() -> None:
    model = GRU([5, 2], 3, depth=3, dropout=0.2)
    assert (model.layers.num_layers, model.layers.dropout) == (3, 0.2)


def test_embedding_is_as_wide_as_the_state_unless_said() -> None:
    assert GRU([5], 3, vocabulary=9, width=6).embed.embedding_dim == 6
    assert GRU([5], 3, vocabulary=9, embedding=4).embed.embedding_dim == 4


@pytest.mark.parametrize("wrong", [{"width": 0}, {"depth": 0}, {"embedding": 0}, {"dropout": -1}])
def test_impossible_values_are_refused(wrong: dict[str, int]) -> None:
    (name,) = wrong
    with pytest.raises(UserError, match=f"model.{name}="):
        GRU([5], 3, vocabulary=9, **wrong)


@pytest.mark.slow
def test_gru_forecasts_sunspots_better_than_autoregression() -> None:
    from statsmodels.datasets import sunspots

    series = torch.tensor(sunspots.load_pandas().data["SUNACTIVITY"].to_numpy()).float()
    past = series[:-60]
    windows = ((series - past.mean()) / past.std()).unfold(0, 13, 1)
    x, y = windows[:, :12, None], windows[:, 12:]
    torch.manual_seed(0)
    model = GRU([12, 1], 1)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 100)
    for _ in range(100):
        for rows in torch.randperm(len(x) - 60).split(32):
            loss = nn.functional.mse_loss(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(x[-60:]), y[-60:]).sqrt() * past.std()
    assert error.item() < 19.14  # AR(9), statsmodels
