"""What predict_step may return."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from quintet.base.errors import Code, UserError
from quintet.training.step_predictions import cells, together


class Codes(NamedTuple):
    code: torch.Tensor
    spread: torch.Tensor


def found(*count: int) -> list[dict[str, Any]]:
    """Return what a detector finds in pictures: so many boxes in each."""
    return [{"boxes": torch.ones(n, 4), "score": torch.ones(n), "picture": 7} for n in count]


def test_objects_of_a_sample_are_rows() -> None:
    predictions = together([found(2, 0), found(3)])
    assert len(predictions) == 3
    assert predictions.repeated(["a", "b", "c"]) == ["a", "a", "c", "c", "c"]
    assert predictions.columns["boxes"].shape == (5, 4)
    assert predictions.columns["picture"].tolist() == [7] * 5
    names = {"boxes_0", "boxes_1", "boxes_2", "boxes_3", "score", "picture"}
    assert set(cells(predictions.columns)) == names


def test_nothing_found_anywhere_is_a_table_without_rows() -> None:
    assert together([found(0, 0)]).columns["boxes"].shape == (0, 4)


@pytest.mark.parametrize(
    ("returned", "names"),
    [
        (torch.zeros(3, 2), ["prediction"]),
        ((torch.zeros(3, 2), torch.zeros(3, 5)), ["prediction_0", "prediction_1"]),
        (Codes(torch.zeros(3), torch.zeros(3)), ["code", "spread"]),
        ({"a": {"mean": torch.zeros(3)}, "b": ["x", "y", "z"]}, ["a_mean", "b"]),
        ([torch.zeros(2)] * 3, ["prediction"]),
        ([{"label": "cat", "score": 0.5}] * 3, ["label", "score"]),
        (torch.zeros(3, dtype=torch.bfloat16), ["prediction"]),
        (torch.eye(3).to_sparse(), ["prediction"]),
    ],
)
def test_samples_are_rows(returned: Any, names: list[str]) -> None:
    predictions = together([returned, returned])
    assert list(predictions.columns) == names
    assert len(predictions) == 6
    assert all(len(values) == 6 for values in predictions.columns.values())


@pytest.mark.parametrize(
    "batch",
    [
        {
            "word": [["a", "b"], [], ["c"]],
            "tag": [[1, 2], [], [3]],
            "length": torch.tensor([2, 0, 1]),
        },
        {"word": [["a", "b"], [], ["c"]], "tag": [torch.tensor([1, 2]), [], torch.tensor([3])]},
    ],
)
def test_lists_of_a_length_for_each_sample_are_rows(batch: dict[str, Any]) -> None:
    even = {name: values[:1] for name, values in batch.items()}  # of one sample, so of one length
    predictions = together([even, batch])
    assert predictions.repeated("wxyz") == ["w", "w", "x", "x", "z"]
    assert predictions.columns["word"].tolist() == ["a", "b", "a", "b", "c"]
    assert predictions.columns["tag"].tolist() == [1, 2, 1, 2, 3]
    assert predictions.columns["tag"].dtype.kind == "i"


def test_tensors_of_several_lengths_are_rows() -> None:
    predictions = together([[torch.zeros(2), torch.ones(3)]])
    assert predictions.repeated("ab") == ["a", "a", "b", "b", "b"]
    assert predictions.columns["prediction"].tolist() == [0, 0, 1, 1, 1]


def test_numbers_keep_their_precision() -> None:
    value = torch.tensor([1 / 3], dtype=torch.float64)
    assert together([value]).columns["prediction"][0] == np.float64(1 / 3)


@pytest.mark.parametrize(
    ("batches", "code"),
    [
        ([torch.zeros(2, 5), torch.zeros(2, 7)], Code.INCOMPATIBLE),
        ([{"a": [[1], [2, 3]], "b": torch.zeros(3)}], Code.INCOMPATIBLE),
        ([{"a": [[1], [2, 3]], "b": [[1], [2]]}], Code.INCOMPATIBLE),
        ([{"a": torch.zeros(2)}, {"b": torch.zeros(2)}], Code.INCOMPATIBLE),
        ([(torch.zeros(2), torch.zeros(3))], Code.INCOMPATIBLE),
        ([torch.tensor(1.0)], Code.INCOMPATIBLE),
        ([None], Code.WRONG_TYPE),
        ([], Code.DATA),
    ],
)
def test_what_is_not_a_table_is_refused(batches: list[Any], code: Code) -> None:
    with pytest.raises(UserError) as error:
        together(batches)
    assert error.value.code is code
