import lightning.pytorch as L
import pytest
import torch

from quintet.training.callbacks.best import BestCheckpoint


class Scripted(L.LightningModule):
    """Logs the scores it is given, one an epoch; its weight is the epoch's number."""

    def __init__(self, scores):
        super().__init__()
        self.scores = scores
        self.epoch = torch.nn.Parameter(torch.zeros(()))

    def training_step(self, batch, _):
        return 0 * self.epoch

    def validation_step(self, batch, _):
        self.log("score", self.scores[self.current_epoch])

    def on_train_epoch_start(self):
        self.epoch.data.fill_(self.current_epoch)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.0)


@pytest.mark.parametrize(
    ("mode", "scores", "kept"),
    [
        ("max", [0.1, 0.9, 0.5, 0.9, 0.8], 3),
        ("max", [0.9, 0.1, 0.2], 0),
        ("min", [3.0, 1.0, 2.0, 1.0, 1.5], 3),
        ("min", [1.0, 2.0, 3.0], 0),
    ],
)
def test_the_latest_of_the_best_is_kept(tmp_path, mode, scores, kept):
    keep = BestCheckpoint(
        tmp_path,
        filename="best",
        monitor="score",
        mode=mode,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    trainer = L.Trainer(
        accelerator="cpu",
        max_epochs=len(scores),
        callbacks=[keep],
        logger=False,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Scripted(scores), [torch.zeros(1)], [torch.zeros(1)])
    assert [path.name for path in tmp_path.iterdir()] == ["best.ckpt"]
    saved = torch.load(tmp_path / "best.ckpt", weights_only=True)
    assert int(saved["state_dict"]["epoch"]) == kept


@pytest.mark.parametrize("path", ["..", "/", "../../journal.log", "/etc/passwd", 3])
def test_a_path_that_is_no_checkpoints_is_refused(tmp_path, path):
    keep = BestCheckpoint(tmp_path, monitor="score")
    state = keep.state_dict()
    for key in ("best_model_path", "kth_best_model_path", "last_model_path", "best_k_models"):
        odd = {path: torch.tensor(0.0)} if key == "best_k_models" else path
        with pytest.raises((ValueError, TypeError)):
            keep.load_state_dict(state | {key: odd})


def test_a_path_elsewhere_is_a_name_in_the_folder(tmp_path):
    keep = BestCheckpoint(tmp_path, monitor="score")
    keep.load_state_dict(keep.state_dict() | {"best_model_path": "/home/other/best.ckpt"})
    assert keep.best_model_path == str(tmp_path / "best.ckpt")
