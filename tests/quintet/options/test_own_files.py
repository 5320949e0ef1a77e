"""Every preset trains on a user's file of its kind."""

import csv
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from image_files import Image
from options import own
from running import SHORT, ran
from usual import every

NOT_HERE = {"automl", "multitask"}
"""A sweep, which sweep/test_automl.py runs; and what needs a LightningDataModule that states its
targets, as modules/test_shipped_modules.py has it."""
WORDS = (
    *("the", "a", "red", "green", "old", "small", "boat", "house"),
    *("river", "stone", "sings", "falls", "runs"),
)


def rows(path: Path, columns: list[str], made: Callable[[int], list[object]], count: int) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *map(made, range(count))])
    return path


def table(folder: Path, target: str, values: list[object]) -> list[str]:
    def row(i: int) -> list[object]:
        return [i % 7, i % 3, "abc"[i % 3], values[i % len(values)]]

    path = rows(folder / "own.csv", ["width", "height", "place", target], row, 120)
    return ["data=csv", f"data.path={path}", f"data.target={target}"]


def labels(folder: Path) -> list[str]:
    columns = ["width", "height", "wet", "warm"]
    path = rows(folder / "own.csv", columns, lambda i: [i % 7, i % 5, i % 2, i // 2 % 2], 120)
    return ["data=csv", f"data.path={path}", "data.target=[wet,warm]"]


def series(folder: Path) -> list[str]:
    path = rows(folder / "own.csv", ["day", "sales"], lambda i: [i, 10 + i % 7 + i % 2], 150)
    return ["data=series", f"data.path={path}", "data.target=sales"]


def sentence(i: int) -> str:
    return " ".join(random.Random(i).choices(WORDS, k=6))


def texts(folder: Path) -> list[str]:
    def row(i: int) -> list[object]:
        return [sentence(i), "water" if "river" in sentence(i) else "land"]

    path = rows(folder / "own.csv", ["review", "about"], row, 120)
    return ["data=labelled_texts", f"data.path={path}", "data.target=about"]


def corpus(folder: Path) -> list[str]:
    for i in range(30):
        (folder / f"{i}.txt").write_text("\n".join(sentence(100 * i + k) for k in range(20)))
    return ["data=corpus", f"data.path={folder}/*.txt", "data.length=32", f"data.cache={folder}/c"]


def photo(i: int) -> np.ndarray:
    pixels = np.random.default_rng(i).integers(0, 80, (16, 16), dtype=np.uint8)
    pixels[4 * (i % 2) : 4 * (i % 2) + 8, 4:12] += 150
    return pixels


def photos(folder: Path) -> list[str]:
    for i in range(60):
        place = folder / "photos" / ("high", "low")[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(i)).save(place / f"{i}.png")
    return ["data=images", f"data.path={folder / 'photos'}"]


def masks(folder: Path) -> list[str]:
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for i in range(30):
        Image.fromarray(photo(i)).save(folder / "images" / f"{i}.png")
        Image.fromarray((photo(i) > 100).astype(np.uint8)).save(folder / "masks" / f"{i}.png")
    return ["data=masks", f"data.path={folder}"]


FILES: dict[str, Callable[[Path], list[str]]] = {
    "classification": lambda folder: table(folder, "kind", ["oak", "elm", "fir"]),
    "regression": lambda folder: table(folder, "size", [1.5, 2.5, 4.0]),
    "imbalanced": lambda folder: table(folder, "rare", ["no", "no", "no", "no", "yes"]),
    "table": lambda folder: table(folder, "kind", ["oak", "elm"]),
    "multilabel": labels,
    "forecasting": series,
    "text": texts,
    "language_model": corpus,
    "image": photos,
    "contrastive": photos,
    "autoencoder": photos,
    "gan": photos,
    "segmentation": masks,
}


@pytest.mark.parametrize("preset", every(3, sorted(set(own("experiment")) - NOT_HERE)))
def test_a_preset_trains_on_a_file_of_the_users_own(preset: str, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    words = FILES[preset](tmp_path / "own")
    record = ran(tmp_path / "run", f"experiment={preset}", *words, *SHORT)
    assert record.status == "completed"
    assert record.metric.value is not None
    assert record.test[record.metric.name] is not None
