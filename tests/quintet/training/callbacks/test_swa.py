"""The mean of the weights at the ends of epochs, with its own running statistics."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim.swa_utils import update_bn

from quintet.artifacts import checkpoints
from quintet.artifacts.checkpoint_io import WholeCheckpointIO
from quintet.ensembles.reload import trained
from running import SHORT, ran

RUN = (*SHORT, "data=digits_table", "model.width=8", "model.batch_norm=true", "model.dropout=0")
RUN += ("trainer.limit_train_batches=1.0", "trainer.max_epochs=4", "scheduler=constant")


@pytest.fixture(scope="module")
def averaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A run that averages its last two epochs of four, and its states at the epochs' ends."""
    folder, states = tmp_path_factory.mktemp("swa"), []
    save = WholeCheckpointIO.save_checkpoint

    def note(self: Any, checkpoint: Any, path: Any, **options: Any) -> None:
        save(self, checkpoint, path, **options)
        if Path(path).stem == "last":
            states.append(checkpoints.load(Path(path)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WholeCheckpointIO, "save_checkpoint", note)
        ran(folder, *RUN, "callbacks=swa", "callbacks.swa.start=0.5")
    return folder, states


def test_the_average_is_the_mean_of_the_last_epochs(
    averaged: tuple[Path, list[dict[str, Any]]],
) -> None:
    _, states = averaged
    weight = "model.hidden.0.weight"
    own = [state["current_model_state"][weight] for state in states]
    saved = [state["state_dict"][weight] for state in states]
    assert [torch.equal(a, b) for a, b in zip(own[:3], saved[:3], strict=True)] == [True] * 3
    assert torch.allclose(saved[3], (own[2] + own[3]) / 2)
    assert not torch.allclose(saved[3], own[3])


def test_running_statistics_are_those_of_the_average(
    averaged: tuple[Path, list[dict[str, Any]]],
) -> None:
    folder, _ = averaged
    run = trained(folder, "last")
    run.data.load()
    saved = {name: b.clone() for name, b in run.task.model.named_buffers() if "running" in name}
    update_bn(run.data.train_dataloader(), run.task.model)
    assert saved
    for name, buffer in run.task.model.named_buffers():
        if "running" in name:
            assert torch.allclose(buffer, saved[name], rtol=0.05, atol=0.02)  # in other batches
