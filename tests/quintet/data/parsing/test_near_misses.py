"""What is said of columns that are taken for categories and look like something else."""

import pytest

from quintet.base.errors import UserError
from quintet.data.parsing.column_cells import Cells, of_text
from quintet.data.parsing.near_misses import near_miss
from quintet.data.parsing.rules import Rules
from quintet.data.sources.tables import csv


def column(words: list[str]) -> Cells:
    return of_text("x", list(range(len(words))), words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["12%", "13.5%", "9%"], "numbers with '%'"),
        (["1.234,50 €", "17,00 €"], "numbers with '€'"),
        (["$1,300.00", "$9"], "numbers with '$'"),
        (["EUR 12", "EUR 1300"], "numbers with 'EUR'"),
        (["12 kg", "13.5 kg"], "numbers with 'kg'"),
        (["1", "2.5", "7", "k.A."], "75% of its cells are numbers, but not 'k.A.' (no value?"),
        (["(12.5)", "13", "9"], "numbers, but not '(12.5)' (write all alike"),
        (["2024-01-31", "2024-02-01", "soon"], "67% of its cells are dates, but not 'soon'"),
        (["1st March 2024", "22nd April 2024"], "look like dates"),
        (["31.01.2024", "2024-02-14", "2024-03-01", "01.04.2024"], "dates"),
        (["99999999999999999", "99999999999999998"], "taken for labels"),
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


def test_a_column_that_is_left_out_is_no_identifier_where_it_is_none(tmp_path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("rate,code,y\n" + "".join(f"{i}%,c-{i:03}x,{i % 2}\n" for i in range(40)))
    with pytest.raises(UserError, match="'rate': left out: its cells are numbers with '%'"):
        csv(str(file), "y")


def test_a_target_of_amounts_with_a_unit_is_told_so(tmp_path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("x,y\n" + "".join(f"{i * i},{i} EUR\n" for i in range(40)))
    with pytest.raises(UserError, match=r"too many for classes\. Its cells are numbers with 'EUR'"):
        csv(str(file), "y")
