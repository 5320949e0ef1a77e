"""A sweep's parent logs to trackers: a summary, and the end of killed trials."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from quintet.trackers.sweep_trackers import log_sweep
from quintet.trackers.wandb_run import known_id
from wandb_files import dashboard, files, table

pytest.importorskip("wandb")

ROOT = Path(__file__).parents[3]
SETTINGS = {"project": "mine", "mode": "offline", "upload": True}
WANDB = {"wandb": {"_target_": "quintet.trackers.wandb.WandB", "save_dir": "${unused}", **SETTINGS}}
KILLED = """
import os, sys
from pathlib import Path
from quintet.trackers.wandb_run import Identity, Place, start

who = Identity(Path(sys.argv[1]), "0001", "trial", "rates", [], {"optimizer": "adam"})
run = start(Place(mode="offline"), who)
run.log({"epoch": 0, "val/accuracy": 0.5})
run.log({"epoch": 1, "val/accuracy": 0.5})
os.kill(os.getpid(), 9)
"""


def python(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", script, *map(str, arguments)]
    path = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"}
    env = {**os.environ, **path, "OMP_NUM_THREADS": "1"}
    return subprocess.run(words, capture_output=True, text=True, env=env, timeout=120)


def test_one_summary_run_shows_what_came_out(sweep_of, killed):
    sweep = sweep_of(killed)
    log_sweep(WANDB, sweep)
    (path,) = files(sweep.folder)
    shown = dashboard(path)
    assert (shown.run["run_group"], shown.run["job_type"]) == ("rates", "sweep")
    assert (shown.run["display_name"], shown.run["project"]) == ("rates", "mine")
    assert shown.config["metric"] == "accuracy"
    assert shown.config["space/optimizer/lr"] == "0.01,0.1"
    assert shown.summary["best/accuracy"] == 0.75
    assert shown.summary["test/accuracy"] == 0.5
    assert shown.summary["trials/failed"] == 1
    board = table(path, "leaderboard")
    assert [(r["trial"], r["state"], r["value"]) for r in board] == [
        (0, "completed", 0.75),
        (1, "failed", None),
    ]
    assert [row["optimizer.lr"] for row in board] == [0.01, 0.1], "numbers, which can be sorted"
    for kind, name in {"model": "best.ckpt", "report": "report.html"}.items():
        (kept,) = shown.artifacts[kind]["manifest"]["contents"]
        assert kept["path"] == name
        assert Path(kept["local_path"]).is_file()


@pytest.mark.slow
def test_a_sweep_that_has_gone_on_updates_the_same_run(sweep_of, killed):
    log_sweep(WANDB, sweep_of())
    log_sweep(WANDB, sweep_of(killed))
    one, two = files(killed.folder.parents[1])
    assert one.name == two.name, "the id is the sweep's"
    assert [len(table(path, "leaderboard")) for path in (one, two)] == [1, 2]
    steps = [dashboard(path).summary["_step"] for path in (one, two)]
    assert steps == [1, 2], "W&B drops what is told of an earlier step"


@pytest.mark.slow
def test_a_trial_that_was_killed_is_reported_failed_with_its_reason_once(sweep_of, killed):
    assert python(KILLED, killed.folder).returncode == -9
    (broken,) = files(killed.folder)
    assert dashboard(broken).exit_code is None, "it could not say that it ended"
    for _ in range(2):
        log_sweep(WANDB, sweep_of(killed))
    _, mended = files(killed.folder)
    assert mended.name == broken.name
    shown = dashboard(mended)
    assert shown.summary["status"] == "failed"
    assert shown.summary["reason"] == "killed by SIGKILL"
    assert shown.exit_code == 1
    assert "failed" in shown.run["tags"]


def test_a_trial_that_failed_before_its_tracker_began_has_a_run_too(sweep_of, killed):
    refused = replace(killed, reason="loss=mse does not fit", recorded=True)
    log_sweep(WANDB, sweep_of(refused))
    (path,) = files(refused.folder)
    shown = dashboard(path)
    assert (shown.run["run_group"], shown.run["job_type"]) == ("rates", "trial")
    assert {"optimizer": "adam", "optimizer/lr": "0.1"}.items() <= shown.config.items()
    assert shown.run["display_name"] == "lr=0.1 · trial 1"
    assert shown.summary["reason"] == "loss=mse does not fit"


def test_a_tracker_that_breaks_costs_one_warning(sweep_of, capsys):
    log_sweep({"wandb": {**WANDB["wandb"], "mode": "no such mode"}}, sweep_of())
    assert capsys.readouterr().out.count("The sweep could not be logged to WandB") == 1


def test_disabled_leaves_nothing(sweep_of, killed):
    log_sweep({"wandb": {**WANDB["wandb"], "mode": "disabled"}}, sweep_of(killed))
    assert known_id(killed.folder) is None
    assert not files(killed.folder.parents[1])


def test_a_killed_trials_row_of_the_hparams_page_ends(sweep_of, killed):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import api_pb2, metadata

    (killed.folder / "tensorboard").mkdir()
    node = {"_target_": "quintet.trackers.tensorboard.TensorBoard", "save_dir": "${unused}"}
    log_sweep({"tensorboard": node}, sweep_of(killed))
    events = EventAccumulator(str(killed.folder / "tensorboard")).Reload()
    content = events.summary_metadata[metadata.SESSION_END_INFO_TAG].plugin_data.content
    ended = metadata.parse_session_end_info_plugin_data(content)
    assert ended.status == api_pb2.STATUS_FAILURE


@pytest.mark.cold
def test_the_parent_needs_neither_torch_nor_lightning(sweep_of):
    script = (
        "import sys; from importlib import import_module as load\n"
        "from quintet.trackers import sweep_trackers\n"
        "for module in sweep_trackers.ADAPTERS.values(): load(module)\n"
        "import quintet.sweep.sweep_tracking, wandb\n"
        "wandb.Table, wandb.plot.line_series\n"
        "print('heavy:', sorted({'torch', 'lightning'} & set(sys.modules)))"
    )
    done = python(script)
    assert "heavy: []" in done.stdout, done.stdout + done.stderr
