import pytest

from quintet.base.errors import Code, UserError
from quintet.data.sources.parts import part_of, parts_of


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("train", 0), ("Training", 0), ("seg_train", 0), ("x_train", 0), ("TrainSet", 0),
        ("val", 1), ("Valid", 1), ("validation", 1), ("dev", 1), ("my-val-2", 1),
        ("test", 2), ("Testing", 2), ("X_TEST", 2), ("test2017", 2),
        ("pred", None), ("protest", None), ("trained", None), ("device", None), ("a", None),
        ("train_or_test", None), ("latest", None), ("", None),
    ],
)  # fmt: skip
def test_usual_names_and_no_others(name: str, part: int | None) -> None:
    assert part_of(name) == part


def test_a_column_names_the_part_of_each_row() -> None:
    assert parts_of(["train", " TEST", "dev", "Train"], "split").tolist() == [0, 2, 1, 0]


@pytest.mark.parametrize(
    ("column", "cells", "expected"),
    [
        ("is_test", ["1", "0"], [2, 0]), ("is_valid", [True, False], [1, 0]),
        ("istrain", ["train", "test"], [0, 2]), ("train", ["yes", "no"], [0, 2]),
        ("test", [1.0, 0.0], [2, 0]),
    ],
)  # fmt: skip
def test_a_column_of_yes_and_no(column: str, cells: list, expected: list[int]) -> None:
    assert parts_of(cells, column).tolist() == expected


@pytest.mark.parametrize("cells", [["train", "?"], ["0", "1"], [None, "train"], ["test", "test"]])
def test_cells_that_name_no_part_are_refused(cells: list) -> None:
    with pytest.raises(UserError) as caught:
        parts_of(cells, "fold")
    assert (caught.value.code, caught.value.key) == (Code.DATA, "data.split")
