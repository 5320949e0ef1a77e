"""Images read from disk by worker processes."""

from pathlib import Path

import pytest
import torch

from image_files import write_tree
from quintet.data.module import DataModule
from quintet.data.sources.images import images


@pytest.mark.parametrize(
    "reading", [{}, {"workers": 2}, {"workers": 1, "prefetch": 4, "pin_memory": False}]
)
def test_batches_of_images_on_disk_are_those_in_memory(tmp_path: Path, reading) -> None:
    root = str(write_tree(tmp_path, {"a": 30, "b": 20}))
    common = {"batch_size": 8, "sampler": "balanced"}
    memory = DataModule(lambda: images(root), **common)
    disk = DataModule(lambda: images(root, lazy=True), **common, **reading)
    assert disk.load() == memory.load()
    for epoch in (0, 3):
        loaders = [module.train_dataloader() for module in (disk, memory)]
        for loader in loaders:
            loader.sampler.set_epoch(epoch)
        for (x, y), (own_x, own_y) in zip(*loaders, strict=True):
            torch.testing.assert_close(x, own_x)
            assert torch.equal(y, own_y)
    if reading:
        assert loaders[0].prefetch_factor == reading.get("prefetch", 2)


def test_statistics_of_many_images_are_taken_from_some_and_told(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("quintet.data.loading.disk.PROBED_IMAGES", 10)
    root = str(write_tree(tmp_path, {"a": 30, "b": 20}))
    module = DataModule(lambda: images(root, lazy=True), test=0.2)
    module.load()
    assert any("fitted on 9 of the 35" in sentence for sentence in module.data_summary)
