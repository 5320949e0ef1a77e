"""Jobs of other launchers host the same loop."""

import csv
import importlib.util
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from family import start, wait_for_none
from hold import wait_for
from omegaconf import OmegaConf
from parent import HERE, loop, plan, swept

from quintet.study.study import Study
from quintet.sweep import console_report
from quintet.sweep.interruption import Interruption
from quintet.sweep.workers import PERMIT, Worker, launch

ROOT = Path(__file__).parents[3]
QUICK = ("model=linear", "trainer.max_epochs=1", "test=false", "sweeper.workers=2")
PACKAGES = {"workers_joblib": "joblib", "workers_submitit": "submitit", "workers_ray": "ray"}


def command(folder, *arguments):
    train = [sys.executable, str(ROOT / "src/train.py"), "-m", f"hydra.sweep.dir={folder}"]
    return [*train, *QUICK, *arguments]


def needs(package):
    if importlib.util.find_spec(f"hydra_plugins.hydra_{package}_launcher") is None:
        pytest.skip(f"hydra-{package}-launcher is not installed")


def worker(folder, total, **changes):
    more = {"isolation": "process", "preload": []}
    settings = {"seed": 1, "give_up_after": 3, "slots": 2, "timeout": None, "storage": None}
    settings |= {"ensemble": False, **more}
    chosen = plan(folder, swept(x=range(4)), settings=OmegaConf.create(settings), **changes)
    return pickle.loads(pickle.dumps(Worker(chosen, total)))


def states(folder):
    return [t.state for t in Study.read(folder).trials()]


def test_a_worker_travels_to_its_job_and_runs_what_is_left(tmp_path):
    travelled = worker(tmp_path, 4)
    loop(travelled.plan, limit=1).run()
    (tmp_path / PERMIT).touch()
    assert travelled(OmegaConf.create()) is False
    assert states(tmp_path) == ["completed"] * 4


def test_a_job_that_starts_after_its_sweep_has_ended_does_nothing(tmp_path):
    assert worker(tmp_path, 4)(OmegaConf.create()) is False
    assert not list(tmp_path.glob("trials/*"))


JOBLIB = """
import sys, joblib
from test_workers import *
job = worker(Path(sys.argv[1]), 4, fixed=("sleep=1000",))
(job.plan.folder / PERMIT).touch()
joblib.Parallel(n_jobs=2)(joblib.delayed(job)(OmegaConf.create()) for _ in range(2))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a dying parent is told on Linux only")
def test_jobs_that_are_its_children_end_with_a_killed_sweep(tmp_path):
    path = os.pathsep.join([str(HERE), os.environ["PYTHONPATH"]])
    sweep = start([sys.executable, "-c", JOBLIB, tmp_path], tmp_path, env={"PYTHONPATH": path})
    wait_for(lambda: len(list(tmp_path.glob("trials/*/.hydra"))) > 2, sweep)
    sweep.kill()
    sweep.wait()
    wait_for_none(tmp_path)


IDLE = """
import sys
from hydra import initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.types import HydraContext, RunMode
from quintet.base.paths import CONFIGS
from quintet.sweep.workers import _launcher
from test_workers import *
job = worker(Path(sys.argv[1]), 1, fixed=("sleep=1000",))
(job.plan.folder / PERMIT).touch()
words = ["hydra/launcher=workers_joblib", "sweeper.workers=2", f"hydra.sweep.dir={sys.argv[1]}"]
with initialize_config_dir(str(CONFIGS), version_base="1.3"):
    hydra = GlobalHydra.instance().hydra
    config = hydra.compose_config("train", words, RunMode.MULTIRUN, from_shell=False)
    context = HydraContext(hydra.config_loader, Callbacks())
    _launcher(context, config, job).launch([[words[-1]]], initial_job_idx=0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a dying parent is told on Linux only")
def test_processes_that_wait_for_a_job_end_with_a_killed_sweep(tmp_path):
    needs("joblib")
    path = os.pathsep.join([str(HERE), os.environ["PYTHONPATH"]])
    sweep = start([sys.executable, "-c", IDLE, tmp_path], tmp_path, env={"PYTHONPATH": path})
    wait_for(lambda: list(tmp_path.glob("trials/*/.hydra")), sweep)
    sweep.kill()
    sweep.wait()
    wait_for_none(tmp_path, seconds=30)


def test_no_job_is_started_for_a_study_that_is_done(tmp_path):
    done = loop(plan(tmp_path, swept(x=range(2))))
    done.run()
    # Neither Hydra's context nor a config is there to make a launcher from.
    assert launch(None, None, done.plan, 2, done.study, Interruption()) is False


@pytest.mark.slow
@pytest.mark.parametrize("launcher", PACKAGES)
def test_a_launcher_runs_a_real_sweep(tmp_path, launcher):
    needs(PACKAGES[launcher])
    arguments = command(tmp_path, f"hydra/launcher={launcher}", "seed=range(0,4)")
    out = subprocess.run(arguments, capture_output=True, text=True, timeout=240)
    assert out.returncode == 0, out.stdout + out.stderr
    assert "4 trials, 2 at a time" in out.stdout
    assert "Warning" not in out.stderr
    with (tmp_path / "leaderboard.csv").open() as file:
        assert [row["state"] for row in csv.DictReader(file)] == ["completed"] * 4
    assert not (tmp_path / PERMIT).exists()


@pytest.mark.slow
def test_ctrl_c_ends_the_jobs_of_a_launcher_and_the_sweep_can_continue(tmp_path):
    needs("submitit")
    more = ("hydra/launcher=workers_submitit", "seed=1,2", "trainer.max_epochs=100000")
    endless = (*more, "callbacks.early_stopping=null")
    parent = subprocess.Popen(
        command(tmp_path, *endless),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 120
    while len(list(tmp_path.glob("trials/*/metrics.csv"))) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    os.kill(parent.pid, signal.SIGINT)  # it alone, as on a cluster
    out, errors = parent.communicate(timeout=60)
    assert parent.returncode == 130, out + errors
    assert "Continue with" in errors
    assert not [p for p in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path) in text(p)]
    assert states(tmp_path) == ["running"] * 2


def text(path):
    try:
        return path.read_text()
    except OSError:
        return ""


def test_a_launcher_alone_says_which_word_uses_the_cores(capsys):
    console_report.advise_workers("joblib")
    said = " ".join(capsys.readouterr().out.split())
    assert "hydra/launcher=joblib starts one job" in said
    assert f"sweeper.workers={os.cpu_count()}" in said


@pytest.mark.slow
@pytest.mark.cold  # Hydra looks for plugins as it starts
def test_a_launcher_that_is_not_installed_is_named_with_the_way_to_install_it(tmp_path):
    # Hydra finds no plugin where none of its modules can be imported.
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text(
        "import sys; sys.modules['hydra_plugins.hydra_joblib_launcher'] = None"
    )
    out = subprocess.run(
        command(tmp_path / "sweep", "hydra/launcher=workers_joblib", "seed=1,2"),
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(blocked)},
    )
    assert out.returncode == 1
    assert "pip install -e '.[launchers]'" in out.stderr
    assert "Traceback" not in out.stderr
