"""Files that other readers silently accept: read correctly, or refused with line and remedy."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quintet.base.errors import Code, UserError
from quintet.data.parsing.column_format import ColumnFormat
from quintet.data.parsing.inference import infer
from quintet.data.parsing.rules import Rules
from quintet.data.parsing.table_file import RawTable, read_table
from quintet.data.sources.tables import csv
from refusals import Refusal


def table(folder: Path, text: str | bytes, **layout: object) -> RawTable:
    file = folder / "t.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(file, layout=layout)


def words(table: RawTable, name: str) -> list[str]:
    return [table[name].at(row) for row in range(len(table))]


ROWS = "".join(f"{i},{i % 3},{'ab'[i % 2]}\n" for i in range(9))


@pytest.mark.parametrize(
    ("text", "layout", "line", "said"),
    [
        ("x,y,z\n" + ROWS + "1,2\n", {}, 11, "holds 2 cells"),
        ("x,y,z\n" + ROWS + "1,2,3,4\n", {}, 11, "holds 4 cells"),
        ("x,y,z\n" + ROWS + "Total: 9 rows\n", {}, 11, "holds one cell"),
        ("x,y,z\n" + ROWS + "# note\n" + ROWS, {}, 11, "data.comment='#'"),
        ("x,y,z\n" + ROWS + '"1,2,3\n' + ROWS, {}, 11, "quotation mark"),
        ("x,y,z\n" + ROWS + '"1,2,3\n"4",5,6\n' + ROWS, {}, 11, "quotation mark"),
        ("x,y,z\n" + ROWS + '1,"b"c,3\n', {}, 11, "quotation mark"),
        (b"x,y,z\n" + ROWS.encode() + b"1,2,\0\n", {}, None, "NUL"),
    ],
)
def test_a_line_that_does_not_fit_is_named(tmp_path, text, layout, line, said):
    with pytest.raises(UserError) as caught:
        table(tmp_path, text, **layout)
    assert caught.value.code is Code.DAMAGED
    assert said in str(caught.value)
    assert line is None or f"line {line}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("x,y,z\n" + ROWS.replace("\n", ",\n"), {}),  # every row ends with a separator
        ("x,y,z,\n" + ROWS.replace("\n", ",\n"), {}),
        ("sep=;\nx;y;z\n" + ROWS.replace(",", ";"), {}),
        ("# made by hand\n# twice\nx,y,z\n" + ROWS, {}),
        ("x,y,z\n" + ROWS.replace("3,0,b", "3,0,b # odd"), {"comment": "#"}),
        ("old,names,here\n1,2,3\nx,y,z\n" + ROWS, {"skip_rows": 2}),
        ("Report,,\nx,y,z\n" + ROWS, {}),
        ("x||y||z\n" + ROWS.replace(",", "||"), {"separator": "||"}),
        ("x\ty\tz\n" + ROWS.replace(",", "\t"), {"separator": "\\t"}),
        ("x  y z\n" + ROWS.replace(",", "   "), {}),
        ("x,y,z\r" + ROWS.replace("\n", "\r"), {}),
        ("\ufeffx,y,z\r\n" + ROWS.replace("\n", "\r\n"), {}),
        ("\n\nx,y,z\n\n" + ROWS.replace("\n", "\n\n"), {}),
        (("x,y,z\n" + ROWS).encode("utf-16"), {}),
        (("x,y,z\n" + ROWS).encode("utf-16-le"), {"encoding": "utf-16-le"}),
    ],
)
def test_the_same_table_in_other_clothes(tmp_path, text, layout):
    found = table(tmp_path, text, **layout)
    assert words(found, "x") == [str(i) for i in range(9)]
    assert words(found, "z") == [*"ababababa"]


def test_names_of_rows_as_r_writes_them(tmp_path):
    found = table(tmp_path, "x,z\n" + ROWS)
    assert list(found.columns) == ["column_1", "x", "z"]
    assert words(found, "x") == [str(i % 3) for i in range(9)]


@pytest.mark.parametrize("late", [10, 30_000])
@pytest.mark.parametrize("odd", ["007", "+491711234567", "n.b.", "true"])
def test_one_odd_cell_keeps_the_spelling_of_its_column(tmp_path, odd, late):
    cells = ["1.50"] * late + [odd] + ["2"] * 5
    found = table(tmp_path, "x,y\n" + "".join(f"{cell},a\n" for cell in cells))
    assert words(found, "x") == cells


@pytest.mark.parametrize("large", ["18446744073709551616", "9223372036854775808", "1" * 40])
def test_integers_of_any_size_keep_their_digits(tmp_path, large):
    cells = ["5"] * 10 + [large, "-3"]
    found = table(tmp_path, "x,y\n" + "".join(f"{cell},a\n" for cell in cells))
    assert words(found, "x") == cells


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["1.250.000", "301.000", "17"], ColumnFormat("number", ",", ".")),
        (["1,250.5", "301,000.25", "17"], ColumnFormat("number", ".", ",")),
        (["1 250", "301 000", "1 234,5"], ColumnFormat("number", ",", " ")),
        (["1'250.5", "301'000", "17"], ColumnFormat("number", ".", "'")),
        (["−5", "1e-3", "+7.25"], ColumnFormat("number")),
        (["1,5", "2,75", "3"], ColumnFormat("number", ",")),
        (["1.2.3", "1.10.0", "2.0.1"], ColumnFormat("category")),
        (["612 345 678", "698 123 456"], ColumnFormat("category")),
        (["192.168.100.123", "192.168.100.124"], ColumnFormat("category")),
        (["+491711234567", "+491729876543"], ColumnFormat("category")),
        (["555-123-4567", "555-987-6543"], ColumnFormat("category")),
        (["01067", "99998"], ColumnFormat("category")),
        (["1_000", "2_000"], ColumnFormat("category")),
        (["1,23,456", "12,34,567"], ColumnFormat("category")),
        (["True", "FALSE"], ColumnFormat("boolean")),
        (["2024-01-31", "2024-02-01 13:00"], ColumnFormat("date", form="ISO8601")),
        (["31.12.24", "1.2.25"], ColumnFormat("date", form="%d.%m.%y")),
        (["3 Jan 2024", "14 Feb 2025"], ColumnFormat("date", form="%d %b %Y")),
        (["January 3, 2024", "May 14, 2025 3:05 pm"], ColumnFormat("date", form="%B %d, %Y")),
        (["12/31/2024 11:59:59 PM", "1/1/2025"], ColumnFormat("date", form="%m/%d/%Y")),
        (["13:30", "07:05:10"], ColumnFormat("date", form="%H:%M")),
        (["20240131", "20240201"], ColumnFormat("date", form="%Y%m%d")),
        (["31/12/2024"] * 30 + ["soon"], ColumnFormat("date", form="%d/%m/%Y")),
    ],
)
def test_what_cells_are(tmp_path, cells, form):
    text = "x;y\n" + "".join(f"{cell};a\n" for cell in cells)
    found = infer(table(tmp_path, text, separator=";")["x"], separator=";")
    if form.type == "category":
        form = replace(form, missing=Rules().missing_categories)
    assert found == form


@pytest.mark.parametrize(
    ("cells", "key"),
    [
        (["01/02/2024", "03/04/2024"], "data.date_format"),
        (["1.234", "17", "5.250"], "data.decimal"),
        (["301.000", "302.000"], "data.decimal"),
        (["1.84", "1,76"], "data.decimal"),
    ],
)
def test_what_can_be_read_in_two_ways_is_asked(tmp_path, cells, key):
    text = "x;y\n" + "".join(f"{cell};a\n" for cell in cells)
    with pytest.raises(UserError) as caught:
        infer(table(tmp_path, text, separator=";")["x"], separator=";")
    assert (caught.value.key, caught.value.code) == (key, Code.DATA)


def test_the_rule_for_unreadable_cells(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("x,y\n" + "".join(f"{'?!' if i == 5 else i * i},{i % 2}\n" for i in range(40)))
    few, missing = (csv(str(file), "y", unreadable=rule) for rule in ("few", "missing"))
    assert few.x[5].isnan().all()
    assert missing.x[5].isnan().all()
    assert "'?!' in row 6" in " ".join(few.data_summary)
    with Refusal(Code.DATA, match=r"'x': 1 of 40 cells.*'\?!' in row 6"):
        csv(str(file), "y", unreadable="refuse")
    with pytest.raises(UserError) as caught:
        csv(str(file), "y", unreadable="guess")
    assert caught.value.key == "data.unreadable"


def test_words_of_no_value_are_classes_of_a_text_target(tmp_path):
    file = tmp_path / "t.csv"
    levels = ["none", "NA", "null", "severe"]
    file.write_text("x,y\n" + "".join(f"{i * i},{levels[i % 4]}\n" for i in range(40)))
    samples = csv(str(file), "y")
    assert samples.class_names == ["NA", "none", "null", "severe"]
    assert "data.missing=" in " ".join(samples.data_summary)
    with Refusal(Code.DATA, match="missing in 10 of 40 rows"):
        csv(str(file), "y", missing=["NA"])


def test_classes_keep_their_spelling(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text(
        "x,y,z\n" + "".join(f"{i * i},{1 + i % 3}.0,{'Nn'[i % 2]}o\n" for i in range(60))
    )
    assert csv(str(file), "y").class_names == ["1.0", "2.0", "3.0"]
    assert csv(str(file), "z").class_names == ["No", "no"]


def test_yes_and_no_in_any_words(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text(
        "x,f,y\n" + "".join(f"{i * i},{['yes', 'no'][i % 2]},{i % 3}\n" for i in range(60))
    )
    samples = csv(str(file), "y")
    from quintet.data.sources.reader import read_new

    for cells in (["True", "False"], ["1", "0"], ["ja", "nein"], [True, False]):
        frame = pd.DataFrame({"x": [1, 2], "f": cells})
        new = tmp_path / ("n.parquet" if cells[0] is True else "n.csv")
        if new.suffix == ".parquet":
            pytest.importorskip("pyarrow")
            frame.to_parquet(new)
        else:
            frame.to_csv(new, index=False)
        assert read_new(new, samples.reader).x[:, 1].tolist() == [1, 0]
    pd.DataFrame({"x": [1, 2], "f": ["maybe", "no"]}).to_csv(tmp_path / "n.csv", index=False)
    with Refusal(Code.DATA, match="'f': 1 of 2 cells are not yes or no: 'maybe' in row 1"):
        read_new(tmp_path / "n.csv", samples.reader)


def test_a_run_of_an_earlier_version_reads_as_it_did(tmp_path):
    from quintet.data.sources.reader import read_new

    (tmp_path / "n.csv").write_text('a;b;f;d;c\n"1.250,5";"1,5";ja;2024-01-31;u\n')
    specs = [
        {"name": "a", "type": "number", "style": "1,5", "offset": 0.5},
        {"name": "b", "type": "number", "style": "1,5", "offset": 0.0},
        {"name": "f", "type": "boolean", "true": "ja"},
        {"name": "d", "type": "date", "format": "ISO8601"},
        {"name": "c", "type": "category", "categories": ["t", "u"]},
    ]
    reader = {"kind": "table", "columns": specs, "separator": None, "encoding": "utf-8-sig"}
    assert read_new(tmp_path / "n.csv", reader).x.tolist() == [[1250, 1.5, 1, 19753, 1, 2, 2]]


def test_dates_become_a_trend_and_the_parts_of_a_calendar(tmp_path):
    file = tmp_path / "t.csv"
    when = pd.date_range("2024-01-01 05:00", periods=60, freq="7h")
    pd.DataFrame({"d": when, "y": np.arange(60) / 7}).to_csv(file, index=False)
    samples = csv(str(file), "y")
    assert samples.x[:, 1].tolist() == when.month.tolist()
    assert samples.x[:, 2].tolist() == when.day_of_week.tolist()
    assert samples.x[:, 3].tolist() == when.hour.tolist()
    np.testing.assert_allclose(np.diff(samples.x[:, 0]), 7 / 24, atol=1e-5)


def large(folder: Path, numbers: list[str], target: str = "y") -> tuple[str, str]:
    file = folder / "t.csv"
    rows = "".join(f"{number},{i % 2}\n" for i, number in enumerate(numbers))
    file.write_text("x,y\n" + rows)
    return str(file), target


def test_integers_that_floats_cannot_tell_apart_are_labels(tmp_path):
    codes = [str(10**17 + i % 5) for i in range(60)]
    samples = csv(*large(tmp_path, codes))
    assert samples.cardinalities == [6]
    assert csv(*large(tmp_path, codes, "x")).class_names == sorted(set(codes))
    many = [str(17 * 10**17 + i) for i in range(60)]
    with Refusal(Code.DATA, match=r"60 different values.*subtract a constant"):
        csv(*large(tmp_path, many, "x"))
    with Refusal(Code.DATA, match="floating point cannot distinguish them"):
        csv(*large(tmp_path, many))
    spaced = [str(17 * 10**17 + i * 10**9) for i in range(60)]
    assert csv(*large(tmp_path, spaced, "x")).task == "regression"


def test_large_integers_keep_their_digits_beside_empty_cells(tmp_path):
    cells = ["", *(str(2**60 + i) for i in range(5))] * 3
    found = table(tmp_path, "x,y\n" + "".join(f"{cell},a\n" for cell in cells))
    assert words(found, "x") == cells


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["yes", "no", "True", "False"], "boolean"),
        (["yes", "no", "1", "0"], "boolean"),
        (["WAHR", "FALSCH"], "boolean"),
        (["да", "нет"], "boolean"),
        (["yes", "no", "maybe"], "category"),
        (["t", "f", "n"], "category"),
        (["true", "no"], "category"),
        (["13", "-", "#DIV/0!", "\\N", "7", "n.a."], "number"),
        (["red", "-", "blue"], "category"),
        (["2024-03-30 12:00:00+01:00", "2024-03-31T12:00:00+02:00"], "date"),
        (["20240131T235900", "20240201T000000"], "date"),
        (["Sun Jan 28 13:30:00 2024", "Mon Jan 29 00:00:00 2024"], "date"),
        (["202401311330", "202402010000"], "date"),
        (["20240131133000", "20240201000000"], "date"),
        ([*["20240131", "20240201", "20240430"] * 5, "0"], "date"),
        (["1.2.3", "1.2.4"], "category"),
    ],
)
def test_what_more_cells_are(tmp_path, cells, kind):
    text = "x,y\n" + "".join(f"{cell},a\n" for cell in cells)
    assert infer(table(tmp_path, text)["x"]).type == kind


def test_moments_with_a_zone_are_read_in_utc(tmp_path):
    cells = ["2024-03-30 12:00:00+01:00", "2024-03-31T12:00:00+02:00"]
    found = table(tmp_path, "x,y\n" + "".join(f"{cell},a\n" for cell in cells))["x"]
    hours = infer(found).parse(found).values.astype("datetime64[h]")
    assert hours.tolist() == pd.to_datetime(["2024-03-30 11:00", "2024-03-31 10:00"]).tolist()


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("SEP=;\nx;y;z\n" + ROWS.replace(",", ";"), {}),
        ("\ufeff\ufeffx,y,z\n" + ROWS, {}),
        (("x,y,z\n" + ROWS).encode("utf-16-be"), {}),
        ("Report,,\n,,\nx,y,z\n" + ROWS, {}),
        ("x§y§z\n" + ROWS.replace(",", "§"), {"separator": "§"}),
    ],
)
def test_the_same_table_in_more_clothes(tmp_path, text, layout):
    found = table(tmp_path, text, **layout)
    assert list(found.columns) == ["x", "y", "z"]
    assert words(found, "x") == [str(i) for i in range(9)]


def test_a_name_of_two_lines(tmp_path):
    assert list(table(tmp_path, '"x\nm",y,z\n' + ROWS).columns) == ["x\nm", "y", "z"]


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("<html><body>Log in</body></html>\n", Refusal(Code.DAMAGED, match="HTML")),
        ('[{"x": 1, "y": 2},\n {"x": 2, "y": 3}]\n', Refusal(Code.DAMAGED, match="JSON")),
        ('{"x": [1, 2]}', Refusal(Code.DAMAGED, match="JSON")),
    ],
)
def test_a_file_that_is_not_a_table_says_what_it_is(tmp_path, text, refusal):
    with refusal as caught:
        table(tmp_path, text)
    assert caught.value.code is Code.DAMAGED


def test_a_header_of_numbers_is_reported(tmp_path):
    assert "add one" in " ".join(table(tmp_path, "1.5,2,a\n" + ROWS).remarks)
    assert not table(tmp_path, "x,y,z\n" + ROWS).remarks


def test_a_date_format_that_reads_no_cell_is_refused(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("d,x,y\n" + "".join(f"01/0{i % 9 + 1}/2024,{i},{i % 2}\n" for i in range(40)))
    with Refusal(Code.DATA, match=r"'d': 40 of 40 cells are not dates \(%Y/%m/%d\)"):
        csv(str(file), "y", date_format={"d": "%Y/%m/%d"})


def test_wrong_metadata_of_a_parquet_file_is_refused(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pa.table({"a": [1.0, 2.0], "y": ["b", "c"]})
    told = {"index_columns": ["nowhere"], "columns": [], "column_indexes": []}
    table = table.replace_schema_metadata({b"pandas": json.dumps(told).encode()})
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(UserError) as error:
        read_table(tmp_path / "a.parquet")
    assert error.value.code is Code.DAMAGED
