import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from quintet.artifacts.record import Record, Score
from quintet.trackers.sweep_trackers import Failure, SweepSummary

ROOT = Path(__file__).parents[3]
CHOICES = ("metric", "loss", "init", "optimizer", "scheduler", "model", "data")


@pytest.fixture(autouse=True)
def no_account(monkeypatch, tmp_path):
    """Hide the keys and settings of whoever runs the tests."""
    for name in [n for n in os.environ if n.startswith(("WANDB_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PROJECT_ROOT", str(ROOT))


Composer = Callable[..., DictConfig]


@pytest.fixture
def composed(tmp_path) -> Composer:
    """Compose train.yaml as the command would, with the run in `folder`."""

    def compose_one(*overrides: str, folder: Path = tmp_path / "my-run") -> DictConfig:
        folder.mkdir(parents=True, exist_ok=True)
        own = [f"paths.run='{folder}'", f"paths.logs='{tmp_path}/logs'", "trainer.max_epochs=2"]
        with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
            cfg = compose("train", [*own, *overrides], return_hydra_config=True)
        chosen = cfg.hydra.runtime.choices
        cfg = DictConfig({key: value for key, value in cfg.items() if key != "hydra"})
        cfg.choices = {group: chosen[group] for group in CHOICES}
        cfg.overrides = list(overrides)
        return cfg

    return compose_one


Sweeps = Callable[..., SweepSummary]


@pytest.fixture
def sweep_of(tmp_path) -> Sweeps:
    """Give out a finished sweep of one good trial and the `failed` ones."""

    def make(*failed: Failure) -> SweepSummary:
        folder, best = tmp_path / "rates", tmp_path / "rates" / "best"
        (best / "checkpoints").mkdir(parents=True, exist_ok=True)
        (best / "checkpoints" / "best.ckpt").write_text("the winner's weights")
        (folder / "report.html").write_text("<p>the sweep's page")
        (folder / "leaderboard.csv").write_text("trial,state\n0,completed\n")
        row = {"trial": 0, "state": "completed", "value": 0.75, "epochs": 2, "seconds": 1.5}
        lost = {"state": "failed", "value": None, "epochs": 0, "seconds": 0.0}
        score = Score("accuracy", "max", 0.75)
        record = Record(score, 0, test={"accuracy": 0.5}, checkpoint="checkpoints/best.ckpt")
        return SweepSummary(
            folder=folder,
            choices={"metric": "accuracy", "loss": "cross_entropy", "sweeper": "grid"},
            space={"optimizer.lr": "0.01,0.1"},
            metric="accuracy",
            mode="max",
            rows=[
                {**row, "folder": f"{folder}/trials/0000", "optimizer.lr": "0.01"},
                *(
                    {"trial": i, **lost, "folder": str(f.folder), "optimizer.lr": "0.1"}
                    for i, f in enumerate(failed, 1)
                ),
            ],
            failures=failed,
            best=(best, record),
        )

    return make


@pytest.fixture
def killed(tmp_path) -> Failure:
    """A trial that was killed and left nothing."""
    folder = tmp_path / "rates" / "trials" / "0001"
    folder.mkdir(parents=True)
    varied = {"optimizer/lr": "0.1"}
    choices = {"optimizer": "adam"}
    return Failure(folder, "failed", "killed by SIGKILL", choices, varied, recorded=False)
