from pathlib import Path

import numpy as np
import pytest
import torch

from quintet.base.errors import Code, UserError
from quintet.data.arrays import arrays
from quintet.data.bundled import diabetes, digits, digits_multilabel
from quintet.data.split import split

PIXELS = digits().x[:, 0].numpy()
DIGIT = digits().y.numpy()


def saved(folder: Path, **stored) -> str:
    np.savez(folder / "a.npz", **stored)
    return str(folder / "a.npz")


@pytest.mark.parametrize(
    ("x", "kind", "shape"),
    [
        (PIXELS.reshape(-1, 64), "table", (64,)),
        (PIXELS, "sequence", (8, 8)),
        (PIXELS.astype(np.uint8), "image", (1, 8, 8)),
        (PIXELS[:, None], "image", (1, 8, 8)),
        (np.repeat(PIXELS[..., None], 3, axis=-1), "image", (3, 8, 8)),
    ],
)
def test_the_shape_tells_the_kind(tmp_path: Path, x, kind: str, shape: tuple[int, ...]) -> None:
    samples = arrays(saved(tmp_path, x=x, y=DIGIT))
    assert (samples.kind, samples.task) == (kind, "multiclass")
    assert tuple(samples.x.shape[1:]) == shape


def test_bytes_of_images_become_fractions(tmp_path: Path) -> None:
    samples = arrays(saved(tmp_path, x=PIXELS.astype(np.uint8), y=DIGIT))
    assert float(samples.x.max()) == pytest.approx(16 / 255)


def test_targets_tell_the_task(tmp_path: Path) -> None:
    x = PIXELS.reshape(-1, 64)
    assert arrays(saved(tmp_path, x=x, y=DIGIT == 8)).task == "binary"
    assert arrays(saved(tmp_path, x=x, y=digits_multilabel().y.numpy())).task == "multilabel"
    assert arrays(saved(tmp_path, x=x, y=np.array(list("abc"))[DIGIT % 3])).class_names == [
        "a", "b", "c",
    ]  # fmt: skip
    sick = diabetes()
    assert arrays(saved(tmp_path, x=sick.x.numpy(), y=sick.y.numpy())).task == "regression"


def test_tokens_on_request(tmp_path: Path) -> None:
    samples = arrays(saved(tmp_path, x=PIXELS.reshape(-1, 64).astype(int), y=DIGIT), kind="tokens")
    assert (samples.x.dtype, samples.vocabulary) == (torch.int64, 17)


def test_parts_in_the_file_are_kept(tmp_path: Path) -> None:
    path = saved(
        tmp_path, x_train=PIXELS[:1500], y_train=DIGIT[:1500], x_test=PIXELS[1500:],
        y_test=DIGIT[1500:],
    )  # fmt: skip
    train, valid, tested = split(arrays(path, kind="image"), 0.1, 0.2, seed=0)
    assert tested.tolist() == list(range(1500, 1797))
    assert (len(train), len(valid)) == (1320, 180)


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"x": PIXELS, "z": DIGIT}, r"no array 'y'"),
        ({"x": PIXELS[:5], "y": DIGIT}, "5 inputs but 1797 targets"),
        ({"x": np.where(PIXELS > 15, np.nan, PIXELS), "y": DIGIT}, "NaN or infinite"),
        ({"x": np.full((1797, 3), np.nan), "y": DIGIT}, "NaN value"),
        ({"x": np.full((1797, 3), np.inf), "y": DIGIT}, "infinite"),
        ({"x": PIXELS, "y": np.where(DIGIT > 8, np.nan, DIGIT)}, "missing in 180"),
        ({"x": PIXELS, "y": DIGIT * 0}, "one class only"),
        ({"x": PIXELS.reshape(-1), "y": DIGIT}, "cannot be used"),
        ({"x": np.array(["a"] * 9).reshape(3, 3), "y": DIGIT[:3]}, "not numbers"),
    ],
)
def test_bad_arrays_are_refused(tmp_path: Path, stored, message: str) -> None:
    with pytest.raises(UserError, match=message):
        arrays(saved(tmp_path, **stored))


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    path = saved(tmp_path, x=PIXELS, y=np.array([{"a": 1}] * 1797, dtype=object))
    with pytest.raises(UserError, match=r"could run code") as caught:
        arrays(path)
    assert caught.value.code is Code.DAMAGED


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    path = Path(saved(tmp_path, x=PIXELS, y=DIGIT))
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(UserError, match=r"not a readable npz") as caught:
        arrays(str(path))
    assert caught.value.code is Code.DAMAGED
