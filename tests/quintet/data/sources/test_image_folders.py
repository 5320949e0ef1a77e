"""Classes, parts and hidden things in folders of images."""

import tarfile
from pathlib import Path

import pytest
import torch

from image_files import write_tree
from quintet.base.errors import Code, UserError
from quintet.data.sources.image_folders import labelled
from quintet.data.sources.images import images
from quintet.data.splitting.split import split
from refusals import Refusal

CASES = Path(__file__).parents[1] / "cases"


def unpacked(name: str, home: Path) -> Path:
    with tarfile.open(CASES / f"img_{name}.tgz") as packed:
        packed.extractall(home, filter="data")
    return home / name


def test_checkpoints_of_notebooks_are_no_class_and_no_copies(tmp_path: Path) -> None:
    samples = images(str(unpacked("nb", tmp_path)))
    assert samples.class_names == ["a", "b"]
    assert len(samples.y) == 8
    assert any("3 hidden" in sentence for sentence in samples.data_summary)


@pytest.mark.parametrize(
    "hidden",
    [
        ".ipynb_checkpoints/0.png", "a/.ipynb_checkpoints/0.png", "a/deep/.git/x.png",
        "a/._0.png", "__MACOSX/a/._0.png", "a/@eaDir/0.png", ".DS_Store", "a/.thumbs/1.png",
        "a/Thumbs.db", "b/.hidden.jpg",
    ],
)  # fmt: skip
def test_what_is_hidden_is_passed_over_anywhere(tmp_path: Path, hidden: str) -> None:
    root = write_tree(tmp_path, {"a": 2, "b": 2})
    (root / hidden).parent.mkdir(parents=True, exist_ok=True)
    (root / hidden).write_bytes((root / "a" / "0.png").read_bytes())
    found = labelled(str(root))
    assert sorted(found.classes) == ["a", "a", "b", "b"]
    assert any("1 hidden" in sentence for sentence in found.remarks)


def test_a_hidden_folder_that_is_asked_for_is_read(tmp_path: Path) -> None:
    root = write_tree(tmp_path / ".cache" / "photos", {"a": 2, "b": 2})
    assert len(labelled(str(root)).files) == 4


def test_parts_of_the_data_are_not_classes(tmp_path: Path) -> None:
    samples = images(str(unpacked("p_a", tmp_path)))
    assert samples.class_names == ["glioma", "none"]
    train, valid, tested = split(samples, 0.1, 0.2, seed=0)
    assert samples.split is not None
    assert set(samples.split[tested].tolist()) == {2}
    assert (len(train), len(valid), len(tested)) == (4, 2, 6)
    assert sorted(samples.y[tested].tolist()) == [0, 0, 0, 1, 1, 1]


PARTS = {
    "plain": {"train": 0, "val": 1, "test": 2},
    "long": {"Training": 0, "Validation": 1, "Testing": 2},
    "intel": {"seg_train/seg_train": 0, "seg_test/seg_test": 2},
    "upper": {"TRAIN": 0, "DEV": 1},
    "suffixed": {"images_train": 0, "images_valid": 1, "images_test": 2},
    "numbered": {"01-train": 0, "02-test": 2},
    "camel": {"TrainSet": 0, "TestSet": 2},
    "sets": {"trainset": 0, "testset": 2},
    "wrapped": {"data/v1/train": 0, "data/v1/test": 2},
    "years": {"train2017": 0, "val2017": 1},
    "holdout": {"train": 0, "holdout": 2},
}


@pytest.mark.parametrize("name", PARTS)
def test_parts_under_their_usual_names(tmp_path: Path, name: str) -> None:
    counts = {f"{part}/{c}": 2 + n for part, n in PARTS[name].items() for c in ("cat", "dog")}
    found = labelled(str(write_tree(tmp_path, counts)))
    assert sorted(set(found.classes)) == ["cat", "dog"]
    for part in PARTS[name].values():
        assert found.parts.count(part) == 2 * (2 + part)
    assert any("own split" in sentence for sentence in found.remarks)


