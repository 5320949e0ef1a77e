"""How a packed ensemble is trained: each member by a loss of its own."""

import pytest
import torch
from subjects import subject
from torch.nn import functional

from quintet.modules.stacked import Member, StackedModule


@pytest.fixture
def packed(tmp_path):
    return subject(tmp_path, "data=wine", "model=tabm", "model.width=8", "model.dropout=0")


def test_the_loss_is_the_mean_of_the_members_not_that_of_their_average(packed):
    task = packed.make()
    x, y = (part[:20] for part in packed.data.splits["train"])
    each = task.model.members(x)
    wanted = torch.stack([functional.cross_entropy(own, y) for own in each.unbind(1)]).mean()
    torch.testing.assert_close(task.training_step((x, y), 0), wanted)
    assert wanted > functional.cross_entropy(task.model(x), y)


def test_it_is_evaluated_as_one_model(packed):
    task = packed.make().eval()
    x, y = packed.data.splits["val"]
    torch.testing.assert_close(task.validation_step((x, y), 0), task.model(x))


def test_it_trains_alone(packed):
    members = [Member(packed.make(), seed) for seed in (0, 1)]
    with pytest.raises(RuntimeError, match="packed ensemble"):
        StackedModule(members, one_loss=True)
