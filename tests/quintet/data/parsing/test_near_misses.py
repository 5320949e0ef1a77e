"""Messages about columns that are read as categories but look like something else."""

import numpy as np
import pytest

from quintet.base.errors import Code
from quintet.data.parsing.column_cells import Cells, of_text
from quintet.data.parsing.column_format import ColumnFormat
from quintet.data.parsing.inference import infer
from quintet.data.parsing.near_misses import near_miss
from quintet.data.parsing.rules import Rules
from quintet.data.sources.tables import csv
from refusals import Refusal


def column(words: list[str]) -> Cells:
    return of_text("x", list(range(len(words))), words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["SKU 12", "SKU 1300"], "numbers with 'SKU'"),
        (["1", "2.5", "7", "k.A."], "75% of its cells are numbers, but not 'k.A.' (no value?"),
        (["(12.5)", "13", "9"], "numbers, but not '(12.5)' (write all alike"),
        (["2024-01-31", "2024-02-01", "soon"], "67% of its cells are dates, but not 'soon'"),
        (["1st March 2024", "22nd April 2024"], "look like dates"),
        (["31.01.2024", "2024-02-14", "2024-03-01", "01.04.2024"], "dates"),
        (["99999999999999999", "99999999999999998"], "read as labels"),
        (["12. März 2024", "3. Mai 2024"], "words that are not read, such as 'März'"),
        (["2024-03-12 10:00 CET", "2024-03-12 11:30 CEST"], "such as 'CET'"),
        (["Golf 7 2014", *(f"{chr(97 + i) * 3} 5 2016" for i in range(26))], ""),
        (["red", "green"], ""),
        (["K1", "K2", "K3"], ""),
        (["1.2.3", "1.2.4"], ""),
        (["10.0.0.1", "10.0.0.2"], ""),
        (["fe80::1", "12-34", "5 to 6"], ""),
        (["only"], ""),
        ([], ""),
    ],
)
def test_what_is_said(words: list[str], said: str) -> None:
    found = near_miss(column(words), Rules().missing_categories)
    assert said in found
    assert bool(said) == bool(found)


@pytest.mark.parametrize(
    ("cells", "unit", "values"),
    [
        (["12%", "13.5%", "9 %"], "%", [12, 13.5, 9]),
        (["1.234,50 €", "17,00 €", "-2,10 €"], "€", [1234.5, 17, -2.1]),
        (["$1,300.00", "-$9.50", "$0.99"], "$", [1300, -9.5, 0.99]),
        (["EUR 12", "EUR 1300", "EUR 7"], "EUR", [12, 1300, 7]),
        (["12 kg", "13.5 kg", "1000kg"], "kg", [12, 13.5, 1000]),
        (['="102"', '="7"', '="3"'], '=""', [102, 7, 3]),
    ],
)
def test_numbers_that_all_have_the_same_unit_are_numbers(cells, unit, values) -> None:
    column = of_text("x", list(range(len(cells))), cells)
    form = infer(column, separator=";")
    assert (form.type, form.unit) == ("number", unit)
    assert form.parse(column).values.tolist() == pytest.approx(values)
    again = ColumnFormat.from_dict(form.to_dict())
    assert again.parse(of_text("x", [0, 1], ["5", cells[0]])).bad.tolist() == [0]
    assert again.parse(Cells("x", values=np.array([5.0, 6.0]))).bad.tolist() == [0, 1]


@pytest.mark.parametrize(
    "cells",
    [
        ["(12.5)", "(13)", "(9)"],
        ["12.5-", "13-", "9-"],
        ["<5", "<6", "<7"],
        ["[0,1]", "[1,0]", "[1,2]"],
        ["12 kg", "13 lb", "9 kg"],
        ["SKU 12", "SKU 13", "SKU 99"],
        ["$007", "$012", "$013"],
    ],
)
def test_what_is_not_a_unit(cells) -> None:
    assert infer(of_text("x", list(range(len(cells))), cells)).type == "category"


def test_two_decimal_marks_beside_a_unit_are_asked_about() -> None:
    cells = of_text("x", list(range(4)), ["1.84 €", "1,76 €", "2.25 €", "3,75 €"])
    with Refusal(Code.DATA, "data.decimal"):
        infer(cells)


def test_a_target_of_amounts_is_a_regression(tmp_path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("x,y\n" + "".join(f"{i * i},{i}.5 EUR\n" for i in range(40)))
    samples = csv(str(file), "y")
    assert samples.task == "regression"
    assert samples.y[:2, 0].tolist() == [0.5, 1.5]
    assert samples.columns[1].format == "decimal point, with 'EUR'"
