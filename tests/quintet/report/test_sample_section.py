"""What a module without targets predicts, on its run's page."""

from pathlib import Path

import numpy as np
import pytest

from quintet.artifacts import samples_file
from quintet.artifacts.untrusted_files import DamagedError


def written(folder: Path, **arrays: object) -> Path:
    np.savez(folder / samples_file.FILE, **arrays)
    return folder


def test_pictures_run_from_their_lowest_value_to_their_highest() -> None:
    pictures = np.array([[[[-1.0, 0.0], [1.0, np.nan]]]]).repeat(3, axis=1)
    found = samples_file.as_bytes(pictures)
    assert found.shape == (1, 2, 2, 3)
    assert found[0, :, :, 0].tolist() == [[0, 127], [255, 127]]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (np.array(["a", "b"]), True),
        (np.zeros((2, 8)), True),
        (np.zeros((2, 9)), False),
        (np.zeros((2, 28, 28)), True),
        (np.zeros((2, 5, 28, 28)), False),
        (np.zeros((2, 3, 300, 300)), False),
        (np.zeros((2, 0, 28)), False),
        (np.array([None]), False),
    ],
)
def test_what_fits_a_page_is_shown(values: np.ndarray, shown: bool) -> None:
    assert samples_file.fitting(values) == shown


def test_a_run_without_samples_has_none(tmp_path: Path) -> None:
    assert samples_file.read(tmp_path) == {}


@pytest.mark.parametrize(
    "arrays",
    [
        {"a": np.zeros(2), "b": np.zeros(3)},
        {"a": np.zeros((2, 100))},
        {"a": np.float64(1)},
        {"a": np.zeros(100)},
    ],
)
def test_what_no_run_has_written_is_refused(arrays: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DamagedError):
        samples_file.read(written(tmp_path, **arrays))
