import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from quintet.base.errors import Code, UserError
from quintet.data.sources.arrays import arrays, new_array
from quintet.data.sources.bundled import diabetes, digits, digits_multilabel
from quintet.data.sources.reader import read_new
from quintet.data.splitting.split import split
from refusals import Refusal

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
    ("stored", "refusal"),
    [
        ({"x": PIXELS, "z": DIGIT}, Refusal(Code.UNKNOWN_NAME, "data.y", "y")),
        ({"x": PIXELS[:5], "y": DIGIT}, Refusal(Code.DATA, match="5 inputs but 1797 targets")),
        (
            {"x": np.where(PIXELS > 15, np.nan, PIXELS), "y": DIGIT},
            Refusal(Code.DATA, match="NaN or infinite"),
        ),
        ({"x": np.full((1797, 3), np.nan), "y": DIGIT}, Refusal(Code.DATA, match="NaN value")),
        ({"x": np.full((1797, 3), np.inf), "y": DIGIT}, Refusal(Code.DATA, match="infinite")),
        (
            {"x": PIXELS, "y": np.where(DIGIT > 8, np.nan, DIGIT)},
            Refusal(Code.DATA, match="180 of 1797 samples"),
        ),
        ({"x": PIXELS, "y": DIGIT * 0}, Refusal(Code.DATA, match="only one class")),
        ({"x": PIXELS.reshape(-1), "y": DIGIT}, Refusal(Code.DATA, match="cannot be used")),
        (
            {"x": np.array(["a"] * 9).reshape(3, 3), "y": DIGIT[:3]},
            Refusal(Code.DATA, match="not numbers"),
        ),
    ],
)
def test_bad_arrays_are_refused(tmp_path: Path, stored, refusal: Refusal) -> None:
    with refusal:
        arrays(saved(tmp_path, **stored))


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    path = saved(tmp_path, x=PIXELS, y=np.array([{"a": 1}] * 1797, dtype=object))
    with Refusal(Code.DAMAGED, match=r"could run code"):
        arrays(path)


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    path = Path(saved(tmp_path, x=PIXELS, y=DIGIT))
    path.write_bytes(path.read_bytes()[:5000])
    with Refusal(Code.DAMAGED, match=r"not a readable npz"):
        arrays(str(path))


def colour(*shape: int, dtype: type = np.uint8) -> dict:
    """Return ten images of random values, and their classes."""
    values = np.random.default_rng(0).integers(0, 200, (10, *shape))
    return {"x": values.astype(dtype), "y": np.arange(10) % 2}


@pytest.mark.parametrize(
    ("shape", "expected", "told"),
    [
        ((3, 8, 8), (3, 8, 8), False),
        ((8, 8, 3), (3, 8, 8), False),
        ((8, 9, 4), (4, 8, 9), False),
        ((1, 3, 5), (1, 3, 5), False),
        ((5, 8, 8), (5, 8, 8), True),
        ((8, 8, 5), (5, 8, 8), True),
        ((8, 8, 12), (12, 8, 8), True),
        ((12, 16, 20), (12, 16, 20), True),
        ((20, 16, 12), (12, 20, 16), True),
        ((3, 8, 3), (3, 8, 3), True),
        ((4, 4, 4), (4, 4, 4), True),
    ],
)
def test_the_axis_of_the_channels_is_found_and_told(
    tmp_path: Path, shape, expected, told: bool
) -> None:
    samples = arrays(saved(tmp_path, **colour(*shape)))
    assert tuple(samples.x.shape[1:]) == expected
    assert any("data.channels=" in sentence for sentence in samples.data_summary) == told
    new, _ = new_array(tmp_path / "a.npz", samples.reader)
    assert torch.equal(new, samples.x)


def test_the_axis_of_the_channels_can_be_set(tmp_path: Path) -> None:
    path = saved(tmp_path, **colour(3, 8, 3))
    assert torch.equal(arrays(path, channels="last").x, arrays(path).x.movedim(-1, 1))
    with pytest.raises(UserError) as caught:
        arrays(path, channels="middle")
    assert caught.value.key == "data.channels"


def test_sixteen_bits_become_fractions_and_others_stay(tmp_path: Path) -> None:
    stored = colour(1, 4, 4, dtype=np.uint16)
    deep = arrays(saved(tmp_path, **stored))
    torch.testing.assert_close(deep.x * 65535, torch.from_numpy(stored["x"].astype(np.float32)))
    stored["x"] = stored["x"].astype(np.float64)
    samples = arrays(saved(tmp_path, **stored))
    assert float(samples.x.max()) > 100
    assert any("left unchanged" in sentence for sentence in samples.data_summary)


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.float64, np.uint8, np.uint16])
def test_a_prediction_reads_any_type_as_training_did(tmp_path: Path, dtype: type) -> None:
    stored = colour(1, 4, 4)
    samples = arrays(saved(tmp_path, **stored))
    np.save(tmp_path / "new.npy", stored["x"].astype(dtype))
    new, remarks = new_array(tmp_path / "new.npy", samples.reader)
    torch.testing.assert_close(new, samples.x)
    assert bool(remarks) == (dtype is not np.uint8)


