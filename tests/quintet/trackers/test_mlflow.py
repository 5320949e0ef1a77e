import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from quintet import api
from quintet.artifacts.record import Record
from quintet.trackers.sweep_trackers import log_sweep
from quintet.training.experiment import run

pytest.importorskip("mlflow", reason="pip install -e '.[mlflow]'")


@pytest.fixture
def train(composed):
    def start(*overrides, **where):
        cfg = composed("logger=mlflow", *overrides, **where)
        run(cfg)
        return Path(cfg.paths.run)

    return start


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A real tracking server on loopback."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = ["--backend-store-uri", f"sqlite:///{folder}/s.db", "--artifacts-destination"]
    place = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words = [sys.executable, "-m", "mlflow", "server", *store, str(folder / "a"), *place]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    env = {**os.environ, **quiet}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=env, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=1)
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def client(address: str):
    from mlflow.tracking import MlflowClient

    return MlflowClient(address)


def told(address: str, folder: Path):
    return client(address).get_run((folder / "mlflow_run_id").read_text().strip())


def curve(address: str, told, name: str) -> list[int]:
    return [m.step for m in client(address).get_metric_history(told.info.run_id, name)]


def check(address: str, folder: Path) -> None:
    seen, record = told(address, folder), Record.read(folder)
    assert seen.info.run_name == "my-run"
    assert seen.info.status == "FINISHED"
    assert seen.data.params["optimizer"] == "adam"
    assert seen.data.params["metric/mode"] == "max"
    assert seen.data.tags["model"] == "mlp"
    assert seen.data.tags["status"] == "completed"
    assert seen.data.metrics["test/accuracy"] == pytest.approx(record.test["accuracy"])
    assert seen.data.metrics["best/accuracy"] == pytest.approx(record.metric.value)
    assert curve(address, seen, "val/accuracy") == [0, 1]
    kept = {file.path for file in client(address).list_artifacts(seen.info.run_id)}
    assert {"best.ckpt", "confusion.md"} <= kept
    check_model(address, seen.info.run_id, folder)


def check_model(address: str, run: str, folder: Path) -> None:
    """Load what is logged as anybody would who has MLflow only, and predict."""
    import mlflow

    mlflow.set_tracking_uri(address)
    loaded = mlflow.pyfunc.load_model(f"runs:/{run}/model")
    images = np.random.default_rng(0).uniform(0, 16, (6, 1, 8, 8)).astype("float32")
    found, expected = loaded.predict(images), api.load(folder).predict(images)
    np.testing.assert_allclose(found.filter(like="p(").to_numpy(), expected, atol=1e-6)
    assert found["prediction"].astype(int).tolist() == expected.argmax(1).tolist()


@pytest.mark.slow
def test_by_default_a_sqlite_file_beside_the_runs_has_it_all(train, tmp_path):
    folder = train()
    check(f"sqlite:///{tmp_path}/logs/mlflow.db", folder)


def test_a_real_server_has_it_all(train, server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    check(server, train())


def test_a_trial_is_nested_in_its_study_and_a_failed_run_says_why(train, tmp_path, server):
    folder = tmp_path / "rates" / "trials" / "0007"
    address = f"logger.mlflow.tracking_uri={server}"
    with pytest.raises(Exception, match="finite"):
        train("optimizer=sgd", "optimizer.lr=1e30", "scheduler=constant", address, folder=folder)
    seen, study = told(server, folder), told(server, tmp_path / "rates")
    assert seen.data.tags["mlflow.parentRunId"] == study.info.run_id
    assert study.info.run_name == "rates"
    assert seen.data.tags["study"] == "rates"
    assert seen.data.tags["status"] == "diverged"
    assert seen.info.status == "FAILED"


def test_a_resumed_run_continues_in_the_same_mlflow_run(train, server):
    address = f"logger.mlflow.tracking_uri={server}"
    folder = train(address, "scheduler=constant")
    for name in ("config.yaml", "metrics.csv", "predictions.npz", "steering.csv", "report.html"):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "checkpoints")
    train(address, "scheduler=constant", "trainer.max_epochs=4", folder=folder)
    seen = told(server, folder)
    assert seen.info.status == "FINISHED"
    assert {*curve(server, seen, "val/accuracy")} == {0, 1, 2, 3}


def test_a_server_that_is_away_costs_one_warning(train, capsys):
    folder = train("logger.mlflow.tracking_uri=http://127.0.0.1:9")
    assert Record.read(folder).status == "completed"
    assert capsys.readouterr().out.count("MLflow is disabled for the rest") == 1


@pytest.mark.slow
def test_a_sweeps_parent_tells_what_came_out(server, sweep_of, killed):
    node = {"_target_": "quintet.trackers.mlflow.MLflow", "save_dir": "${unused}", "upload": True}
    sweep = sweep_of(killed)
    for _ in range(2):  # a sweep that has gone on updates the same runs
        log_sweep({"mlflow": {**node, "tracking_uri": server, "experiment": "sweeps"}}, sweep)
    study, trial = told(server, sweep.folder), told(server, killed.folder)
    assert study.data.metrics["best/accuracy"] == 0.75
    assert study.data.metrics["test/accuracy"] == 0.5
    assert study.data.metrics["trials/failed"] == 1
    assert study.data.params["space/optimizer/lr"] == "0.01,0.1"
    kept = {file.path for file in client(server).list_artifacts(study.info.run_id)}
    assert kept == {"leaderboard.csv", "report.html", "best.ckpt"}
    assert trial.data.tags["mlflow.parentRunId"] == study.info.run_id
    assert trial.info.status == "FAILED"
    assert trial.data.tags["reason"] == "killed by SIGKILL"
    assert trial.data.params["optimizer/lr"] == "0.1"
    assert trial.info.run_name == "lr=0.1 · trial 1"
    runs = client(server).search_runs([study.info.experiment_id])
    assert len(runs) == 2
    models = client(server).search_logged_models([study.info.experiment_id])
    assert [each.source_run_id for each in models] == [study.info.run_id]
