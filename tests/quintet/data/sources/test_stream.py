from pathlib import Path

import pytest
import torch

from quintet.base.errors import Code, UserError
from quintet.data.facts import check, fingerprint
from quintet.data.module import DataModule
from quintet.data.sources.bundled import breast_cancer
from quintet.data.sources.reader import read_new
from quintet.data.sources.stream import shards, stream
from refusals import Refusal

pytest.importorskip("datasets")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write the breast cancer data as four shards, in the order of the rows."""
    from sklearn.datasets import load_breast_cancer

    frame = load_breast_cancer(as_frame=True).frame
    frame.insert(0, "site", ["north", "south", "west"] * 189 + ["north"] * 2)
    (tmp_path / "shards").mkdir()
    for number in range(4):
        part = frame.iloc[number * 150 : (number + 1) * 150]
        part.to_parquet(tmp_path / "shards" / f"{number}.parquet")
    return tmp_path / "shards"


def opened(folder: Path, **more):
    return stream(str(folder), "target", cache=str(folder.parent / "cache"), **more)


def test_inputs_stay_on_disk_and_read_as_in_memory(folder: Path) -> None:
    samples = opened(folder)
    check(samples)
    assert samples.x.shape == (0, 31)
    assert samples.cardinalities == [4]
    index = torch.tensor([3, 400, 7])
    read = samples.rows.read(index)
    torch.testing.assert_close(read[:, :30], breast_cancer().x[index])
    assert read[:, 30].tolist() == [1.0, 2.0, 2.0]
    assert torch.equal(samples.y, breast_cancer().y)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_those_of_data_in_memory(folder: Path, workers: int) -> None:
    common = {"batch_size": 50, "seed": 3}
    on_disk = DataModule(lambda: opened(folder, drop="site"), workers=workers, **common)
    in_memory = DataModule(breast_cancer, **common)
    assert on_disk.load().train_size == in_memory.load().train_size
    for ours, theirs in (
        (on_disk.train_dataloader(), in_memory.train_dataloader()),
        (on_disk.test_dataloader(), in_memory.test_dataloader()),
    ):
        assert len(ours) == len(theirs)
        for (x, y), (memory_x, memory_y) in zip(ours, theirs, strict=True):
            torch.testing.assert_close(x, memory_x)
            assert torch.equal(y, memory_y)


def test_each_epoch_has_an_order_of_its_own(folder: Path) -> None:
    module = DataModule(lambda: opened(folder), batch_size=64)
    module.load()
    loader = module.train_dataloader()
    first = next(iter(loader))[0]
    loader.sampler.set_epoch(1)
    assert not torch.equal(next(iter(loader))[0], first)
    loader.sampler.set_epoch(0)
    assert torch.equal(next(iter(loader))[0], first)


def test_two_ranks_share_the_samples(folder: Path) -> None:
    from quintet.data.loading.disk import Prefetch, disk_loader
    from quintet.data.loading.loader import TensorLoader

    samples = opened(folder)
    index = torch.arange(569)
    seen = [
        y
        for rank in range(2)
        for _, y in disk_loader(
            samples.rows,
            TensorLoader(index, index, 64, rank=rank, world_size=2),
            lambda x: x,
            Prefetch(),
        )
    ]
    assert sorted(torch.cat(seen).tolist()) == index.tolist()


def test_csv_shards_give_the_same_samples(folder: Path, tmp_path: Path) -> None:
    import pandas as pd

    (tmp_path / "text").mkdir()
    for file in folder.glob("*.parquet"):
        pd.read_parquet(file).to_csv(tmp_path / "text" / f"{file.stem}.csv", index=False)
    text = opened(tmp_path / "text")
    assert fingerprint(text) == fingerprint(opened(folder))


def test_a_new_file_reads_the_same_way(folder: Path) -> None:
    samples = opened(folder)
    new = read_new(folder / "1.parquet", samples.reader)
    torch.testing.assert_close(new.x, samples.rows.read(torch.arange(150, 300)))


def test_shards_that_cannot_be_used_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        shards(str(tmp_path))
    assert caught.value.code is Code.NOT_FOUND
    assert caught.value.key == "data.path"
    (folder / "x.csv").write_text("a\n1\n")
    with pytest.raises(UserError) as caught:
        shards(str(folder))
    assert caught.value.code is Code.CONFLICT
    assert caught.value.key == "data.path"
    assert len(shards(str(folder / "*.parquet"))) == 4
    with Refusal(Code.UNKNOWN_NAME, "data.target", "targt") as caught:
        stream(str(folder / "*.parquet"), "targt", cache=str(tmp_path / "cache"))
    assert caught.value.code is Code.UNKNOWN_NAME
    assert caught.value.key == "data.target"
    (folder / "4.parquet").write_bytes(b"PAR1 no more")
    with Refusal(Code.DAMAGED, match=r"cannot be read as parquet") as caught:
        stream(str(folder / "*.parquet"), "target", cache=str(tmp_path / "cache"))
    assert caught.value.code is Code.DAMAGED


def test_a_column_names_the_parts(folder: Path, tmp_path: Path) -> None:
    import pandas as pd

    (tmp_path / "parts").mkdir()
    for file in folder.glob("*.parquet"):
        frame = pd.read_parquet(file)
        frame["part"] = ["test" if n % 4 == 0 else "train" for n in range(len(frame))]
        frame.to_parquet(tmp_path / "parts" / file.name)
    samples = opened(tmp_path / "parts", split="part")
    assert samples.x.shape == (0, 31)
    assert int((samples.split == 2).sum()) == 3 * 38 + 30


def test_a_name_is_not_a_pattern(folder: Path, tmp_path: Path) -> None:
    (folder / "0.parquet").rename(tmp_path / "a[1].parquet")
    (folder / "3.parquet").rename(tmp_path / "a1.parquet")  # what the pattern stands for
    samples = stream(str(tmp_path / "a[1].parquet"), "target", cache=str(tmp_path / "cache"))
    assert len(samples.y) == 150