def test_a_prediction_takes_fractions_and_refuses_what_has_no_meaning(tmp_path: Path) -> None:
    stored = colour(1, 4, 4)
    samples = arrays(saved(tmp_path, **stored))
    np.save(tmp_path / "new.npy", (stored["x"] / 255).astype(np.float32))
    new, remarks = new_array(tmp_path / "new.npy", samples.reader)
    torch.testing.assert_close(new, samples.x)
    assert "fractions" in remarks[0]
    np.save(tmp_path / "new.npy", stored["x"] * 1.5 + 0.1)
    with pytest.raises(UserError) as caught:
        new_array(tmp_path / "new.npy", samples.reader)
    assert caught.value.code is Code.INCOMPATIBLE


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"), ("X_train", "Y_train", "X_test", "Y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("trainX", "trainY", "testX", "testY"),
    ],
)  # fmt: skip
def test_parts_by_the_names_of_arrays(tmp_path: Path, names: tuple[str, ...]) -> None:
    sets = (PIXELS[:1500], DIGIT[:1500], PIXELS[1500:], DIGIT[1500:])
    samples = arrays(saved(tmp_path, **dict(zip(names, sets, strict=True))), kind="image")
    assert samples.split.tolist() == [0] * 1500 + [2] * 297
    assert torch.equal(samples.x[:, 0], torch.from_numpy(PIXELS).float())


def test_parts_in_files_of_their_own(tmp_path: Path) -> None:
    np.savez(tmp_path / "test.npz", x=PIXELS[1500:], y=DIGIT[1500:])
    path = saved(tmp_path, x=PIXELS[:1500], y=DIGIT[:1500])
    samples = arrays(path, kind="image", test_path=str(tmp_path / "test.npz"))
    assert samples.split.tolist() == [0] * 1500 + [2] * 297
    np.savez(tmp_path / "test.npz", x=PIXELS[1500:].astype(np.uint8), y=DIGIT[1500:])
    with Refusal(Code.DATA, match=r"different types"):
        arrays(path, kind="image", test_path=str(tmp_path / "test.npz"))


def test_one_hot_targets_are_classes(tmp_path: Path) -> None:
    stored = {"x": PIXELS.reshape(-1, 64), "y": np.eye(10)[DIGIT]}
    samples = arrays(saved(tmp_path, **stored))
    assert (samples.task, samples.y.tolist()) == ("multiclass", DIGIT.tolist())
    assert any("one-hot" in sentence for sentence in samples.data_summary)
    assert arrays(saved(tmp_path, **stored), task="multilabel").task == "multilabel"


@pytest.mark.parametrize("y", [np.zeros((9, 2, 2)), np.zeros(())])
def test_targets_of_a_wrong_shape_are_refused(tmp_path: Path, y) -> None:
    with pytest.raises(UserError) as caught:
        arrays(saved(tmp_path, x=np.zeros((9, 3)), y=y))
    assert caught.value.code is Code.DATA


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    with Refusal(Code.DATA, match=r"holds no samples"):
        arrays(saved(tmp_path, x=np.zeros((0, 4)), y=np.zeros(0)))


@pytest.mark.parametrize(
    "base", [np.int64(2**60), np.int32(2**30), np.float64(1.7e9), np.uint32(2**31)]
)
def test_small_differences_of_large_inputs_are_kept(tmp_path: Path, base: np.generic) -> None:
    x = np.stack([base + np.arange(60).astype(base.dtype), np.arange(60).astype(base.dtype)], 1)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(60) % 2)
    samples = arrays(str(tmp_path / "a.npz"))
    assert samples.x[:, 0].diff().tolist() == [1.0] * 59
    assert samples.x[:, 1].tolist() == list(range(60))
    assert "1 feature(s) have values so large" in " ".join(samples.data_summary)
    reader = json.loads(json.dumps(samples.reader))
    assert torch.equal(read_new(tmp_path / "a.npz", reader).x, samples.x)


def test_inputs_that_float32_holds_stay_as_they_are(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3)) + 10
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(60) % 2)
    samples = arrays(str(tmp_path / "a.npz"))
    assert torch.equal(samples.x, torch.from_numpy(x.astype(np.float32)))
    assert samples.reader["offsets"] is None


@pytest.mark.parametrize(("x", "code"), [([], Code.MISSING_VALUE), (["x", "one"], Code.DATA)])
def test_no_input_and_a_single_number_are_refused(tmp_path: Path, x: list[str], code: Code) -> None:
    path = saved(tmp_path, x=PIXELS, one=np.float32(1), y=DIGIT)
    with pytest.raises(UserError) as error:
        arrays(path, x=x)
    assert error.value.code is code


def test_an_array_larger_than_memory_is_refused(tmp_path: Path) -> None:
    header = {"descr": "<f8", "fortran_order": False, "shape": (2**50, 4)}
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive, archive.open("x.npy", "w") as file:
        np.lib.format.write_array_header_2_0(file, header)
    with pytest.raises(UserError) as error:
        arrays(str(tmp_path / "a.npz"))
    assert error.value.code is Code.DAMAGED
