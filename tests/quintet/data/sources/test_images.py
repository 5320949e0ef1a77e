from pathlib import Path

import pytest
import torch

from quintet.base.errors import Code, UserError
from quintet.data.facts import check
from quintet.data.sources.bundled import digits
from quintet.data.sources.images import images
from refusals import Refusal

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write thirty real digits, one folder a class."""
    samples = digits()
    for number in range(30):
        pixels = (samples.x[number, 0] * 255 / 16).round().to(torch.uint8).numpy()
        home = tmp_path / "set" / str(int(samples.y[number]))
        home.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(home / f"{number:02}.png")
    return tmp_path / "set"


def test_folders_are_classes_and_pixels_arrive(folder: Path) -> None:
    samples = images(str(folder))
    check(samples)
    assert samples.x.shape == (30, 1, 8, 8)
    assert samples.class_names == [str(d) for d in range(10)]
    original = digits()
    expected = original.x[:30][original.y[:30] == 0]
    torch.testing.assert_close(samples.x[samples.y == 0] * 16, expected, atol=0.04, rtol=0)


def test_sizes_are_unified(folder: Path) -> None:
    Image.new("L", (20, 10)).save(folder / "0" / "large.png")
    samples = images(str(folder))
    assert samples.x.shape == (31, 1, 8, 8)
    assert any("median, 8 x 8" in sentence for sentence in samples.data_summary)
    assert images(str(folder), size=[4, 6]).x.shape == (31, 1, 4, 6)
    with pytest.raises(UserError) as caught:
        images(str(folder), size=[1, 2, 3])
    assert caught.value.code is Code.OUT_OF_RANGE
    assert caught.value.key == "data.size"


def test_one_coloured_image_makes_all_coloured(folder: Path) -> None:
    Image.new("RGB", (8, 8), (255, 0, 0)).save(folder / "0" / "red.png")
    samples = images(str(folder))
    assert samples.x.shape == (31, 3, 8, 8)
    red = samples.x[samples.y == 0][-1]
    assert red.mean(dim=(1, 2)).tolist() == [1.0, 0.0, 0.0]
    assert images(str(folder), grayscale=True).x.shape == (31, 1, 8, 8)


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        picture = Image.linear_gradient("L").resize((6, 4))
        exif = picture.getexif()
        exif[0x0112] = 6
        picture.save(tmp_path / name / "p.jpg", exif=exif)
    assert images(str(tmp_path)).x.shape == (2, 1, 6, 4)


def test_a_corrupt_file_is_named(folder: Path) -> None:
    whole = (folder / "3" / "03.png").read_bytes()
    (folder / "3" / "broken.png").write_bytes(whole[: len(whole) // 2])
    with Refusal(Code.DAMAGED, match=r"broken.png is not a readable image"):
        images(str(folder))


def test_other_files_are_ignored_and_counted(folder: Path) -> None:
    (folder / "1" / "notes.txt").write_text("n")
    assert any("Ignored 1 file" in sentence for sentence in images(str(folder)).data_summary)


def test_folders_that_are_not_classes_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "9a").mkdir()
    with Refusal(Code.DATA, match=r"9a contains no image") as caught:
        images(str(folder))
    assert caught.value.code is Code.DATA
    with Refusal(Code.DATA, match=r"0 sub-folder") as caught:
        images(str(folder / "1"))
    assert caught.value.code is Code.DATA
    for part in ("train", "test"):
        (tmp_path / "parts" / part).mkdir(parents=True)
    with Refusal(Code.DATA, match=r"parts, not classes") as caught:
        images(str(tmp_path / "parts"))
    assert caught.value.code is Code.DATA
    with Refusal(Code.NOT_FOUND, "data.path") as caught:
        images(str(tmp_path / "none"))
    assert caught.value.code is Code.NOT_FOUND


def test_lazy_images_are_read_batch_by_batch_and_are_the_same(folder: Path) -> None:
    eager, lazy = images(str(folder)), images(str(folder), lazy=True)
    check(lazy)
    assert lazy.x.shape == (0, 1, 8, 8)
    index = torch.tensor([4, 0, 29])
    assert torch.equal(lazy.rows.read(index), eager.x[index])
