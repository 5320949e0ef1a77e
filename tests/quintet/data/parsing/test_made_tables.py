"""Generated files: every cell is read as intended, or the key that decides is named."""

from dataclasses import replace

import numpy as np
import pytest
from made_tables import File, write

from quintet.base.errors import UserError
from quintet.data.parsing.column_format import ColumnFormat
from quintet.data.parsing.inference import doubt, infer_all
from quintet.data.parsing.rules import Rules
from quintet.data.parsing.table_file import RawTable, read_table

SETTLES = ("decimal", "thousands", "date_format")


def formats(file: File, table: RawTable) -> list[ColumnFormat]:
    """Infer the formats; where a key is asked for, give it for every column."""
    columns = list(table.columns.values())
    try:
        return infer_all(columns, Rules(), table.separator)
    except UserError as error:
        asked = error.key
    assert asked in {f"data.{key}" for key in SETTLES}
    given = {
        key: {name: made.rules[key] for name, made in file.columns.items() if key in made.rules}
        for key in SETTLES
    }
    return infer_all(columns, Rules(**given), table.separator)


def meanings(table: RawTable, name: str, form: ColumnFormat) -> list[object]:
    """Return what a column's cells were read as; None is missing."""
    parsed = form.parse(table[name])
    assert not len(parsed.bad)
    if form.type == "category":
        words = table[name].as_words().words
        return [None if np.isnan(v) else words[int(v)] for v in parsed.values]
    missing = np.isnat(parsed.values) if form.type == "date" else np.isnan(parsed.values)
    return [None if gone else v for v, gone in zip(parsed.values, missing, strict=True)]


@pytest.mark.parametrize("first", range(0, 300, 30))
def test_cells_mean_what_was_written(tmp_path, first):
    for seed in range(first, first + 30):
        file = write(np.random.default_rng(seed), tmp_path)
        table = read_table(file.path, layout=file.layout)
        assert list(table.columns) == list(file.columns)
        found = formats(file, table)
        for (name, made), form in zip(file.columns.items(), found, strict=True):
            if doubt(table[name], form, table.separator):
                continue  # read by custom, and said so
            assert form.type == made.kind, (seed, name)
            assert meanings(table, name, form) == made.means, (seed, name)


@pytest.mark.parametrize("first", range(300, 330, 10))
def test_a_stored_format_reads_the_same_file_the_same(tmp_path, first):
    for seed in range(first, first + 10):
        file = write(np.random.default_rng(seed), tmp_path)
        table = read_table(file.path, layout=file.layout)
        for cells, form in zip(table.columns.values(), formats(file, table), strict=True):
            stored = ColumnFormat.from_dict(form.to_dict())
            assert stored == form
            again, once = stored.parse(replace(cells.as_words())), form.parse(cells)
            np.testing.assert_array_equal(again.values, once.values)
