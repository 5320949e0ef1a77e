"""`metrics=[...]`: measured wherever the primary metric is, without deciding anything."""

import csv

import pytest
from hydra import compose, initialize_config_dir

from quintet.artifacts.record import Record
from quintet.base.errors import Code, UserError
from quintet.base.paths import CONFIGS
from quintet.commands.evaluation import evaluate
from quintet.config import further_metrics
from quintet.config.compatibility import check_choices
from quintet.ensembles.cross_validation import run
from quintet.report.run.run_data import RunData
from quintet.report.run.run_page import write
from quintet.study.ranking import rows
from quintet.study.trial import Trial
from quintet.sweep.trial_outcome import recorded
from quintet.testing.running import SHORT, composed, ran
from quintet.trackers.run_facts import outcome

ASKED = "metrics=[f1,auc_roc]"
BINARY = (*SHORT, "data=breast_cancer", ASKED)
NAMES = {"f1", "auc_roc"}


def prepared(tmp_path, *overrides):
    """Return a config with its metrics, as `train` has it before data are read."""
    cfg = composed(tmp_path, *overrides)
    further_metrics.expand(cfg)
    return cfg


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("further") / "run"
    ran(place, *BINARY)
    return place


def test_both_splits_are_measured_and_recorded(folder):
    record = Record.read(folder)
    assert record.metric.name == "accuracy"
    assert record.metrics == ["f1", "auc_roc"]
    assert record.validation.keys() >= NAMES
    assert record.test.keys() >= NAMES
    assert record.further == {name: record.validation[name] for name in ("f1", "auc_roc")}


def test_each_epoch_is_measured(folder):
    with (folder / "metrics.csv").open() as file:
        assert {f"val/{name}" for name in NAMES} <= next(csv.DictReader(file)).keys()


def test_their_values_are_those_that_decide_elsewhere(folder, tmp_path):
    other = ran(tmp_path / "other", *BINARY[:-1], "metric=f1")
    assert Record.read(folder).test["f1"] == other.test["f1"]


def test_the_report_has_intervals_of_them(folder, tmp_path):
    scores = RunData.read(folder).scores["test"]
    assert [*scores][:3] == ["accuracy", "f1", "auc_roc"]
    assert scores["f1"].low <= scores["f1"].value <= scores["f1"].high
    assert "auc_roc" in write(folder, tmp_path / "page.html").read_text()


def test_trackers_receive_them(folder):
    assert {"best/f1", "test/f1", "best/auc_roc"} <= outcome(Record.read(folder)).keys()


def test_evaluate_measures_them_again(folder):
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        own = ["trainer=cpu", "trainer.default_root_dir=null", "baselines=false"]
        cfg = compose("evaluate", [f"run={folder}", *own])
    scores, record = evaluate(cfg), Record.read(folder)
    assert scores["test"]["auc_roc"] == record.test["auc_roc"]
    assert scores["val"]["f1"] == record.validation["f1"]


def test_the_leaderboard_has_a_column_of_each(folder):
    ended = recorded(folder)
    assert ended is not None
    trial = Trial(0, "completed", ended.value, {"optimizer.lr": "0.1"}, notes=ended.notes({}))
    row = rows([trial], "max", folder)[0]
    assert row["f1"] == Record.read(folder).validation["f1"]
    assert [*row][-3:] == ["f1", "auc_roc", "optimizer.lr"]


def test_folds_take_their_mean_and_test_the_averaged_predictions(tmp_path):
    tmp_path.joinpath("run").mkdir()
    record = run(composed(tmp_path / "run", *BINARY, "cv.folds=2"))
    each = [Record.read(tmp_path / "run" / name).validation["f1"] for name in record.repeats]
    assert record.validation["f1"] == pytest.approx(sum(each) / 2)
    assert record.test.keys() >= NAMES


def test_a_metric_may_be_changed_by_its_own_settings(tmp_path):
    cfg = prepared(tmp_path, "metrics={f1:{threshold:0.9}}")
    assert cfg.metrics.f1.threshold == 0.9
    assert cfg.metrics.f1.name == "f1"


def test_without_any_nothing_changes(tmp_path):
    assert ran(tmp_path / "run", *BINARY[:-1]).metrics == []


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        (["metrics=[f1,f1]"], Code.CONFLICT),
        (["metrics=[accuracy]"], Code.CONFLICT),
        (["metrics=[fone]"], Code.UNKNOWN_NAME),
        (["metrics=[elbo]"], Code.UNKNOWN_NAME),
        (["metrics=[rmse]"], Code.INCOMPATIBLE),
        (["metrics=[f1]", "module=gan"], Code.INCOMPATIBLE),
        (["metrics=3"], Code.WRONG_TYPE),
        (["metrics={f1:3}"], Code.WRONG_TYPE),
        (["metrics={f1:{colour:red}}"], Code.UNKNOWN_NAME),
    ],
)
def test_what_cannot_be_measured_is_refused(overrides, code, tmp_path):
    from quintet.training.setup import validate

    with pytest.raises(UserError) as found:
        validate(composed(tmp_path, *overrides))
    assert found.value.code == code
    assert "metrics" in str(found.value)


def test_what_fits_only_other_data_is_refused_once_they_are_read(tmp_path):
    cfg = prepared(tmp_path, "data=csv", "metrics=[f1]")
    check_choices(cfg)
    cfg.facts.task = "regression"
    with pytest.raises(UserError) as caught:
        check_choices(cfg)
    assert (caught.value.code, caught.value.key) == (Code.INCOMPATIBLE, "metrics")


def test_baselines_are_measured_by_them_too(tmp_path):
    """As by a run that one of them decides, in result.json and on the page."""
    words = [word for word in BINARY if not word.startswith(("baselines", "metrics"))]
    record = ran(tmp_path / "run", *words, ASKED)
    other = ran(tmp_path / "other", *words, "metric=f1")
    assert {*record.baselines["linear"]} == {
        *("val", "test", "val/f1", "test/f1", "val/auc_roc", "test/auc_roc")
    }
    for name, values in other.baselines.items():
        assert record.baselines[name]["test/f1"] == values["test"]
    page = write(tmp_path / "run", tmp_path / "page.html").read_text()
    assert "test f1" in page
