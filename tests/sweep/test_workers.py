"""Jobs of other launchers host the same loop."""

import csv
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from parent import loop, plan, swept

from quintet.sweep.study import Study
from quintet.sweep.workers import Worker

ROOT = Path(__file__).parents[2]


def test_a_worker_travels_to_its_job_and_runs_what_is_left(tmp_path):
    more = {"isolation": "process", "preload": []}
    settings = {"seed": 1, "give_up_after": 3, "slots": 2, "timeout": None, "storage": None, **more}
    chosen = plan(tmp_path, swept(x=range(4)), settings=OmegaConf.create(settings))
    loop(chosen, limit=1).run()
    worker = pickle.loads(pickle.dumps(Worker(chosen, 4)))
    assert worker(OmegaConf.create()) is False
    assert [t.state for t in Study.read(tmp_path).trials()] == ["completed"] * 4


@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_a_launcher_runs_a_real_sweep(tmp_path, launcher):
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.partition('_')[0]}_launcher")
    train = [sys.executable, str(ROOT / "src/train.py"), "-m", f"hydra.sweep.dir={tmp_path}"]
    arguments = [f"hydra/launcher={launcher}", "sweeper.workers=2", "seed=range(0,4)"]
    more = ["model=linear", "trainer.max_epochs=1", "test=false"]
    out = subprocess.run([*train, *arguments, *more], capture_output=True, text=True, timeout=240)
    assert out.returncode == 0, out.stdout + out.stderr
    with (tmp_path / "leaderboard.csv").open() as file:
        assert [row["state"] for row in csv.DictReader(file)] == ["completed"] * 4
