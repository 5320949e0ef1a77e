"""Data from files of the user's take part in a real run, and what is refused would have failed."""

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quintet.testing import SHORT, ran
from quintet.testing.run_contract import complete


def write_csv(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def test_a_csv_file_runs(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_csv(path, ["size", "colour", "price"], [[i, "rgb"[i % 3], 2 * i] for i in range(40)])
    choices = ["metric=rmse", "loss=mse"]
    complete(tmp_path, "data=csv", f"data.path={path}", "data.target=price", *choices)


def test_shards_run(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    (tmp_path / "shards").mkdir()
    for number in range(2):
        rows = [[i, i * number, 2 * i] for i in range(30)]
        write_csv(tmp_path / "shards" / f"{number}.csv", ["size", "age", "price"], rows)
    own = [f"data.path={tmp_path / 'shards'}", "data.target=price", f"data.cache={tmp_path / 'c'}"]
    complete(tmp_path, "data=stream", *own, "data.workers=0", "metric=rmse", "loss=mse")


def test_an_npz_file_runs(tmp_path: Path) -> None:
    path = tmp_path / "arrays.npz"
    np.savez(path, x=np.arange(120.0).reshape(40, 3), y=np.arange(40) % 2)
    complete(tmp_path, "data=arrays", f"data.path={path}")


def test_a_time_series_in_a_file_runs(tmp_path: Path) -> None:
    path = tmp_path / "series.csv"
    write_csv(path, ["year", "sales"], [[i, math.sin(i)] for i in range(60)])
    own = ["data.path=" + str(path), "data.target=sales"]
    complete(tmp_path, "data=series", *own, "model=gru")


def test_a_folder_of_images_runs(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    from sklearn.datasets import load_digits

    bunch = load_digits(n_class=2)
    for number, (pixels, digit) in enumerate(zip(bunch.images[:60], bunch.target, strict=False)):
        folder = tmp_path / "images" / str(digit)
        folder.mkdir(parents=True, exist_ok=True)
        pillow.fromarray((pixels * 15).astype("uint8")).save(folder / f"{number}.png")
    complete(tmp_path, "data=images", f"data.path={tmp_path / 'images'}", "model=cnn")


def test_a_misfit_would_not_have_worked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the check these also end in an error, but a later and less clear one."""
    monkeypatch.setattr("quintet.training.setup.check_choices", lambda cfg: None)
    for choices in (
        ["data=wine", "model=cnn"],
        ["data=digits_multilabel", "loss=cross_entropy"],
        ["data=diabetes", "metric=accuracy"],
    ):
        with pytest.raises(Exception):  # noqa: B017, PT011
            ran(tmp_path / choices[1], *SHORT, *choices)
