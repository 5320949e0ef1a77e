"""Columns that could silently be misread: read correctly, reported, or refused with a remedy."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quintet.base.errors import Code
from quintet.data.parsing.column_cells import of_text
from quintet.data.parsing.inference import infer
from quintet.data.parsing.near_misses import near_miss
from quintet.data.parsing.rules import Rules
from quintet.data.samples import Samples
from quintet.data.sources.reader import read_new
from quintet.data.sources.tables import csv
from refusals import Refusal

ROWS = 60


def table(
    folder: Path, cells: list[str], header: str = "v", sep: str = ",", **options: object
) -> Samples:
    """Read a table of a column of cells, a counter and a class."""
    file = folder / "t.csv"
    rows = [f"{cell}{sep}{i % 7}{sep}{'ab'[i % 2]}\n" for i, cell in enumerate(cells)]
    file.write_text(f"{header}{sep}k{sep}y\n" + "".join(rows), encoding="utf-8")
    return csv(str(file), "y", **options)


def told(samples: Samples) -> str:
    return " ".join(samples.data_summary)


def test_a_number_that_means_no_value_is_reported_and_taken_so_in_any_file(tmp_path: Path) -> None:
    numbers = [-999 if i % 5 == 0 else i for i in range(ROWS)]
    assert "'-999' in 20.0% of its cells" in told(table(tmp_path, [str(n) for n in numbers]))
    written = {
        "t.csv": [f"{n}.00" for n in numbers],
        "t.parquet": numbers,
        "f.parquet": [float(n) for n in numbers],
    }
    for name, cells in written.items():
        frame = pd.DataFrame({"v": cells, "y": ["ab"[i % 2] for i in range(ROWS)]})
        file = tmp_path / name
        frame.to_csv(file, index=False) if name == "t.csv" else frame.to_parquet(file)
        samples = csv(str(file), "y", missing=[-999])
        assert samples.x[:, 0].isnan().tolist() == [n == -999 for n in numbers]
        new = read_new(file, samples.reader)
        np.testing.assert_array_equal(new.x.numpy(), samples.x.numpy())


@pytest.mark.parametrize("cells", [[str(i - 30) for i in range(ROWS)], ["-1", "1"] * 30])
def test_usual_numbers_are_not_taken_for_none(tmp_path: Path, cells: list[str]) -> None:
    assert "no value" not in told(table(tmp_path, cells))


def test_a_date_far_from_all_others_is_reported(tmp_path: Path) -> None:
    cells = ["9999-12-31" if i % 9 == 0 else f"2024-01-{i % 28 + 1:02d}" for i in range(ROWS)]
    assert "'9999-12-31' in 11.7% of its cells" in told(table(tmp_path, cells))
    samples = table(tmp_path, cells, missing=["9999-12-31"])
    assert int(samples.x[:, 0].isnan().sum()) == 7


def test_years_of_two_digits_are_reported(tmp_path: Path) -> None:
    samples = table(tmp_path, [f"{i % 28 + 1:02d}.03.{(40 + i) % 100:02d}" for i in range(ROWS)])
    assert "'01.03.68' is 2068-03-01" in told(samples)


def test_integers_of_many_digits_stay_apart_beside_a_point(tmp_path: Path) -> None:
    samples = table(tmp_path, [f"{2**60 + i % 3}.0" for i in range(ROWS)])
    assert len(samples.reader["columns"][1]["categories"]) == 3


def test_numbers_that_may_be_versions_are_reported(tmp_path: Path) -> None:
    samples = table(tmp_path, [f"1.{i % 12 + 1}" for i in range(ROWS)], "app")
    assert "'1.1' and '1.10' are read as one number" in told(samples)
    labels = table(tmp_path, [f"1.{i % 12 + 1}" for i in range(ROWS)], "app", categories=["app"])
    assert "1.10" in labels.reader["columns"][1]["categories"]
    assert "one number" not in told(table(tmp_path, [f"{i % 9}.50" for i in range(ROWS)]))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["yes", "no", "maybe", "yes "], "yes or no, but not 'maybe'"),
        (["yes", "No", "TRUE", "ja"], "in several ways ('yes', 'No')"),
        (["T", "F", "N"], ""),
        (["5,96,649", "4,91,343", "12,34,567"], "groups of two digits"),
        (["30:12:01", "1:00:00", "112:59:59"], "durations"),
        (["Red", "red", "blue"], "'Red' and 'red' are two values"),
        (["caf\u00e9", "cafe\u0301", "tea"], "are two values"),
        (["new york", "new\u00a0york", "x"], "are two values"),
        (["11-Okt-2023", "12-Feb-2024", "13-Mai-2023"], "such as 'Okt'"),
    ],
)
def test_what_is_said_of_categories(words: list[str], said: str) -> None:
    found = near_miss(of_text("x", list(range(len(words))), words), Rules().missing_categories)
    assert said in found
    assert bool(said) == bool(found)


@pytest.mark.parametrize(
    ("word", "moment"),
    [
        ("2nd March 2024", "2024-03-02"),
        ("21 Sept 2023", "2023-09-21"),
        ("2024:03:02 10:30:00", "2024-03-02T10:30"),
        ("2024_03_02", "2024-03-02"),
        ("02/Mar/2024:10:30:00 +0200", "2024-03-02T08:30"),
    ],
)
def test_more_forms_of_dates(word: str, moment: str) -> None:
    cells = of_text("x", [0, 0], [word])
    form = infer(cells)
    assert form.type == "date"
    assert form.parse(cells).values[0] == np.datetime64(moment)


@pytest.mark.parametrize(("yes", "no"), [("ja", "nee"), ("Tak", "nie"), ("evet", "hayır")])
def test_yes_and_no_of_more_languages(tmp_path: Path, yes: str, no: str) -> None:
    samples = table(tmp_path, [yes if i % 3 else no for i in range(ROWS)])
    assert samples.x[:3, 0].tolist() == [0, 1, 1]


def test_two_numbers_are_two_classes_and_the_rare_one_is_positive(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("x,y\n" + "".join(f"{i * i},{1 if i % 10 == 0 else 2}\n" for i in range(ROWS)))
    samples = csv(str(file), "y")
    assert (samples.task, samples.class_names) == ("binary", ["2", "1"])


def test_a_target_whose_mark_may_be_one_for_thousands_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("x;y\n" + "".join(f"{i};{i + 1},{i + 100}\n" for i in range(ROWS)))
    assert "'1,100' is read as 1.100" in told(csv(str(file), "y"))


def test_a_column_without_values_is_reported_at_prediction(tmp_path: Path) -> None:
    samples = table(tmp_path, [f"{i}.5" for i in range(ROWS)])
    file = tmp_path / "new.csv"
    file.write_text("v,k\n,1\n,2\n")
    assert "'v' has no value in any row." in read_new(file, samples.reader).remarks


def test_cells_without_a_name_are_not_names_of_rows(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a,y\n" + "".join(f"{i % 5},{i % 10},{'ab'[i % 2]}\n" for i in range(ROWS)))
    with Refusal(Code.DAMAGED, match=r"2 columns, but the rows have 3 cells.*decimal commas"):
        csv(str(file), "y")


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("Report\nby: me, 2024\n\na,c,y\n", Refusal(Code.UNKNOWN_NAME, "data.target", "y")),
        ("a^c^y\n", Refusal(Code.UNKNOWN_NAME, "data.target", "y")),
    ],
)
def test_a_header_that_is_missed_says_how_to_find_it(
    tmp_path: Path, text: str, refusal: Refusal
) -> None:
    file = tmp_path / "t.csv"
    mark = "^" if "^" in text else ","
    rows = "".join(f"{i}{mark}r{mark}{'ab'[i % 2]}\n" for i in range(ROWS))
    file.write_text(text + rows)
    with refusal:
        csv(str(file), "y")


@pytest.mark.parametrize(
    ("begin", "refusal"),
    [
        (b"PK\x03\x04", Refusal(Code.DAMAGED, match="Excel")),
        (b"\x1f\x8b\x08", Refusal(Code.DAMAGED, match="gzip")),
        (b"%PDF-1.7", Refusal(Code.DAMAGED, match="PDF")),
        (b"PAR1", Refusal(Code.DAMAGED, match="Parq")),
    ],
)
def test_files_that_are_not_text_are_named(tmp_path: Path, begin: bytes, refusal: Refusal) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(begin + bytes(range(1, 100)))
    with refusal:
        csv(str(file), "y")
