"""CSV files are text to a spreadsheet, and are read back unchanged."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.artifacts import csv_cells, untrusted_files
from quintet.study import leaderboard
from quintet.study.space import Choice, Space
from quintet.study.study import Study

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1+1"]
BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "＝", " =")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(FORMULAS)


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert not str(csv_cells.guarded(text)).startswith(BEGINNINGS)
    assert csv_cells.restored(csv_cells.guarded(text)) == text


@pytest.mark.parametrize("number", [-0.5, -3, 1e-9, "-0.5", "+3", "-1e-05", ".5"])
def test_a_number_stays_a_number(number: object) -> None:
    assert csv_cells.guarded(number) == number


@given(st.lists(TEXTS, min_size=1, max_size=4, unique=True), st.data())
def test_what_is_written_is_read_back(titles: list[str], data: st.DataObject) -> None:
    import tempfile

    row = {title: data.draw(TEXTS) for title in titles}
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "table.csv")
        path.write_text(csv_cells.table(titles, [row]), encoding="utf-8", newline="")
        found = untrusted_files.read_table(path.parent, path.name)
    assert found == ([row] if any((*titles, *row.values())) else found)


def test_names_of_classes_in_predictions_are_not_formulas() -> None:
    frame = pd.DataFrame({"sample": ["=a"], "p(=b)": [-0.1], "=c": [-1]})
    frame["none"] = float("nan")
    frame["p(=b)"] = frame["p(=b)"].astype("float32")
    assert csv_cells.of_frame(frame) == "sample,p(=b),'=c,none\n'=a,-0.1,-1,\n"


def test_a_leaderboard_has_no_formula(tmp_path: Path) -> None:
    study, key = Study(tmp_path, "max"), "model.name"
    study.create({key: "=1+1"}, Space((Choice(key, ("=1+1",)),)), {"steered": "@x"})
    leaderboard.save(study)
    text = (tmp_path / leaderboard.FILE).read_text()
    assert ",'=1+1" in text
    assert ",'@x" in text
    assert untrusted_files.read_table(tmp_path, leaderboard.FILE)[0][key] == "=1+1"