def test_parts_within_each_class(tmp_path: Path) -> None:
    counts = {f"{c}/{part}": 2 + n for c in "ab" for n, part in enumerate(["train", "test"])}
    found = labelled(str(write_tree(tmp_path, counts)))
    assert sorted(set(found.classes)) == ["a", "b"]
    assert (found.parts.count(0), found.parts.count(2)) == (4, 6)


def test_a_folder_without_labels_is_left_out_and_told(tmp_path: Path) -> None:
    counts = {"seg_train/a": 2, "seg_train/b": 2, "seg_test/a": 2, "seg_test/b": 2, "seg_pred": 5}
    found = labelled(str(write_tree(tmp_path, counts)))
    assert len(found.files) == 8
    assert any("Left out 5" in sentence for sentence in found.remarks)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    found = labelled(str(write_tree(tmp_path, {"bus": 2, "car": 2, "train": 2})))
    assert sorted(set(found.classes)) == ["bus", "car", "train"]
    assert set(found.parts) == {None}


def test_folders_that_hold_the_same_sub_folders_are_never_classes(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {f"{f}/{c}": 2 for f in ("first", "second") for c in "ab"})
    with Refusal(Code.DATA, match=r"parts, not classes") as caught:
        labelled(str(root))
    assert "data.parts={train:first,test:second}" in caught.value.hint
    found = labelled(str(root), {"train": "second", "test": "first"})
    assert sorted(set(found.classes)) == ["a", "b"]
    assert [found.parts[i] for i, f in enumerate(found.files) if "/first/" in f] == [2] * 4
    assert sorted(set(labelled(str(root), "none").classes)) == ["first", "second"]


@pytest.mark.parametrize("parts", ["no", {"train": "first", "tset": "second"}, {"train": "none"}])
def test_parts_that_cannot_be_are_refused(tmp_path: Path, parts) -> None:
    root = write_tree(tmp_path, {f"{f}/{c}": 2 for f in ("first", "second") for c in "ab"})
    with pytest.raises(UserError) as caught:
        labelled(str(root), parts)
    assert (caught.value.code, caught.value.key) == (Code.UNKNOWN_NAME, "data.parts")


def test_parts_in_folders_of_their_own(tmp_path: Path) -> None:
    write_tree(tmp_path / "x", {"a": 3, "b": 3})
    write_tree(tmp_path / "y", {"a": 2, "b": 1})
    samples = images(str(tmp_path / "x"), test_path=str(tmp_path / "y"))
    assert samples.split.tolist() == [0] * 6 + [2] * 3
    write_tree(tmp_path / "y", {"c": 2})
    with Refusal(Code.DATA, "data.val_path"):
        images(str(tmp_path / "x"), val_path=str(tmp_path / "y"))


def test_a_split_twice_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path, {f"{f}/{c}": 2 for f in ("train", "test") for c in "ab"})
    with pytest.raises(UserError) as caught:
        images(str(tmp_path), test_path=str(tmp_path / "test"))
    assert (caught.value.code, caught.value.key) == (Code.CONFLICT, "data.test_path")


def test_a_class_of_other_files_says_which(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"a": 2, "b": 0})
    (root / "b" / "photo.heic").write_text("x")
    with Refusal(Code.DATA, match=r"1 \.heic"):
        labelled(str(root))


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "set", {"a": 2, "b": 2})
    (root / "a" / "up").symlink_to(root)
    assert len(labelled(str(root)).files) == 4


def test_linked_classes_are_read(tmp_path: Path) -> None:
    write_tree(tmp_path / "store", {"a": 2, "b": 3})
    (tmp_path / "set").mkdir()
    for name in "ab":
        (tmp_path / "set" / name).symlink_to(tmp_path / "store" / name)
    assert torch.bincount(images(str(tmp_path / "set")).y).tolist() == [2, 3]
