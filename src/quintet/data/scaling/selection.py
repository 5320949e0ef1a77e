"""Feature selection: the columns of a table most informative about the target."""

import math
import warnings

import torch
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.data.samples import Task
from quintet.problems import problem_of

ROWS = 2_000
"""Maximum number of samples used, evenly spaced if there are more."""


def share_or_number(select: float, features: int) -> int:
    """Return how many of `features` to keep; at least one.

    Args:
        select: a share below 1, or a number of at least 1.
        features: number of features.

    Raises:
        UserError: neither a share nor an integer.

    """
    if not select > 0 or (select >= 1 and select != int(select)):
        raise UserError(
            "must be a fraction of the columns (0 to 1), a number of them (1, 2, ...), or null "
            "for all",
            code=Code.OUT_OF_RANGE,
            key="data.select",
            value=f"{select:g}",
        )
    return min(features, max(1, math.ceil(select * features) if select < 1 else int(select)))


def most_informative(x: Tensor, categorical: int, y: Tensor, task: Task, number: int) -> Tensor:
    """Return which columns have the most mutual information with the target, a mask (F,).

    One column at a time, by nearest neighbours (Kraskov, Stögbauer and Grassberger 2004; Ross
    2014), which captures nonlinear relations; for several targets, the largest value counts.
    Columns that are informative only jointly are missed (Guyon and Elisseeff 2003, "An introduction
    to variable and feature selection").

    Args:
        x: training inputs (N, F) without gaps, categorical columns last.
        categorical: how many of the columns are codes.
        y: training targets, as of `Samples`.
        task: of the target.
        number: of columns to keep.

    """
    import sklearn.feature_selection as of

    step = 1 + (len(x) - 1) // ROWS
    inputs, targets = x[::step].cpu().numpy(), y[::step].reshape(len(y[::step]), -1).cpu().numpy()
    codes = [i >= x.shape[1] - categorical for i in range(x.shape[1])]
    measure = of.mutual_info_classif if problem_of(task).discrete else of.mutual_info_regression
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class of one sample
        found = [
            torch.from_numpy(measure(inputs, column, discrete_features=codes, random_state=0))
            for column in targets.T
        ]
    best = torch.stack(found).amax(dim=0).argsort(descending=True, stable=True)[:number]
    return torch.zeros(x.shape[1], dtype=torch.bool).index_fill_(0, best, True)
