"""Modules and data written for plain Lightning, without a change in the engine."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

import outside
import runs
from quintet.base.errors import Code
from quintet.base.paths import CONFIGS
from quintet.commands.evaluation import evaluate
from quintet.config.trust import Trust
from quintet.diagnostics.training_curves import read as read_rows
from quintet.ensembles.reload import trained
from quintet.training.experiment import has_test_step
from refusals import Refusal
from runs import Once, TrainHere

LIT = ("module=lit", "data=lit", "metric=logged", "metric.name=acc", "metric.mode=max")
QUIET = ("callbacks.progress=null", "report=false", "trust=outside")


def at(folder: Path) -> tuple[str, ...]:
    """Return the overrides of a run in a folder that finds a team's configs."""
    return (*outside.WORDS, f"hydra.run.dir={folder}", f"paths.logs={folder.parent}", "trainer=cpu")


@pytest.fixture(scope="session")
def lit_run(once: Once) -> Path:
    """Two epochs of a module and data in the style of lightning-hydra-template."""
    words = (*LIT, *QUIET, "trainer.max_epochs=2")
    return once("lit_run", lambda folder: runs.train(None, *at(folder / "run"), *words)) / "run"


def test_a_template_project_trains_unchanged(lit_run: Path) -> None:
    found = runs.record(lit_run)
    assert found["status"] == "completed"
    assert found["metric"]["value"] == found["validation"]["acc"]
    assert set(found["test"]) == {"loss", "acc"}
    assert found["choices"]["module"] == "lit"
    assert {"loss", "model", "optimizer", "init"}.isdisjoint(found["choices"])
    assert found["facts"]["train_size"] == 1297


def test_a_module_without_a_test_step_is_not_tested(
    lit_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    found = trained(lit_run, trust=Trust.of(["outside"]))
    monkeypatch.delattr(type(found.task), "test_step")
    assert not has_test_step(found.task)
    assert "has no test_step" in capsys.readouterr().out


def test_it_resumes_bit_for_bit(lit_run: Path, tmp_path: Path, train_here: TrainHere) -> None:
    """Its split is drawn by `random_split`, its order by a DataLoader, its rate by a plateau."""
    words = (*LIT, *QUIET)
    train_here(None, *at(tmp_path / "whole"), *words, "trainer.max_epochs=4")
    train_here(None, *at(tmp_path / "parts"), *words, "trainer.max_epochs=2")
    train_here(None, f"resume={tmp_path / 'parts'}", "trainer.max_epochs=4", "trust=outside")
    rows = [read_rows(tmp_path / name / "metrics.csv") for name in ("whole", "parts")]
    for row in rows[0] + rows[1]:
        del row["val/acc_best"]  # torchmetrics saves no MaxMetric
    assert rows[0] == rows[1]
    assert runs.record(tmp_path / "whole")["test"] == runs.record(tmp_path / "parts")["test"]


def test_choices_that_are_typed_have_to_be_taken(tmp_path: Path, train_here: TrainHere) -> None:
    with Refusal(Code.INCOMPATIBLE, "optimizer.lr"):
        train_here(None, *at(tmp_path / "run"), *LIT, "optimizer.lr=0.1")


def test_the_optimizer_and_schedule_chosen_reach_a_module_that_asks(
    tmp_path: Path, train_here: TrainHere
) -> None:
    """A schedule in steps is stepped in steps, whatever the module says of it."""
    words = ("module=lit_choices", *LIT[1:], *QUIET, "scheduler=one_cycle", "optimizer=adamw")
    train_here(None, *at(tmp_path / "run"), *words, "trainer.max_epochs=2", "test=false")
    lines = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    rates = [float(line.split(",")[2]) for line in lines[1:]]
    assert rates[0] == pytest.approx(0.001 / 25)
    assert rates[1] > rates[0]


def test_a_module_gets_every_choice_that_it_asks_for(tmp_path: Path, train_here: TrainHere) -> None:
    words = ("module=every_choice", "data=wine", "loss=focal", "metrics=[f1,auc_roc]", *QUIET)
    train_here(None, *at(tmp_path / "run"), *words, "trainer.max_epochs=2", "optimizer=adamw")
    found = runs.record(tmp_path / "run")
    assert {*found["validation"]} == {*found["test"]} == {"accuracy", "f1", "auc_roc"}
    assert (found["choices"]["loss"], found["choices"]["optimizer"]) == ("focal", "adamw")
    rows = read_rows(tmp_path / "run" / "metrics.csv")
    assert all("train/loss" in row for row in rows)


def test_a_metric_that_is_not_logged_is_named(tmp_path: Path, train_here: TrainHere) -> None:
    words = (*LIT, *QUIET, "metric.name=accuracy")
    with Refusal(Code.UNKNOWN_NAME, "metric.name", "accuracy"):
        train_here(None, *at(tmp_path / "run"), *words, "trainer.max_epochs=1")
    assert "acc" in runs.record(tmp_path / "run")["reason"]


def test_graphs_with_a_collate_of_their_own(tmp_path: Path, train_here: TrainHere) -> None:
    words = ("module=graphs", "data=graphs", "optimizer.lr=0.01", *QUIET, "trainer.max_epochs=3")
    train_here(None, *at(tmp_path / "run"), *words)
    found = runs.record(tmp_path / "run")
    assert found["facts"]["other"] == {"other_fact": 3}
    assert found["metric"]["name"] == "accuracy"
    assert found["validation"]["accuracy"] == found["metric"]["value"]


def test_a_bert_with_padded_dicts(tmp_path: Path, train_here: TrainHere) -> None:
    pytest.importorskip("transformers")
    words = ("module=sentences", "data=sentences", "metric=logged", "metric.name=hits")
    more = ("metric.mode=max", "trainer.max_epochs=2", *QUIET)
    train_here(None, *at(tmp_path / "run"), *words, *more)
    assert set(runs.record(tmp_path / "run")["test"]) == {"loss", "hits"}


def test_data_without_a_length_need_the_length_of_an_epoch(
    tmp_path: Path, train_here: TrainHere
) -> None:
    words = ("data=endless", "model=mlp", *QUIET, "trainer.max_epochs=2")
    with Refusal(Code.MISSING_VALUE, match="limit_train_batches"):
        train_here(None, *at(tmp_path / "endless"), *words)
    train_here(None, *at(tmp_path / "run"), *words, "trainer.limit_train_batches=5")
    found = runs.record(tmp_path / "run")
    assert (found["facts"]["train_size"], found["facts"]["total_steps"]) == (None, 10)
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        cfg = compose("evaluate", [f"paths.run={tmp_path / 'run'}", "trainer=cpu"])
    cfg.run, cfg.trust = str(tmp_path / "run"), ["outside"]
    assert evaluate(cfg) == {"val": found["validation"]}  # there is no test part
    train_here(None, f"resume={tmp_path / 'run'}", "trainer.max_epochs=3", "trust=outside")
    assert runs.epochs(tmp_path / "run") == 3
