"""The value of every kind of pixel, in training and in prediction."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from image_files import write_tiff
from quintet.base.errors import Code, UserError
from quintet.data.sources.images import images, new_images
from quintet.data.sources.pixels import Reading, read_image
from refusals import Refusal

Image = pytest.importorskip("PIL.Image")
CASES = Path(__file__).parents[1] / "cases"
RED, CLEAR = (255, 0, 0, 255), (0, 0, 255, 0)


def unpacked(name: str, home: Path) -> Path:
    with tarfile.open(CASES / f"img_{name}.tgz") as packed:
        packed.extractall(home, filter="data")
    return home / name


def two_classes(home: Path, save: Callable[[Path, int], None], suffix: str) -> Path:
    """Write three images in each of two classes: `save(file, number)`, numbers 0 to 5."""
    for number in range(6):
        folder = home / "set" / "ab"[number // 3]
        folder.mkdir(parents=True, exist_ok=True)
        save(folder / f"{number}.{suffix}", number)
    return home / "set"


def told(remarks: list[str], *words: str) -> bool:
    return any(all(word in sentence for word in words) for sentence in remarks)


def rgba(*pixels: tuple[int, ...]):
    return Image.fromarray(np.array([pixels], dtype=np.uint8))


def palette():
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putdata([0, 1])
    return picture


def grey():
    return Image.fromarray(np.array([[100, 7]], dtype=np.uint8))


SEEN = {
    "RGBA": (rgba(RED, CLEAR), {}, [[1, 1], [0, 1], [0, 1]]),
    "half transparent": (rgba((255, 0, 0, 51), CLEAR), {}, [[1, 1], [0.8, 1], [0.8, 1]]),
    "LA": (rgba((9, 9, 9, 255), (9, 9, 9, 0)).convert("LA"), {}, [[9 / 255, 1]]),
    "palette": (palette(), {"transparency": 1}, [[1, 1], [0, 1], [0, 1]]),
    "one grey value": (grey(), {"transparency": 7}, [[100 / 255, 1]]),
    "opaque RGBA": (rgba(RED, (0, 0, 255, 255)), {}, [[1, 0], [0, 0], [0, 1]]),
}


@pytest.mark.parametrize("name", SEEN)
def test_transparency_is_laid_over_white(tmp_path: Path, name: str) -> None:
    picture, options, expected = SEEN[name]
    picture.save(tmp_path / "p.png", **options)
    values = read_image(tmp_path / "p.png", Reading((1, 2), len(expected)))
    torch.testing.assert_close(values[:, 0], torch.tensor(expected, dtype=torch.float32))


@pytest.mark.parametrize("suffix", ["webp", "tif"])
def test_transparency_of_other_formats(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    rgba(RED, CLEAR).save(tmp_path / f"p.{suffix}", **options)
    values = read_image(tmp_path / f"p.{suffix}", Reading((1, 2), 3))
    assert values[:, 0].tolist() == [[1, 1], [0, 1], [0, 1]]


def test_a_background_of_ones_own(tmp_path: Path) -> None:
    root = two_classes(tmp_path, lambda f, i: rgba((i, 0, 0, 255), CLEAR).save(f), "png")
    samples = images(str(root), background="#003300")
    assert samples.x[0, :, 0, 1].tolist() == pytest.approx([0, 0.2, 0])
    assert told(samples.data_summary, "6 image(s) are transparent", "#003300", "data.background")
    with pytest.raises(UserError) as caught:
        images(str(root), background="whitish")
    assert (caught.value.code, caught.value.key) == (Code.UNKNOWN_NAME, "data.background")


def test_shapes_drawn_in_black_on_nothing_are_seen(tmp_path: Path) -> None:
    root = unpacked("alpha", tmp_path)
    samples = images(str(root))
    alpha = np.asarray(Image.open(root / "circle" / "0.png"))[..., 3]
    expected = torch.from_numpy(1 - alpha / 255).float()
    torch.testing.assert_close(samples.x[0], expected.expand(3, -1, -1))
    assert not torch.equal(samples.x[0], samples.x[6])
    new, _, remarks = new_images(root, samples.reader)
    assert torch.equal(new, samples.x)
    assert told(remarks, "12 image(s) are transparent")


def test_shapes_that_vanish_in_the_background_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        images(str(unpacked("alpha", tmp_path)), background="black")
    assert caught.value.code is Code.DATA
    assert "data.background" in caught.value.hint


def test_floats_are_scaled_by_the_range_of_training(tmp_path: Path) -> None:
    root = unpacked("ftiff", tmp_path)
    samples = images(str(root))
    raw = np.asarray(Image.open(root / "high" / "0.tif"))
    low, high = samples.reader["ranges"]["float"]
    assert (low, high) == pytest.approx((100.01690674, 2049.9375))
    torch.testing.assert_close(samples.x[0, 0], torch.from_numpy((raw - low) / (high - low)))
    assert len(samples.x[0].unique()) > 200  # nothing saturates
    assert told(samples.data_summary, "float pixels", "100.017", "2049.94")
    new, _, _ = new_images(root / "low", samples.reader)
    assert torch.equal(new, samples.x[6:])


def test_a_prediction_beyond_the_range_of_training_is_reported_and_not_cut_off(
    tmp_path: Path,
) -> None:
    samples = images(str(unpacked("ftiff", tmp_path)))
    Image.fromarray(np.full((16, 16), 4000, np.float32)).save(tmp_path / "bright.tif")
    new, _, remarks = new_images(tmp_path / "bright.tif", samples.reader)
    assert float(new.min()) > 2
    assert told(remarks, "outside the range of training", "bright.tif")


KINDS = {
    "uint8": (np.uint8, [0, 51, 255], [0, 0.2, 1]),
    "uint16": (np.uint16, [0, 13107, 65535], [0, 0.2, 1]),
    "uint16 of 12 bits": (np.uint16, [0, 2048, 4095], [0, 2048 / 65535, 4095 / 65535]),
    "int16": (np.int16, [-300, 0, 300], [0, 0.5, 1]),
    "int32": (np.int32, [-1000, 0, 3000], [0, 0.25, 1]),
    "uint32": (np.uint32, [0, 2**31, 2**32 - 2], [0, 2**31 / (2**32 - 2), 1]),
    "large int32": (np.int32, [2**30, 2**30 + 1, 2**30 + 4], [0, 0.25, 1]),
    "floats in 0..1": (np.float32, [0.1, 0.5, 0.9], [0.1, 0.5, 0.9]),
    "floats in 0..255": (np.float32, [0, 51, 255], [0, 0.2, 1]),
    "floats in -1..1": (np.float32, [-1, 0, 1], [0, 0.5, 1]),
    "kelvins": (np.float32, [273, 283, 293], [0, 0.5, 1]),
    "tiny floats": (np.float32, [0, 1e-30, 2e-30], [0, 1e-30, 2e-30]),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_type_of_pixel_has_its_scale(tmp_path: Path, name: str) -> None:
    dtype, values, expected = KINDS[name]
    pixels = np.array([values], dtype=dtype)[..., None]
    root = two_classes(tmp_path, lambda file, i: write_tiff(file, np.roll(pixels, i, 1)), "tif")
    samples = images(str(root))
    torch.testing.assert_close(samples.x[0, 0, 0], torch.tensor(expected, dtype=torch.float32))
    new, _, _ = new_images(root / "a" / "0.tif", samples.reader)
    assert torch.equal(new[0], samples.x[0])
    lazy = images(str(root), lazy=True)
    assert torch.equal(lazy.rows.read(torch.arange(6)), samples.x)


def test_the_range_comes_from_training_alone_where_the_data_has_a_split(tmp_path: Path) -> None:
    for part, top in (("train", 100), ("test", 900)):
        for name in "ab":
            home = tmp_path / part / name
            home.mkdir(parents=True)
            pixels = np.linspace(50, top, 9, dtype=np.float32).reshape(3, 3, 1)
            for number in range(2):
                write_tiff(home / f"{number}.tif", pixels)
    samples = images(str(tmp_path))
    assert samples.reader["ranges"]["float"] == [50, 100]
    assert float(samples.x.max()) == pytest.approx(17)


def test_types_that_training_did_not_have(tmp_path: Path) -> None:
    root = two_classes(tmp_path, lambda f, i: Image.linear_gradient("L").save(f), "png")
    samples = images(str(root))
    write_tiff(tmp_path / "f.tif", np.ones((256, 256, 1), np.float32))
    with Refusal(Code.INCOMPATIBLE, match=r"type float"):
        new_images(tmp_path / "f.tif", samples.reader)
    Image.fromarray(np.full((256, 256), 65535, np.uint16)).save(tmp_path / "deep.png")
    new, _, remarks = new_images(tmp_path / "deep.png", samples.reader)
    assert float(new.min()) == 1
    assert told(remarks, "16-bit", "no image of training was")


def test_values_that_are_not_finite_name_the_file(tmp_path: Path) -> None:
    pixels = np.array([[1, np.nan]], np.float32)[..., None]
    root = two_classes(tmp_path, lambda file, i: write_tiff(file, pixels), "tif")
    with Refusal(Code.DATA, match=r"0.tif has pixels that are NaN"):
        images(str(root))


@pytest.mark.parametrize("suffix", ["tif", "gif", "webp", "png"])
def test_several_pages_are_reported(tmp_path: Path, suffix: str) -> None:
    def save(file: Path, number: int) -> None:
        pages = [Image.linear_gradient("L").rotate(90 * turn) for turn in range(number or 3)]
        pages[0].save(file, save_all=True, append_images=pages[1:])

    samples = images(str(two_classes(tmp_path, save, suffix)))
    assert told(samples.data_summary, "5 file(s) have several pages", "the first")
    _, _, remarks = new_images(tmp_path / "set" / "a" / f"0.{suffix}", samples.reader)
    assert told(remarks, "1 file(s) have several pages")


@pytest.mark.parametrize(("channels", "extra"), [(4, 0), (5, 0), (6, 0), (2, 0)])
def test_channels_that_are_not_read_are_reported(tmp_path: Path, channels: int, extra: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, channels)).astype(np.uint8)
    root = two_classes(tmp_path, lambda file, i: write_tiff(file, pixels + i, extra), "tif")
    samples = images(str(root))
    assert told(samples.data_summary, "6 file(s) have more channels", "data=arrays")
    read = min(channels, 3) if channels > 2 else 1
    torch.testing.assert_close(
        samples.x[0], torch.from_numpy(pixels[..., :read]).movedim(-1, 0) / 255
    )


@pytest.mark.parametrize("kind", [(8, np.uint8), (3, np.float32), (1, np.float64)])
def test_a_tiff_that_pillow_does_not_read_says_what_it_is(tmp_path: Path, kind) -> None:
    channels, dtype = kind
    pixels = np.ones((4, 5, channels), dtype=dtype)
    root = two_classes(tmp_path, lambda file, i: write_tiff(file, pixels), "tif")
    with Refusal(Code.DAMAGED, match=f"{channels} channel") as caught:
        images(str(root))
    assert "data=arrays" in caught.value.hint


def test_constant_images_are_reported(tmp_path: Path) -> None:
    def save(file: Path, number: int) -> None:
        Image.new("RGB", (3, 3), (number, 9, 9)).save(file)

    root = two_classes(tmp_path, save, "png")
    Image.linear_gradient("L").resize((3, 3)).save(root / "a" / "x.png")
    assert told(images(str(root)).data_summary, "6 of 7 images are of a single colour", "0.png")
    assert told(images(str(root), lazy=True).data_summary, "6 of 7 images are of a single colour")


def test_images_that_are_all_alike_are_refused(tmp_path: Path) -> None:
    root = two_classes(tmp_path, lambda f, i: Image.new("L", (3, 3), 7).save(f), "png")
    with Refusal(Code.DATA, match=r"alike"):
        images(str(root))
