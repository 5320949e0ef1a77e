import numpy as np
import pytest
import torch

from quintet.data.module import DataModule
from quintet.data.readable import pictures, readable
from quintet.data.sources import bundled, series, text
from quintet.data.sources.tables import csv


def loaded(source, **options):
    data = DataModule(source, **options)
    data.load()
    return data


@pytest.mark.parametrize("scale", ["standard", "minmax", "robust", "quantile"])
@pytest.mark.parametrize("source", [bundled.digits, bundled.diabetes, series.sunspots])
def test_inputs_come_back_in_their_own_units(source, scale):
    data, samples = loaded(source, scale=scale), source()
    found, known = data.inputs("val", torch.arange(5)).flatten(1), samples.x.flatten(1)
    assert torch.cdist(found, known).min(dim=1).values.max() < 1e-3 * known.abs().max()


def test_a_grey_image_is_black_to_white():
    picture = loaded(bundled.digits).shown("val", torch.arange(3))["image"]
    assert picture.shape == (3, 8, 8)
    assert (picture.min(), picture.max()) == (0, 255)


def test_images_of_unknown_range_are_stretched_and_large_ones_thinned():
    x = torch.linspace(-3, 5, 3 * 200 * 300).reshape(1, 3, 200, 300)
    picture = pictures(x, white=0)
    assert picture.shape == (1, 67, 100, 3)
    assert (picture.min(), picture.max()) == (0, 255)


def test_cells_of_a_table_read_as_in_the_file(tmp_path):
    lines = ["size,colour,day,paid,target"]
    for i in range(60):
        paid = "yes" if i % 3 else "no"
        lines.append(f"{i / 4},{'red' if i % 2 else 'blue'},2024-05-{1 + i % 28:02},{paid},{i}")
    (tmp_path / "a.csv").write_text("\n".join(lines))
    data = loaded(lambda: csv(str(tmp_path / "a.csv"), "target"))
    shown = data.shown("val", torch.tensor([0]))
    row = dict(zip(shown["columns"].tolist(), shown["cells"][0].tolist(), strict=True))
    number = round(float(data.splits["val"][1][0]))
    assert float(row["size"]) == pytest.approx(number / 4, abs=0.01)
    assert row["colour"] == ("red" if number % 2 else "blue")
    assert row["day"] == f"2024-05-{1 + number % 28:02}"
    assert row["paid"] == ("yes" if number % 3 else "no")


def test_texts_are_words():
    shown = loaded(text.unicode_names).shown("val", torch.arange(50))["text"]
    names = {" ".join(text.words(name)) for name in text._names()[0]}
    whole = [name for name in shown if "?" not in name and len(name.split()) < 12]
    assert len(whole) > 30
    assert set(whole) <= names


def test_columns_without_names_are_numbered():
    shown = readable(torch.tensor([[1.0, float("nan")]]), "table", {})
    assert shown["columns"].tolist() == ["feature 0", "feature 1"]
    assert np.array_equal(shown["cells"], [["1", ""]])
