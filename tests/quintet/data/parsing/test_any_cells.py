"""Properties of the parser: whatever the cells, they are read as written, missing, or named."""

import csv
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.base.errors import UserError
from quintet.data.parsing import numerals
from quintet.data.parsing.column_cells import of_text
from quintet.data.parsing.column_format import ColumnFormat
from quintet.data.parsing.table_file import read_table

CHARACTERS = st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufeff")
WORDS = st.text(CHARACTERS, max_size=8)
FORMATS = (
    ColumnFormat("number"),
    ColumnFormat("number", ",", "."),
    ColumnFormat("boolean"),
    ColumnFormat("date", form="ISO8601"),
    ColumnFormat("date", form="%d.%m.%Y"),
    ColumnFormat("date", form="%H:%M"),
)


@settings(deadline=None)
@given(
    st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=3), min_size=1),
    st.sampled_from(numerals.STYLES),
)
def test_a_number_in_any_style_is_read_exactly(numbers, style):
    point, grouping = style
    marks = str.maketrans({",": grouping, ".": point})
    words = [f"{number:{',' if grouping else ''}f}".translate(marks) for number in numbers]
    assert numerals.parse(words, style).tolist() == [float(number) for number in numbers]


@pytest.mark.parametrize("form", FORMATS)
@settings(deadline=None, max_examples=50)
@given(st.lists(st.one_of(WORDS, st.from_regex(r"[0-9.,:/T -]{1,12}", fullmatch=True))))
def test_a_cell_is_read_or_missing_or_named(form, cells):
    column = of_text("x", np.arange(len(cells)), cells)
    parsed = form.parse(column)
    unread = {row for row, value in enumerate(parsed.values) if value != value}
    missing = {row for row, cell in enumerate(cells) if cell.strip().lower() in form.missing}
    assert {*parsed.bad.tolist()} == unread - missing
    assert missing <= unread


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=30))
def test_a_file_of_any_words_is_read_as_written_or_refused(rows):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "t.csv")
        with file.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle, quoting=csv.QUOTE_ALL)
            writer.writerows([("first", "second"), ("a", "b"), *rows])
        try:
            table = read_table(file, text=("first", "second"), layout={"separator": ","})
        except UserError:
            return
        for name, cells in zip(
            ("first", "second"), zip(("a", "b"), *rows, strict=True), strict=True
        ):
            found = [table[name].at(row) for row in range(len(table))]
            assert found == [cell.strip() for cell in cells]
