import pytest
import torch
from torchmetrics import AUROC, Accuracy

from quintet.base.errors import DivergedError
from quintet.modules.epoch_metrics import CHUNK, Meter


def batches(count):
    generator = torch.Generator().manual_seed(0)
    for i in range(count):
        size = 1 + i % 5
        logits = torch.randn(size, 3, generator=generator)
        yield logits, torch.randint(3, (size,), generator=generator)


@pytest.mark.parametrize("metric", [Accuracy, AUROC])
@pytest.mark.parametrize("count", [1, CHUNK, 2 * CHUNK + 3])
def test_values_are_those_of_the_whole_epoch_at_once(metric, count):
    meter = Meter(metric(task="multiclass", num_classes=3), lambda outputs: outputs.softmax(1))
    everything = list(batches(count))
    for logits, y in everything:
        meter.add(logits, y, torch.nn.functional.cross_entropy(logits, y))
    logits, y = (torch.cat(parts) for parts in zip(*everything, strict=True))
    loss, value = meter.compute()
    assert value == pytest.approx(float(metric(task="multiclass", num_classes=3)(logits, y)))
    assert loss == pytest.approx(float(torch.nn.functional.cross_entropy(logits, y)), rel=1e-5)


def test_an_epoch_starts_from_nothing():
    meter = Meter(Accuracy(task="multiclass", num_classes=3), lambda outputs: outputs)
    right, wrong = torch.eye(3), torch.eye(3).roll(1, 0)
    meter.add(wrong, torch.arange(3), torch.tensor(2.0))
    assert meter.compute() == (2.0, 0.0)
    meter.add(right, torch.arange(3), torch.tensor(1.0))
    assert meter.compute() == (1.0, 1.0)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_a_number_is_noticed(loss):
    meter = Meter(Accuracy(task="multiclass", num_classes=3), lambda outputs: outputs)
    meter.add(torch.eye(3), torch.arange(3), torch.tensor(loss))
    with pytest.raises(DivergedError, match=r"optimizer\.lr"):
        meter.flush()


def test_no_graph_is_kept():
    meter = Meter(Accuracy(task="multiclass", num_classes=3), lambda outputs: outputs)
    outputs = torch.eye(3, requires_grad=True) * 2
    meter.add(outputs, torch.arange(3), outputs.sum())
    assert not any(t.requires_grad for batch in meter._batches for t in batch)


@pytest.mark.parametrize("metric", [Accuracy, AUROC])
@pytest.mark.parametrize("count", [1, CHUNK, 2 * CHUNK + 3])
def test_an_epoch_continues_from_a_checkpoint_within_it(metric, count):
    def made():
        return Meter(metric(task="multiclass", num_classes=3), lambda outputs: outputs.softmax(1))

    whole, first, second = made(), made(), made()
    everything = [(x, y, torch.nn.functional.cross_entropy(x, y)) for x, y in batches(count + 5)]
    for batch in everything:
        whole.add(*batch)
    for batch in everything[:count]:
        first.add(*batch)
    names = [*first.state_dict()]
    second.restore(first.so_far())
    for batch in everything[count:]:
        second.add(*batch)
    assert second.compute() == whole.compute()
    assert [*first.state_dict()] == names


@pytest.mark.parametrize(
    "change",
    [
        {"batches": [[torch.zeros(2, 3)] * 2]},
        {"batches": [[torch.zeros(1, 3), torch.zeros(1), torch.zeros(())]] * CHUNK},
        {"states": []},
        {"states": [{}, {}]},
        {"states": 5},
    ],
)
def test_what_is_not_a_part_of_an_epoch_is_refused(change):
    meter = Meter(Accuracy(task="multiclass", num_classes=3), lambda outputs: outputs)
    with pytest.raises((KeyError, TypeError, ValueError, RuntimeError)):
        meter.restore({**meter.so_far(), **change})
