"""Frozen layers of any LightningModule are trained from a given epoch on."""

from typing import Any

import lightning.pytorch as L
import pytest
import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from quintet.base.errors import Code, UserError
from quintet.training.callbacks.session import replan
from quintet.training.callbacks.unfreeze import Unfreeze


class Own(L.LightningModule):
    """A team's own module, which optimizes what its constructor leaves trainable."""

    def __init__(self, frozen: str = "body") -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
        self.head = nn.Linear(3, 1)
        self.spare = nn.Linear(1, 1)
        if frozen:
            self.get_submodule(frozen).requires_grad_(False)
        self.seen: list[dict[str, Tensor]] = []

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return self.head(self.body(batch)).square().mean()

    def on_train_epoch_end(self) -> None:
        self.seen.append({name: value.clone() for name, value in self.state_dict().items()})

    def configure_optimizers(self) -> Any:
        kept = [p for m in (self.body, self.head) for p in m.parameters() if p.requires_grad]
        optimizer = AdamW(
            [{"params": kept[:2], "lr": 0.01}, {"params": kept[2:]}], weight_decay=0.5
        )
        return [optimizer], [OneCycleLR(optimizer, [0.01, 0.1], total_steps=8)]


def fitted(module: L.LightningModule, epochs: int = 3, **frozen_epochs: int) -> L.Trainer:
    torch.manual_seed(0)
    trainer = L.Trainer(
        accelerator="cpu", max_epochs=epochs, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
        callbacks=[Unfreeze(frozen_epochs)],
    )  # fmt: skip
    trainer.fit(module, torch.utils.data.DataLoader(torch.randn(8, 3), batch_size=4))
    return trainer


def test_a_layer_is_trained_from_its_epoch_on() -> None:
    """Its decay and the statistics of its norm begin then, too."""
    own = Own()
    begun = {name: value.clone() for name, value in own.state_dict().items()}
    fitted(own, body=2)
    body = [name for name in begun if name.startswith("body")]
    for epoch, same in enumerate((True, True, False)):
        assert {torch.equal(own.seen[epoch][n], begun[n]) for n in body} == {same}, epoch
    assert not torch.equal(own.seen[0]["head.weight"], begun["head.weight"])


def test_of_several_patterns_the_last_counts() -> None:
    own = Own()
    begun = own.body[0].weight.detach().clone()
    trainer = fitted(own, **{"body": 9, "body.0": 1})
    assert not torch.equal(own.body[0].weight, begun)
    assert own.body[1].weight.unique().tolist() == [1]
    assert len(trainer.optimizers[0].param_groups) == 2


def test_a_schedule_is_rebuilt_for_all_groups_while_some_are_frozen() -> None:
    own = Own()
    trainer = fitted(own, body=9)
    replan(trainer, own)
    assert [len(g["params"]) for g in trainer.optimizers[0].param_groups] == [2, 4]
    assert not own.body[0].weight.requires_grad


@pytest.mark.parametrize(
    ("frozen_epochs", "code"),
    [
        ({}, Code.MISSING_VALUE),
        ({"body": 0}, Code.OUT_OF_RANGE),
        ({"body": 1.5}, Code.OUT_OF_RANGE),
        ({"boddy": 1}, Code.UNKNOWN_NAME),
        ({"spare": 1}, Code.INCOMPATIBLE),  # no optimizer has it
        ({"body": 1, "head": 1}, Code.INCOMPATIBLE),  # nothing is left
    ],
)
def test_phases_that_cannot_be_are_refused(frozen_epochs: dict[str, Any], code: Code) -> None:
    with pytest.raises(UserError) as caught:
        fitted(Own(), **frozen_epochs)
    assert caught.value.code is code
    assert str(caught.value.key).startswith("callbacks.unfreeze.frozen_epochs")
