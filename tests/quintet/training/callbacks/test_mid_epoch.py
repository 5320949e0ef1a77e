"""Runs that are interrupted within an epoch and resumed there."""

from pathlib import Path

import pytest
import torch

import outside
import runs
from quintet.artifacts import checkpoints
from quintet.training.callbacks.mid_epoch import SO_FAR, MidEpoch
from runs import TrainHere
from usual import every

EPOCHS = ("trainer.max_epochs=3", "callbacks.progress=null", "test=false")
STEPS = "trainer.log_every_n_steps=3"
EVERY = ("callbacks=mid_epoch", "callbacks.mid_epoch.every=3", "trust=outside")
SOURCES = {
    "memory": ("model.dropout=0.2",),
    "augmented": ("data.augment=[mixup]", "trainer.accumulate_grad_batches=2"),
    "stateful": (*outside.WORDS, "data=stateful", "model.dropout=0.2"),
}


class PowerCutError(RuntimeError):
    """What ends a run."""


@pytest.fixture
def cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """End training right after the ninth checkpoint within epochs, in the second epoch."""
    save, saved = MidEpoch.on_train_batch_end, []

    def save_and_end(self, trainer, *step) -> None:
        before = checkpoints.newest(self.path.parent.parent)
        save(self, trainer, *step)
        batch = step[-1]
        if before and trainer.current_epoch == 1 and (batch + 1) % 12 == 0:
            saved.append(batch)
            raise PowerCutError

    monkeypatch.setattr(MidEpoch, "on_train_batch_end", save_and_end)


@pytest.mark.parametrize("source", every(3, SOURCES))
def test_a_run_continues_in_the_middle_of_an_epoch(
    source: str, tmp_path: Path, train_here: TrainHere, request: pytest.FixtureRequest
) -> None:
    if source == "stateful":
        pytest.importorskip("torchdata")
    words = (*SOURCES[source], *EPOCHS, STEPS)
    train_here(tmp_path / "whole", *words, "trust=outside")
    request.getfixturevalue("cut_off")
    with pytest.raises(SystemExit):
        train_here(tmp_path / "parts", *words, *EVERY)
    assert checkpoints.epochs(tmp_path / "parts") == 1
    request.getfixturevalue("monkeypatch").undo()
    train_here(None, f"resume={tmp_path / 'parts'}", "trust=outside")
    ends = [
        checkpoints.load(tmp_path / name / "checkpoints/last.ckpt") for name in ("whole", "parts")
    ]
    assert ends[0]["global_step"] == ends[1]["global_step"]
    for name in ("metrics.csv", "steps.csv"):
        assert (tmp_path / "parts" / name).read_text() == (tmp_path / "whole" / name).read_text()
    for name, weight in ends[0]["state_dict"].items():
        assert weight.equal(ends[1]["state_dict"][name]), name
    assert runs.epochs(tmp_path / "parts") == 3


@pytest.mark.parametrize(
    "wrong",
    [5, {}, {"batches": [], "states": []}, {"batches": [[torch.zeros(2)] * 3], "states": []}],
)
def test_what_is_not_a_part_of_an_epoch_is_refused_by_the_checkpoints_name(
    wrong: object, tmp_path: Path, train_here: TrainHere, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("cut_off")
    with pytest.raises(SystemExit):
        train_here(tmp_path / "run", *EPOCHS, *EVERY)
    path = tmp_path / "run/checkpoints/last.ckpt"
    torch.save({**checkpoints.load(path), SO_FAR: wrong}, path)
    request.getfixturevalue("monkeypatch").undo()
    with pytest.raises(SystemExit, match=r"last\.ckpt"):
        train_here(None, f"resume={tmp_path / 'run'}", "trust=outside")


def test_a_loader_without_a_state_is_named(
    tmp_path: Path, train_here: TrainHere, capsys: pytest.CaptureFixture
) -> None:
    words = (*outside.WORDS, "module=lit", "data=lit", "metric=logged", "metric.name=acc")
    more = ("metric.mode=max", "trainer.max_epochs=1", "callbacks.progress=null", *EVERY)
    place = (f"hydra.run.dir={tmp_path / 'run'}", f"paths.logs={tmp_path}", "trainer=cpu")
    train_here(None, *place, *words, *more, "report=false")
    said = " ".join(capsys.readouterr().out.split())
    assert "a DataLoader, has no state_dict, so runs resume from the end of an epoch" in said
