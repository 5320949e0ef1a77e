import os
import signal
import subprocess
import time
from pathlib import Path

import lightning.pytorch as L
import pytest

import canaries
from quintet.artifacts.record import Record
from quintet.commands.experiments import leave_run
from quintet.modules.epoch_metrics import DivergedError
from quintet.study import trial_pipe
from quintet.training import build
from quintet.training.experiment import run
from wandb_files import dashboard, files, table

pytest.importorskip("wandb")


@pytest.fixture
def train(composed):
    def start(*overrides, **where):
        cfg = composed("logger=wandb", *overrides, **where)
        run(cfg, leave_run)
        return Path(cfg.paths.run)

    return start


def test_a_dashboard_shows_config_curves_and_outcome(train, capsys):
    folder = train("optimizer.lr=0.002", "trainer.max_epochs=3")
    (path,) = files(folder)
    assert f"wandb sync {path.parent}" in capsys.readouterr().out, "no key: offline, and says so"
    shown, record = dashboard(path), Record.read(folder)

    assert shown.run["display_name"] == "my-run"
    assert shown.run["job_type"] == "train"
    assert {"optimizer=adam", "model=mlp"} <= set(shown.run["tags"])
    assert shown.config["optimizer"] == "adam"
    assert shown.config["optimizer/lr"] == 0.002

    assert [row["epoch"] for row in shown.rows] == [0, 1, 2], "one row an epoch"
    assert all({"train/loss", "val/loss", "val/accuracy"} <= row.keys() for row in shown.rows)
    assert shown.metrics["*"]["step_metric"] == "epoch"
    assert shown.metrics["val/accuracy"]["summary"] == {"max": True}

    assert shown.summary["val/accuracy"]["max"] == pytest.approx(record.metric.value)
    assert shown.summary["test/accuracy"] == pytest.approx(record.test["accuracy"])
    assert shown.summary["status"] == "completed"
    assert shown.exit_code == 0

    assert {row["lineKey"] for row in table(path, "charts/loss_table")} == {"train", "val"}
    cells = table(path, "charts/confusion_table")
    right = sum(cell["nPredictions"] for cell in cells if cell["Actual"] == cell["Predicted"])
    total = sum(cell["nPredictions"] for cell in cells)
    assert right / total == pytest.approx(record.metric.value), "the best checkpoint's"
    (kept,) = shown.artifacts["model"]["manifest"]["contents"]
    assert Path(kept["local_path"]).samefile(folder / record.checkpoint), "no second copy"
    (page,) = shown.artifacts["report"]["manifest"]["contents"]
    assert Path(page["local_path"]).read_text() == (folder / "report.html").read_text()
    assert not (Path.home() / ".local/share/wandb/artifacts/staging").exists()


def test_a_trial_is_grouped_by_its_study_and_a_diverged_one_says_so(train, tmp_path, monkeypatch):
    folder = tmp_path / "rates" / "trials" / "0007"
    params = {"optimizer": "sgd", "optimizer.lr": "1e30"}
    monkeypatch.setenv(trial_pipe.PARAMS, trial_pipe.with_params(params)[trial_pipe.PARAMS])
    with pytest.raises(DivergedError):
        train("optimizer=sgd", "optimizer.lr=1e30", "scheduler=constant", folder=folder)
    (path,) = files(folder)
    shown = dashboard(path)
    assert shown.run["run_group"] == "rates"
    assert shown.run["job_type"] == "trial"
    assert shown.run["display_name"] == "sgd lr=1e30 · trial 7"
    assert "diverged" in shown.run["tags"]
    assert "model" not in shown.artifacts, "of a sweep, the winner's is kept"
    assert shown.summary["status"] == "diverged"
    assert shown.summary["reason"] == Record.read(folder).reason
    assert shown.exit_code == 1


def test_without_a_network_the_run_is_recorded_offline(train, monkeypatch, capsys):
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    folder = train("logger.wandb.timeout=2")
    (path,) = [p for p in files(folder) if p.parent.name.startswith("offline")]
    assert f"wandb sync {path.parent}" in capsys.readouterr().out
    assert dashboard(path).summary["status"] == "completed"


class Kill(L.Callback):
    """Kills W&B's own process in the middle of a run."""

    def on_train_epoch_start(self, trainer, pl_module):
        if trainer.current_epoch == 1:
            table = subprocess.run(
                ["ps", "-wweo", "pid,args"], capture_output=True, text=True
            ).stdout
            mine = f"--pid {os.getpid()}"
            (line,) = [x for x in table.splitlines() if "wandb-core" in x and mine in x]
            os.kill(int(line.split()[0]), signal.SIGKILL)
            time.sleep(0.5)


def test_the_training_outlives_wandbs_own_process(train, monkeypatch, capsys):
    switched_on = build._switched_on

    def and_kill(cfg, group):
        return [*switched_on(cfg, group), *([Kill()] if group == "callbacks" else [])]

    monkeypatch.setattr(build, "_switched_on", and_kill)
    folder = train("trainer.max_epochs=4")
    assert Record.read(folder).status == "completed"
    assert len((folder / "metrics.csv").read_text().splitlines()) == 5
    assert capsys.readouterr().out.count("W&B is disabled for the rest") == 1


@pytest.mark.slow
def test_a_resumed_run_continues_in_the_same_wandb_run(train_here, tmp_path):
    folder = tmp_path / "run"
    train_here(folder, "logger=wandb", "trainer.max_epochs=2")
    train_here(None, f"resume={folder}", "trainer.max_epochs=4")
    one, two = files(folder)
    assert one.name == two.name, "the id is the run's"
    assert [row["epoch"] for row in dashboard(two).rows] == [2, 3]


@pytest.mark.slow
def test_secrets_in_the_notes_stay_references(train_here, tmp_path, monkeypatch):
    for name, value in canaries.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    notes = "see ${oc.env:STORE_PASSWORD} and ${oc.env:SOME_TOKEN}"
    folder = tmp_path / "run"
    train_here(folder, "logger=wandb", f"logger.wandb.notes='{notes}'", "logger.wandb.mode=offline")
    (path,) = files(folder)
    assert dashboard(path).run["notes"] == notes
    assert canaries.leaks(tmp_path) == []


def test_disabled_writes_nothing(train):
    assert not files(train("logger.wandb.mode=disabled"))
