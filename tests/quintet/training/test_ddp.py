"""Two processes train as one: one folder, exact scores, one end."""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import runs
from quintet.artifacts.predictions_file import read
from quintet.data.loading.loader import TensorLoader
from runs import RunTrain, Start, TrainHere
from usual import every

DDP = "trainer=ddp_cpu"
FAULT = """
import json
import os
if os.environ.get("LOCAL_RANK") == "1":
    from quintet.training.callbacks.reseed import Reseed
    def fail(self, trainer, pl_module):
        if trainer.current_epoch == 1:
            {fault}
    Reseed.on_train_epoch_start = fail
"""


def faulty(folder: Path, fault: str) -> dict[str, str]:
    """Return an environment in which rank 1 fails at the start of its second epoch."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(FAULT.format(fault=fault))
    return runs.environment() | {
        "PYTHONPATH": os.pathsep.join([str(folder), str(runs.ROOT / "src")])
    }


@pytest.mark.cold
def test_two_ranks_share_a_folder_that_rank_0_alone_writes(
    tmp_path: Path, run_train: RunTrain
) -> None:
    folder = tmp_path / "run"
    done = run_train(folder, DDP, "trainer.max_epochs=2")
    assert done.stderr == ""
    assert done.stdout.count("mlp on digits\n") == 1  # announced
    assert done.stdout.count("mlp on digits: accuracy") == 1  # summarised
    assert done.stdout.count("epoch 2/2") == 1
    assert runs.epochs(folder) == 2
    found = runs.record(folder)
    assert found["status"] == "completed"
    assert found["facts"]["total_steps"] == 2 * 10  # 1257 samples in batches of 2 x 64
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    every(
        2,
        [
            (
                "raise ValueError('the moon is full')",
                "Rank 1 ended with ValueError: the moon is full.",
            ),
            (
                "os.kill(os.getpid(), 9)",
                "Rank 1 was ended by SIGKILL. It may have run out of memory.",
            ),
        ],
    ),
)
def test_failure_of_rank_1_ends_both_with_one_message(
    fault: str, reason: str, tmp_path: Path, start_train: Start
) -> None:
    folder = tmp_path / "run"
    process = start_train(
        folder, DDP, "trainer.max_epochs=99", env=faulty(tmp_path / "fault", fault)
    )
    _, err = process.communicate(timeout=90)
    assert process.returncode == 1
    assert err == f"Error: {reason}\n"
    runs.wait_for_none_alive(process)
    assert runs.record(folder)["status"] == "failed"
    assert runs.record(folder)["reason"] == reason
    assert not list(folder.rglob("*.part"))


def test_ctrl_c_ends_both_ranks_and_the_run_continues(
    tmp_path: Path, start_train: Start, run_train: RunTrain
) -> None:
    """A terminal sends Ctrl-C to all processes of the group at once."""
    folder = tmp_path / "run"
    process = start_train(folder, DDP, "trainer.max_epochs=1000")
    runs.wait_until(lambda: runs.epochs(folder) > 1, process)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=runs.PATIENCE)
    assert process.returncode == 130
    assert err.split("\n")[:2] == ["", "Stopped by Ctrl-C."]
    assert err.count("\n") == 3
    runs.wait_for_none_alive(process)
    found = runs.record(folder)
    assert found["status"] == "interrupted"
    more = found["epochs"] + 1
    run_train(None, f"resume={folder}", f"trainer.max_epochs={more}")
    assert runs.epochs(folder) == more


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_end_of_rank_0_is_the_end_of_rank_1(
    number: signal.Signals, tmp_path: Path, start_train: Start
) -> None:
    folder = tmp_path / "run"
    process = start_train(folder, DDP, "trainer.max_epochs=1000")
    runs.wait_until(lambda: runs.epochs(folder) > 1, process)
    process.send_signal(number)
    process.communicate(timeout=runs.PATIENCE)
    runs.wait_for_none_alive(process)
    if number == signal.SIGTERM:
        assert process.returncode == 143
        assert runs.record(folder)["status"] == "interrupted"


CASES = {
    "accuracy": ("data.val=41", "data.test=103"),
    "f1": ("data=breast_cancer", "loss=bce", "data.val=41", "data.batch_size=7"),
    "auc_roc": ("data=breast_cancer", "loss=bce", "data.val=41", "data.batch_size=7"),
    "rmse": ("data=diabetes", "loss=mse", "data.val=41", "data.batch_size=5"),
}


@pytest.mark.slow
def test_two_ranks_score_exactly_as_one(tmp_path: Path, train_here: TrainHere) -> None:
    """Every split's size is odd, and no multiple of any batch."""
    for metric, overrides in CASES.items():
        train_here(tmp_path / metric, f"metric={metric}", *overrides, "trainer.max_epochs=2")
    folders = [str(tmp_path / metric) for metric in CASES]
    for devices in ("1", "2"):
        script = [sys.executable, str(runs.ROOT / "tests" / "two_ranks.py"), devices, *folders]
        path = {"PYTHONPATH": str(runs.ROOT / "src"), "PROJECT_ROOT": str(runs.ROOT)}
        process = runs.start(script, env=runs.environment() | path)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    for folder in map(Path, folders):
        one, two = (json.loads((folder / f"scores_{n}.json").read_text()) for n in (1, 2))
        recorded = runs.record(folder)
        assert one["test"] == pytest.approx(recorded["test"], abs=1e-6)
        assert one["val"][folder.name] == pytest.approx(recorded["metric"]["value"], abs=1e-6)
        for split in ("val", "test"):
            assert two[split] == pytest.approx(one[split], rel=1e-6, abs=1e-6)
            answered, alone = (read(folder / f"answers_{n}")[split] for n in (2, 1))
            np.testing.assert_array_equal(answered.index, np.arange(answered.total))
            np.testing.assert_array_equal(answered.target, alone.target)
            np.testing.assert_allclose(answered.predicted, alone.predicted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [103, 128, 129, 130, 1])
def test_ranks_are_dealt_every_sample_once(size: int) -> None:
    x = torch.arange(size)
    loaders = [TensorLoader(x, x, 16, rank=rank, world_size=2) for rank in (0, 1)]
    dealt = torch.cat([batch for loader in loaders for batch, _ in loader])
    assert sorted(dealt.tolist()) == list(range(size))


def test_rank_0_alone_predicts_samples_of_data_that_are_prepared(
    tmp_path: Path, run_train: RunTrain
) -> None:
    """Nothing waits for the other process, which predicts none."""
    small = ("model.width=8", "model.depth=1", "model.heads=2", "module.new_tokens=3", "threads=1")
    short = ("trainer.max_epochs=1", "trainer.limit_train_batches=2", "report=false")
    words = ("experiment=language_model", *small, "data.length=32", "data.batch_size=512", *short)
    place = (f"hydra.run.dir={tmp_path / 'run'}", f"paths.logs={tmp_path}")
    run_train(None, DDP, *words, *place)
    assert runs.record(tmp_path / "run")["status"] == "completed"
    assert (tmp_path / "run" / "samples.npz").exists()
