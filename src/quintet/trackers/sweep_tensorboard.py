"""A sweep in TensorBoard: trials write their own rows; those of killed trials are ended here."""

from typing import Any

from quintet.trackers.sweep_trackers import SweepSummary
from quintet.trackers.tensorboard_run import session_end

FOLDER = "tensorboard"


def log_sweep(settings: dict[str, Any], sweep: SweepSummary) -> None:
    """End the rows of trials that could not end them themselves."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    for trial in sweep.failures:
        place = trial.folder / FOLDER
        if trial.recorded or not place.is_dir():
            continue
        writer = EventFileWriter(str(place))
        writer.add_event(Event(summary=session_end(trial.status)))
        writer.close()
