"""Predicted masks are written as the masks of training are: their values, and each image's size."""

from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from quintet.base.errors import Code
from quintet.commands import mask_files
from quintet.data.sources.mask_folders import masks
from quintet.data.sources.mask_values import class_maps
from quintet.data.sources.reader import NewInput, read_new
from refusals import Refusal

WIDTH, HEIGHT = 12, 8


def pair(root: Path, name: str, mask: Image.Image, scale: int = 1) -> None:
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    size = (WIDTH * scale, HEIGHT * scale)
    values = np.random.default_rng(len(name)).integers(256, size=(*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(values).save(root / "images" / f"{name}.png")
    mask.resize(size, Image.Resampling.NEAREST).save(root / "masks" / f"{name}.png")


def halves(upper: int, lower: int, kind: type = np.uint8) -> Image.Image:
    values = np.full((HEIGHT, WIDTH), lower, kind)
    values[: HEIGHT // 2] = upper
    return Image.fromarray(values)


def predicted(root: Path, output: Path, **options: object) -> Path:
    """Read a folder of pairs, predict each mask as it is, and write the predictions."""
    samples = masks(str(root), **options)
    new = read_new(root / "images", samples.reader)
    hot = torch.nn.functional.one_hot(samples.y, len(samples.class_names)).movedim(-1, 1).float()
    written = mask_files.masks(hot, new, samples.reader)
    cfg = OmegaConf.create({"input": None, "run": None})
    return mask_files.write(cfg, new.names, written, output)


@pytest.mark.parametrize(
    "mask",
    [
        halves(0, 255),
        halves(1, 2),
        halves(0, 40_000, np.uint16),
        Image.merge("RGB", [halves(0, 200), halves(100, 0), halves(0, 9)]),
    ],
    ids=["0 and 255", "1 and 2", "16 bits", "colours"],
)
def test_a_predicted_mask_is_as_its_mask(mask: Image.Image, tmp_path: Path) -> None:
    pair(tmp_path, "a", mask)
    pair(tmp_path, "large", mask, scale=3)
    folder = predicted(tmp_path, tmp_path / "out", size=[HEIGHT, WIDTH])
    for name in ("a", "large"):
        with (
            Image.open(folder / f"{name}.png") as found,
            Image.open(tmp_path / "masks" / f"{name}.png") as own,
        ):
            assert np.array_equal(np.asarray(found), np.asarray(own))


def test_an_npz_holds_masks_of_several_sizes(tmp_path: Path) -> None:
    pair(tmp_path, "a", halves(0, 255))
    pair(tmp_path, "large", halves(0, 255), scale=2)
    with np.load(predicted(tmp_path, tmp_path / "out.npz", size=[HEIGHT, WIDTH])) as found:
        assert found["prediction_1"].shape == (2 * HEIGHT, 2 * WIDTH)
        assert [Path(name).stem for name in found["sample"]] == ["a", "large"]


def test_what_a_threshold_made_is_written_so_that_it_makes_it_again(tmp_path: Path) -> None:
    pair(tmp_path, "a", halves(90, 160))
    folder = predicted(tmp_path, tmp_path / "out", threshold=128)
    with Image.open(folder / "a.png") as found:
        assert np.unique(np.asarray(found)).tolist() == [0, 255]


def test_classes_of_arrays_have_their_own_values() -> None:
    maps = class_maps(np.array([[[0, 7], [9, 9]]]), ignore=9)
    new = NewInput(torch.zeros(1, 1, 2, 2), ["1"])
    (mask,) = mask_files.masks(
        torch.eye(2)[:, :, None][None].expand(1, 2, 2, 1), new, maps.reader()
    )
    assert mask.tolist() == [[0], [7]]


def test_a_class_that_no_mask_has_has_a_value_too() -> None:
    maps = class_maps(np.array([[[0, 1]]]), None, ["a", "b", "c"])
    assert maps.values == [0, 1, 2]


@pytest.mark.parametrize("values", [[1], [0, -1], [0, 1 << 70], ["a", "b"], 3])
def test_values_that_fit_no_classes_are_refused(values: object) -> None:
    new = NewInput(torch.zeros(1, 1, 2, 2), ["1"])
    with pytest.raises(ValueError, match="mask_values"):
        mask_files.masks(torch.zeros(1, 2, 2, 2), new, {"mask_values": values})


def test_a_png_has_no_values_beyond_16_bits(tmp_path: Path) -> None:
    cfg = OmegaConf.create({"input": None, "run": None})
    with Refusal(Code.INCOMPATIBLE, "output"):
        mask_files.write(cfg, ["a"], [np.array([[1 << 20]], dtype=np.uint32)], tmp_path / "out")
