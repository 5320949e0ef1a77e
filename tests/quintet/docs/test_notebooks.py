"""The notebooks, executed on small real sweeps, and where there are none yet."""

import ast
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb"))
READING = [path for path in NOTEBOOKS if path.stem != "own_module_and_data"]
"""Notebooks that read a sweep or a run; the other one makes all it shows, and is a slow test."""


def parameters(book):
    (cell,) = [c for c in book.cells if "parameters" in c.metadata.get("tags", [])]
    return cell


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs_and_says_first_what_to_change(path):
    book = nbformat.read(path, 4)
    nbformat.validate(book)
    code = [c for c in book.cells if c.cell_type == "code"]
    assert all(not c.outputs and c.execution_count is None for c in code)
    assert code[0] is parameters(book)
    assert {type(line) for line in ast.parse(code[0].source).body} == {ast.Assign}


@pytest.mark.slow
@pytest.mark.parametrize("path", READING, ids=lambda path: path.stem)
def test_a_notebook_runs_on_real_sweeps(path, sweeps, tmp_path, monkeypatch):
    given = {
        "SWEEP": sweeps["grid"],
        "RUN": sweeps["grid"] / "best",
        "A": sweeps["a"],
        "B": sweeps["b"],
        "FOLDER": tmp_path / "own",
    }
    book = executed(path, given, monkeypatch)
    last = [c for c in book.cells if c.cell_type == "code"][-1]
    assert last.outputs
    if path.stem == "analyse_a_sweep":  # its curves, of a sweep that prunes nothing
        assert len(last.outputs[0].data["application/vnd.plotly.v1+json"]["data"]) == 4


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_makes_what_it_shows_where_there_is_nothing_yet(path, tmp_path, monkeypatch):
    given = {name: tmp_path / name for name in ("SWEEP", "RUN", "A", "B", "FOLDER")}
    book = executed(path, given, monkeypatch)
    said = "".join(o.get("text", "") for c in book.cells for o in c.get("outputs", []))
    asked = [name for name in given if f"{name} = " in parameters(book).source]
    assert all((tmp_path / name).is_dir() for name in asked)
    assert asked == ["FOLDER"] or said.count("is missing") == len(asked)


def executed(path, given, monkeypatch):
    book = nbformat.read(path, 4)
    cell = parameters(book)
    asked = [line.targets[0].id for line in ast.parse(cell.source).body]
    cell.source = "\n".join(f"{name} = {str(given[name])!r}" for name in asked)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
    NotebookClient(book, timeout=240, resources={"metadata": {"path": path.parent}}).execute()
    return book
