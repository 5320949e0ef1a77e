"""Images in tar shards, as webdataset writes them."""

import gzip
import io
import json
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import runs
from quintet.base.errors import Code, UserError
from quintet.data.facts import check
from quintet.data.sources.images import images
from quintet.data.sources.tar_members import members
from quintet.data.sources.tar_shards import tar_shards
from refusals import Refusal
from runs import TrainHere

SIZE = 8


def picture(number: int) -> bytes:
    """Return a unique PNG whose brightness gives its class."""
    draw = np.random.default_rng(number)
    values = draw.integers(0, 100, (SIZE, SIZE, 3)) + 100 * (number % 2)
    file = io.BytesIO()
    Image.fromarray(values.astype(np.uint8)).save(file, "png")
    return file.getvalue()


def shard(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def numbered(first: int, count: int, label: Any = lambda n: str(n % 2), ending: str = "cls") -> Any:
    files = {}
    for n in range(first, first + count):
        files[f"{n:04}.png"] = picture(n)
        files[f"{n:04}.{ending}"] = label(n).encode()
    return files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three parts, two training shards."""
    for name, first, count in (("train-0", 0, 30), ("train-1", 30, 30), ("val-0", 60, 12)):
        shard(tmp_path / "shards" / f"{name}.tar", numbered(first, count))
    shard(tmp_path / "shards" / "test-0.tar", numbered(72, 12))
    return tmp_path / "shards"


def test_samples_are_read_where_they_lie(folder: Path) -> None:
    samples = tar_shards(str(folder))
    check(samples)
    assert samples.rows is not None
    assert samples.split is not None
    assert len(samples.rows) == 84
    assert samples.split.bincount().tolist() == [60, 12, 12]
    assert samples.y.tolist() == [n % 2 for n in range(30)] * 2 + [0, 1] * 12
    with Image.open(io.BytesIO(picture(77))) as own:  # test-0.tar comes first
        expected = torch.from_numpy(np.array(own)).movedim(-1, 0) / 255
    rows = pickle.loads(pickle.dumps(samples.rows))
    assert torch.allclose(rows.read(torch.tensor([5]))[0], expected)


def test_words_and_keys_of_json_are_labels(tmp_path: Path) -> None:
    words = shard(tmp_path / "a.tar", numbered(0, 6, lambda n: "ab"[n % 2], "txt"))
    assert tar_shards(str(words)).class_names == ["a", "b"]
    inside = shard(tmp_path / "b.tar", numbered(0, 6, lambda n: json.dumps({"y": n % 2}), "json"))
    assert tar_shards(str(inside), label="json.y").y.tolist() == [0, 1] * 3
    assert (
        tar_shards(str(inside), label="json.y", class_names=["x", "y", "z"]).class_names[2] == "z"
    )


def test_a_name_may_have_several_endings(tmp_path: Path) -> None:
    files = numbered(0, 4) | {"sub/0.0/7.png": picture(7), "sub/0.0/7.cls": b"1", ".hidden": b""}
    path = shard(tmp_path / "a.tar", files | {f"{n:04}.seg.png": b"no image" for n in range(4)})
    assert len(tar_shards(str(path)).y) == 5


@pytest.mark.parametrize(
    ("files", "options", "code"),
    [
        ({"1.png": picture(1)}, {}, Code.DATA),
        ({**numbered(0, 2), "9.png": picture(9)}, {}, Code.DATA),
        ({**numbered(0, 2), "0001.jpg": picture(9)}, {}, Code.DATA),
        (numbered(0, 2, lambda n: "{", "json"), {"label": "json.y"}, Code.DATA),
        (numbered(0, 4), {"class_names": ["a"]}, Code.INCOMPATIBLE),
        ({"0.png": b"no image", "0.cls": b"0", **numbered(2, 3)}, {}, Code.DAMAGED),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, files: Any, options: Any, code: Code) -> None:
    with pytest.raises(UserError) as error:
        tar_shards(str(shard(tmp_path / "a.tar", files)), **options)
    assert error.value.code is code


def test_a_compressed_archive_and_none_are_refused(tmp_path: Path) -> None:
    plain = shard(tmp_path / "a.tar", numbered(0, 2)).read_bytes()
    (tmp_path / "b.tar").write_bytes(gzip.compress(plain))
    with Refusal(Code.DAMAGED, match="not a readable tar archive"):
        list(members(tmp_path / "b.tar"))
    with pytest.raises(UserError) as error:
        tar_shards(str(tmp_path / "nowhere"))
    assert error.value.code is Code.NOT_FOUND


def test_shards_of_which_some_name_their_part_are_refused(folder: Path) -> None:
    (folder / "val-0.tar").rename(folder / "more-0.tar")
    with Refusal(Code.DATA, "data.path"):
        tar_shards(str(folder))


def test_a_run_on_shards_is_one_on_the_files(
    folder: Path, tmp_path: Path, train_here: TrainHere
) -> None:
    for n in range(84):
        part = "train" if n < 60 else ("val" if n < 72 else "test")
        place = tmp_path / "files" / part / str(n % 2)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{n:04}.png").write_bytes(picture(n))
    words = ("trainer.max_epochs=2", "callbacks.progress=null", "seed=1")
    train_here(tmp_path / "a", f"data.path={folder}", "data=tar_shards", *words, "data.workers=0")
    train_here(tmp_path / "b", f"data.path={tmp_path / 'files'}", "data=images", *words)
    found = [runs.record(tmp_path / name) for name in "ab"]
    assert found[0]["facts"]["test_size"] == found[1]["facts"]["test_size"] == 12
    assert found[0]["metric"]["value"] is not None
    assert images(str(tmp_path / "files")).x.shape[1:] == (3, SIZE, SIZE)


def sparse(name: str) -> tarfile.TarInfo:
    """Return a member that claims 32 TB, and has a byte of them."""
    info = tarfile.TarInfo(name)
    info.size = 512 + 1
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": name}
    info.pax_headers["GNU.sparse.realsize"] = str(2**45)
    return info


@pytest.mark.parametrize("name", ["0009.png", "0009.cls"])
def test_a_sparse_member_is_not_a_file_of_its_size(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(sparse(name), io.BytesIO(b"1\n0\n1\n".ljust(512, b"\0") + b"1"))
    assert not list(members(tmp_path / "a.tar"))


@pytest.mark.parametrize(
    ("key", "value"), [("GNU.sparse.map", "1,2,x"), ("GNU.sparse.size", "1e3")]
)
def test_numbers_in_headers_that_are_none_are_refused(tmp_path: Path, key: str, value: str) -> None:
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("0.png")
        info.pax_headers = {key: value}
        archive.addfile(info)
    with pytest.raises(UserError) as error:
        list(members(tmp_path / "a.tar"))
    assert error.value.code is Code.DAMAGED


@pytest.mark.parametrize("label", ["99999999999", "100000", "9" * 5000])
def test_a_number_as_a_label_makes_no_billions_of_classes(tmp_path: Path, label: str) -> None:
    files = numbered(0, 4, lambda n: label if n == 3 else str(n % 2))
    with pytest.raises(UserError) as error:
        tar_shards(str(shard(tmp_path / "a.tar", files)))
    assert error.value.code is Code.OUT_OF_RANGE


def test_half_a_character_is_not_a_label(tmp_path: Path) -> None:
    files = numbered(0, 2, lambda n: '{"label": "\\ud800"}', "json")
    with pytest.raises(UserError, match="has no label"):
        tar_shards(str(shard(tmp_path / "a.tar", files)))


@pytest.mark.parametrize("name", ["a[1]", "a::b", "a*?"])
def test_a_folder_is_none_of_patterns(tmp_path: Path, name: str) -> None:
    shard(tmp_path / name / "train-0.tar", numbered(0, 4))
    samples = tar_shards(str(tmp_path / name))
    assert len(samples.y) == 4
    member = next(each for _, each in members(tmp_path / name / "train-0.tar"))
    assert pickle.loads(pickle.dumps(member)) == member
