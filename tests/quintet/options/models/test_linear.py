"""The linear model."""

import torch
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression

from quintet.options.models.linear import Linear


def test_it_can_express_least_squares_exactly() -> None:
    x, y = load_diabetes(return_X_y=True)
    ols = LinearRegression().fit(x, y)
    model = Linear([10], 1).double()
    model.head.weight.data = torch.tensor(ols.coef_)[None]
    model.head.bias.data = torch.tensor([ols.intercept_])
    torch.testing.assert_close(model(torch.tensor(x))[:, 0], torch.tensor(ols.predict(x)))


def test_categories_enter_without_an_order() -> None:
    assert Linear([3], 2, cardinalities=[4, 5]).head.in_features == 1 + 4 + 5
