"""TensorBoard: curves, and a table of hyperparameters with the final scores."""

from lightning.pytorch.loggers import TensorBoardLogger

from quintet.artifacts.record import Record
from quintet.options.torch_internals import file_writer
from quintet.trackers import media
from quintet.trackers.run_facts import About, outcome
from quintet.trackers.tensorboard_run import session_end
from quintet.trackers.tracker import Tracker, require

require("tensorboard", ".[tensorboard]")


class TensorBoard(Tracker, TensorBoardLogger):
    """Writes event files into `tensorboard/` of the run folder.

    Args:
        save_dir: the run folder.

    """

    title = "TensorBoard"

    def __init__(self, save_dir: str) -> None:
        super().__init__(save_dir, name="", version="tensorboard", default_hp_metric=False)

    def open(self, about: About) -> None:
        """Write the config as a row of the HPARAMS page; `close` adds the scores."""
        from torch.utils.tensorboard.summary import hparams

        name = about.metric.removeprefix("val/")
        scores = (f"best/{name}", f"test/{name}", "test/loss")
        known = {key: value for key, value in about.hparams.items() if value is not None}
        experiment, start, _ = hparams(known, dict.fromkeys(scores, 0.0))  # type: ignore[no-untyped-call]
        writer = file_writer(self.experiment)
        writer.add_summary(experiment)
        writer.add_summary(start)

    def save(self) -> None:
        """Flush to disk; Lightning's method would also write an empty hparams.yaml."""
        self.attempt(self.experiment.flush)

    def close(self, record: Record) -> None:
        """Write the scores and the final status."""
        for name, value in outcome(record).items():
            self.experiment.add_scalar(name, value, record.epochs)
        status = record.status if record.reason is None else f"{record.status}: {record.reason}"
        self.experiment.add_text("status", status, record.epochs)
        if (found := media.confusion(self.about.folder, record)) is not None:
            self.experiment.add_text("confusion/val", found.markdown(), record.epochs)
        file_writer(self.experiment).add_summary(session_end(record.status))
        self.experiment.close()
