import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

ROOT = Path(__file__).parents[2]
CHOICES = ("metric", "loss", "init", "optimizer", "scheduler", "model", "data")


@pytest.fixture(autouse=True)
def no_account(monkeypatch, tmp_path):
    """Leave no test the keys and settings of whoever runs it."""
    for name in [n for n in os.environ if n.startswith(("WANDB_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
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
