"""Columns of free text in a table: hashed n-grams, alike in training and prediction."""

from pathlib import Path

import pytest
import torch

from quintet.base.errors import Code
from quintet.data.facts import check
from quintet.data.module import DataModule
from quintet.data.readable import columns
from quintet.data.samples import Samples
from quintet.data.sources.columns import width
from quintet.data.sources.hashed_text import FEATURES, hashed
from quintet.data.sources.reader import read_new
from quintet.data.sources.tables import csv
from refusals import Refusal

GOOD, BAD = ("lovely", "great", "wonderful", "tasty"), ("awful", "terrible", "stale", "rude")


def reviews(folder: Path, rows: int = 80) -> Path:
    """Write reviews whose words say the class; every tenth is missing."""
    file = folder / "t.csv"
    lines = []
    for i in range(rows):
        word = (GOOD if i % 2 else BAD)[i // 2 % 4]
        text = "" if i % 10 == 0 else f'"{word} food, number {i} in town"'
        lines.append(f"{i % 7},{text},{'rgb'[i % 3]},{'yes' if i % 2 else 'no'}\n")
    file.write_text("price,review,colour,y\n" + "".join(lines))
    return file


def read(file: Path, **options: object) -> Samples:
    samples = csv(str(file), "y", text=["review"], **options)
    check(samples)
    return samples


def test_a_column_of_texts_becomes_numbers_before_the_categories(tmp_path: Path) -> None:
    samples = read(reviews(tmp_path))
    assert samples.x.shape == (80, 1 + FEATURES + 1)
    assert samples.cardinalities == [4]
    specs = samples.reader["columns"]
    assert [spec["type"] for spec in specs] == ["number", "text", "category"]
    assert sum(map(width, specs)) == len(columns(specs)) == samples.x.shape[1]
    assert (samples.x[0, 1:-1] == 0).all()  # a missing text
    assert samples.x[1, 1:-1].norm() == pytest.approx(1)
    told = {column.name: column for column in samples.columns}["review"]
    assert (told.type, told.format, told.missing) == ("text", "256 hashed n-grams", 0.1)


def test_alike_words_are_near_each_other() -> None:
    one, same_stem, other = torch.from_numpy(hashed(["running", "runner", "stale"]))
    assert one @ same_stem > one @ other + 0.2


def test_new_texts_are_read_in_the_same_way_and_need_no_known_word(tmp_path: Path) -> None:
    file = reviews(tmp_path)
    samples = read(file)
    assert torch.equal(read_new(file, samples.reader).x, samples.x)
    new = tmp_path / "new.csv"
    new.write_text("colour,review,price\nr,unheard-of dish,3\ng,NA,4\nb,,5\n")
    found = read_new(new, samples.reader)
    assert found.x[0, 1:-1].any()
    assert not found.x[1:, 1:-1].any()
    assert found.remarks == []


def test_what_a_split_is_scaled_by_is_of_its_training_part(tmp_path: Path) -> None:
    samples = read(reviews(tmp_path))
    data = DataModule(lambda: samples, batch_size=16)
    data.load()
    x = data.splits["train"][0]
    assert x[:, 1:-1].mean(dim=0).abs().max() < 1e-4


def test_a_text_that_is_left_out_says_how_it_is_read(tmp_path: Path) -> None:
    left = {column.name: column.use for column in csv(str(reviews(tmp_path)), "y").columns}
    assert "data.text=[review]" in left["review"]
    with Refusal(Code.UNKNOWN_NAME, "data.text", "reveiw"):
        csv(str(reviews(tmp_path)), "y", text="reveiw")
