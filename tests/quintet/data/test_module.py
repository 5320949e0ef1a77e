import pytest
import torch

from quintet.base.errors import Code, UserError
from quintet.data.module import DataModule
from quintet.data.sources import bundled

CPU, ELSEWHERE = torch.device("cpu"), torch.device("meta")


def test_a_batch_that_is_on_the_device_is_left_alone():
    batch = torch.zeros(2), torch.ones(2)
    assert DataModule(bundled.digits).transfer_batch_to_device(batch, CPU, 0) is batch


def test_a_batch_from_elsewhere_is_moved():
    batch = torch.zeros(2), torch.ones(2)
    moved = DataModule(bundled.digits).transfer_batch_to_device(batch, ELSEWHERE, 0)
    assert {tensor.device for tensor in moved} == {ELSEWHERE}


def test_balanced_training_leaves_validation_and_facts_alone():
    plain = DataModule(bundled.digits_imbalanced, batch_size=100)
    module = DataModule(bundled.digits_imbalanced, batch_size=100, sampler="balanced")
    assert module.load() == plain.load()
    shares = [float(y.float().mean()) for _, y in module.train_dataloader()]
    assert abs(sum(shares) / len(shares) - 0.5) < 0.03
    for (x, y), (own_x, own_y) in zip(module.val_dataloader(), plain.val_dataloader(), strict=True):
        assert torch.equal(x, own_x)
        assert torch.equal(y, own_y)


def test_labels_are_balanced_by_their_combinations():
    module = DataModule(bundled.digits_multilabel, batch_size=64, sampler="balanced")
    module.load()
    assert module.classes is not None
    drawn = torch.cat([y for _, y in module.train_dataloader()])
    _, counts = torch.unique(drawn, dim=0, return_counts=True)
    assert int(counts.max()) < 1.5 * int(counts.min())


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"sampler": "even"}, "data.sampler"), ({"workers": -1}, "data.workers"),
        ({"workers": 1, "prefetch": 0}, "data.prefetch"), ({"prefetch": 2}, "data.prefetch"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(settings, key):
    with pytest.raises(UserError) as caught:
        DataModule(bundled.digits, **settings)
    assert caught.value.key == key


def test_a_regression_has_no_classes_to_balance():
    with pytest.raises(UserError) as caught:
        DataModule(bundled.diabetes, sampler="balanced").load()
    assert (caught.value.code, caught.value.key) == (Code.INCOMPATIBLE, "data.sampler")


def test_workers_without_a_use_are_reported():
    module = DataModule(bundled.wine, workers=2)
    module.load()
    assert any("in memory" in sentence for sentence in module.data_summary)
