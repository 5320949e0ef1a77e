"""Folders of images and masks as in real data sets: read correctly, or refused with a remedy."""

import numpy as np
import pytest
from PIL import Image

from quintet.base.errors import Code, UserError
from quintet.data.facts import check
from quintet.data.sources.mask_folders import masks
from quintet.problems.segmentation import IGNORED

SIZE = (6, 5)
"""Width and height."""


def image(path, number=0, size=SIZE):
    """Write a unique photograph."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(number)
    Image.fromarray(draw.integers(256, size=(size[1], size[0], 3), dtype=np.uint8)).save(path)


def mask(path, value=255, size=SIZE, mode="L", rest=0):
    """Write a mask whose upper half has a value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.full((size[1], size[0]), rest, np.uint8)
    values[: size[1] // 2] = value
    Image.fromarray(values).convert(mode).save(path)


def folder(root, images="images", of_masks="masks", **options):
    """Write three images with masks."""
    for number, name in enumerate("abc"):
        image(root / images / f"{name}.jpg", number)
        mask(root / of_masks / f"{name}.png", **options)
    return root


def refused(root, **options):
    with pytest.raises(UserError) as found:
        check(masks(str(root), **options))
    assert found.value.hint
    return str(found.value)


def test_images_and_masks_are_matched_by_name(tmp_path):
    samples = masks(str(folder(tmp_path)), class_names=["ground", "sky"])
    check(samples)
    assert samples.x.shape == (3, 3, 5, 6)
    assert samples.y[:, 0].unique().tolist() == [1]
    assert samples.y[:, -1].unique().tolist() == [0]
    assert samples.class_names == ["ground", "sky"]
    assert samples.split is None


@pytest.mark.parametrize(
    ("images", "of_masks"),
    [
        *[("img", "label"), ("JPEGImages", "SegmentationClass"), ("imgs", "gt"), ("image", "mask")],
        *[("input", "Ground Truth"), ("train/images", "train/masks"), ("train", "train_masks")],
        *[("images/training", "annotations/training"), ("leftImg8bit/train/x", "gtFine/train/x")],
        *[("train_img", "train_labels"), ("data/Images", "data/Annotations")],
    ],
)
def test_usual_names_of_folders_are_known(images, of_masks, tmp_path):
    samples = masks(str(folder(tmp_path, images, of_masks)))
    check(samples)
    assert samples.y.shape == (3, 5, 6)


@pytest.mark.parametrize(
    ("own", "other"),
    [
        *[("images/a.jpg", "masks/a_mask.png"), ("a.png", "a_mask.png")],
        *[("images/image_01.png", "masks/mask_01.png"), ("x/a.jpg", "x/a_segmentation.png")],
        *[("images/1_leftImg8bit.png", "labels/1_gtFine_labelIds.png"), ("img/A.PNG", "gt/A.bmp")],
    ],
)
def test_usual_names_of_files_are_known(own, other, tmp_path):
    image(tmp_path / own)
    mask(tmp_path / other)
    assert len(masks(str(tmp_path)).x) == 1


@pytest.mark.parametrize("shape", ["{part}/{role}", "{role}/{part}", "{part}_{role}"])
def test_folders_of_parts_keep_their_parts(shape, tmp_path):
    for part in ("train", "valid", "test"):
        names = (shape.format(part=part, role=role) for role in ("images", "masks"))
        folder(tmp_path, *names)
    assert sorted(masks(str(tmp_path)).split.tolist()) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_a_part_without_training_is_refused(tmp_path):
    folder(tmp_path, "val/images", "val/masks")
    assert "only some parts of a split" in refused(tmp_path)


def test_lists_of_pascal_voc_choose_images_and_parts(tmp_path):
    folder(tmp_path, "JPEGImages", "SegmentationClass")
    image(tmp_path / "JPEGImages" / "without.jpg", 7)
    mask(tmp_path / "SegmentationObject" / "a.png")
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nc\n")
    (lists / "val.txt").write_text("b\n")
    assert masks(str(tmp_path)).split.tolist() == [0, 1, 0]


def test_images_of_other_sizes_are_brought_to_one_with_their_masks(tmp_path):
    folder(tmp_path)
    image(tmp_path / "images" / "d.jpg", 4, (12, 10))
    mask(tmp_path / "masks" / "d.png", size=(12, 10))
    samples = masks(str(tmp_path))
    assert samples.x.shape[2:] == samples.y.shape[1:] == (5, 6)
    assert samples.y.unique().tolist() == [0, 1]
    assert masks(str(tmp_path), size=[10, 12]).y.shape == (4, 10, 12)


def test_a_mask_of_other_proportions_is_refused_by_name(tmp_path):
    folder(tmp_path)
    mask(tmp_path / "masks" / "b.png", size=(5, 6))
    found = refused(tmp_path)
    assert "b.png is 6 x 5" in found
    assert "b.jpg is 5 x 6" in found


def test_a_mask_of_another_scale_is_resized_and_told(tmp_path):
    folder(tmp_path)
    mask(tmp_path / "masks" / "b.png", size=(12, 10))
    samples = masks(str(tmp_path))
    assert samples.y.unique().tolist() == [0, 1]
    assert any("another scale" in line for line in samples.data_summary)


def test_an_ignored_value_is_not_a_class(tmp_path):
    folder(tmp_path, value=1)
    assert masks(str(tmp_path), ignore=1).y.unique().tolist() == [IGNORED, 0]
    with pytest.raises(UserError) as found:
        check(masks(str(tmp_path), ignore=1))
    assert found.value.code == Code.DATA


def test_255_beside_other_classes_is_pointed_out(tmp_path):
    folder(tmp_path, value=1)
    mask(tmp_path / "masks" / "b.png", value=255)
    assert any("data.ignore=255" in line for line in masks(str(tmp_path)).data_summary)
    assert masks(str(tmp_path), ignore=255).y.unique().tolist() == [IGNORED, 0, 1]


def test_an_image_without_a_mask_is_refused_by_name(tmp_path):
    (folder(tmp_path) / "masks" / "b.png").unlink()
    assert "b.jpg has no mask" in refused(tmp_path)


def test_a_mask_without_an_image_is_refused_by_name(tmp_path):
    (folder(tmp_path) / "images" / "b.jpg").unlink()
    assert "b.png has no image" in refused(tmp_path)


def test_a_folder_without_masks_is_refused(tmp_path):
    image(tmp_path / "images" / "a.jpg")
    assert "0 masks" in refused(tmp_path)


def test_colours_are_classes(tmp_path):
    folder(tmp_path)
    for name, colour in zip("abc", ("red", "lime", "black"), strict=True):
        Image.new("RGB", SIZE, colour).save(tmp_path / "masks" / f"{name}.png")
    samples = masks(str(tmp_path))
    assert samples.class_names == ["#000000", "#00ff00", "#ff0000"]
    assert samples.y[:, 0, 0].tolist() == [2, 1, 0]
    assert masks(str(tmp_path), ignore="#00ff00").y[1].unique().tolist() == [IGNORED]


def test_grey_masks_saved_in_colour_are_grey(tmp_path):
    samples = masks(str(folder(tmp_path, mode="RGB")))
    assert samples.class_names == ["0", "255"]


def with_palette(path, colours):
    """Write a palette mask whose upper half has index 1."""
    picture = Image.fromarray(np.repeat([[1], [0]], [2, 3], axis=0).repeat(6, 1).astype(np.uint8))
    picture = picture.convert("P")
    picture.putpalette([channel for colour in colours for channel in colour])
    picture.save(path)


def test_indices_of_one_palette_are_classes(tmp_path):
    folder(tmp_path)
    for name in "abc":
        with_palette(tmp_path / "masks" / f"{name}.png", [(0, 0, 0), (128, 0, 0)])
    assert masks(str(tmp_path)).class_names == ["0", "1"]


def test_where_palettes_differ_colours_are_classes(tmp_path):
    folder(tmp_path)
    for name, colour in zip("abc", [(9, 0, 0), (0, 9, 0), (9, 0, 0)], strict=True):
        with_palette(tmp_path / "masks" / f"{name}.png", [(0, 0, 0), colour])
    samples = masks(str(tmp_path))
    assert samples.class_names == ["#000000", "#000900", "#090000"]
    assert samples.y[:, 0, 0].tolist() == [2, 1, 2]


def soft(path, size=(80, 80), **save):
    """Write a mask with a round, soft edge."""
    away = np.hypot(*(np.indices(size) - 40))
    Image.fromarray((255 / (1 + np.exp(3 * (away - 12)))).astype(np.uint8)).save(path, **save)


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_blurred_masks_are_refused_and_cut_at_a_threshold(ending, tmp_path):
    (tmp_path / "masks").mkdir()
    for number in range(3):
        image(tmp_path / "images" / f"{number}.png", number, (80, 80))
        soft(tmp_path / "masks" / f"{number}.{ending}")
    assert "data.threshold=128" in refused(tmp_path)
    samples = masks(str(tmp_path), threshold=128)
    check(samples)
    assert samples.y.unique().tolist() == [0, 1]
    assert abs(float(samples.y[0].sum()) - np.pi * 12**2) < 30


def test_half_transparent_masks_are_refused(tmp_path):
    folder(tmp_path)
    layers = np.zeros((5, 6, 4), np.uint8)
    layers[:2, :, 3] = 100
    Image.fromarray(layers).save(tmp_path / "masks" / "b.png")
    assert "b.png" in refused(tmp_path)


def test_another_number_of_names_is_refused(tmp_path):
    assert "data.class_names" in refused(folder(tmp_path), class_names=["one"])
