from pathlib import Path

import pytest

from quintet.artifacts.record import Record
from quintet.training.experiment import run

pytest.importorskip("tensorboard", reason="pip install -e '.[tensorboard]'")


def read(folder: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder / "tensorboard")).Reload()


@pytest.fixture
def told(composed):
    cfg = composed("logger=tensorboard", "optimizer.lr=0.002", "trainer.max_epochs=3")
    run(cfg)
    return read(Path(cfg.paths.run)), Record.read(Path(cfg.paths.run))


def test_curves_have_one_point_an_epoch(told):
    events, _ = told
    for name in ("train/loss", "val/loss", "train/accuracy", "val/accuracy"):
        assert [point.step for point in events.Scalars(name)] == [0, 1, 2], name


def test_final_scores_are_those_of_the_record(told):
    events, record = told
    assert events.Scalars("best/accuracy")[-1].value == pytest.approx(record.metric.value)
    assert events.Scalars("test/accuracy")[-1].value == pytest.approx(record.test["accuracy"])
    (shown,) = events.Tensors("confusion/val/text_summary")
    assert b"true" in shown.tensor_proto.string_val[0]
    assert events.Tensors("status/text_summary")[-1].tensor_proto.string_val == [b"completed"]


def test_the_hparams_page_has_the_choices_and_the_scores(told):
    from tensorboard.plugins.hparams import api_pb2, metadata

    events, _ = told
    content = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    start = metadata.parse_session_start_info_plugin_data(content)
    assert start.hparams["optimizer"].string_value == "adam"
    assert start.hparams["optimizer/lr"].number_value == 0.002
    content = events.summary_metadata["_hparams_/session_end_info"].plugin_data.content
    end = metadata.parse_session_end_info_plugin_data(content)
    assert end.status == api_pb2.STATUS_SUCCESS
    content = events.summary_metadata["_hparams_/experiment"].plugin_data.content
    shown = metadata.parse_experiment_plugin_data(content)
    assert {m.name.tag for m in shown.metric_infos} == {
        "best/accuracy",
        "test/accuracy",
        "test/loss",
    }
