"""The private parts of torch that we use do what they are used for."""

import pytest
import torch
from torch import nn

from quintet.options import torch_internals


def test_batch_and_instance_norms_have_one_base():
    norms = [nn.BatchNorm1d(2), nn.BatchNorm2d(2), nn.SyncBatchNorm(2), nn.InstanceNorm1d(2)]
    assert all(isinstance(norm, torch_internals.BatchOrInstanceNorm) for norm in norms)
    assert not isinstance(nn.LayerNorm(2), torch_internals.BatchOrInstanceNorm)


def test_a_list_of_tensors_is_moved_in_place():
    starts, ends = [torch.zeros(2), torch.ones(1)], [torch.ones(2), torch.zeros(1)]
    torch_internals.lerp_all_(starts, ends, 0.25)
    assert [t.tolist() for t in starts] == [[0.25, 0.25], [0.75]]


def test_a_summary_writer_gives_its_file_writer(tmp_path):
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(tmp_path))
    assert callable(torch_internals.file_writer(writer).add_summary)
    writer.close()


def test_a_batch_of_any_nesting_is_taken_apart_and_put_together():
    batch = {"x": [torch.zeros(2), torch.ones(2)], "y": torch.ones(2)}
    leaves, spec = torch_internals.tree_flatten_with_path(batch)
    assert ["".join(map(str, path)) for path, _ in leaves] == ["['x'][0]", "['x'][1]", "['y']"]
    again = torch_internals.tree_unflatten([leaf + 1 for _, leaf in leaves], spec)
    assert torch.equal(again["x"][1], torch.full((2,), 2.0))
    assert torch.equal(torch_internals.tree_leaves(batch)[1], torch.ones(2))
    doubled = torch_internals.tree_map(lambda leaf: 2 * leaf, batch)
    assert torch.equal(doubled["y"], torch.full((2,), 2.0))
