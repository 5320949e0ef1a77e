import torch

from quintet.data import bundled
from quintet.data.module import DataModule

CPU, ELSEWHERE = torch.device("cpu"), torch.device("meta")


def test_a_batch_that_is_on_the_device_is_left_alone():
    batch = torch.zeros(2), torch.ones(2)
    assert DataModule(bundled.digits).transfer_batch_to_device(batch, CPU, 0) is batch


def test_a_batch_from_elsewhere_is_moved():
    batch = torch.zeros(2), torch.ones(2)
    moved = DataModule(bundled.digits).transfer_batch_to_device(batch, ELSEWHERE, 0)
    assert {tensor.device for tensor in moved} == {ELSEWHERE}
