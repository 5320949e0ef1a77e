"""Checkpoints are complete or absent, and none contains a diverged model."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import runs
from quintet.artifacts import checkpoints
from quintet.artifacts.checkpoint_io import WholeCheckpointIO
from quintet.base.errors import Code
from quintet.base.files import remove_temporary_files
from refusals import Refusal
from runs import RunTrain, Start, TrainHere


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("may not mount a file system here, so there is no full disk to try")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path) -> None:
    """Fill the disk."""
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)) == 4096:
                pass
        except OSError:
            return


def test_full_disk_ends_a_run_with_one_message_and_the_last_checkpoint_whole(
    small_disk: Path, start_train: Start, run_train: RunTrain
) -> None:
    folder = small_disk / "run"
    process = start_train(folder, "trainer.max_epochs=1000", "test=false")
    runs.wait_until(lambda: runs.epochs(folder) > 2, process)
    fill(small_disk)
    _, err = process.communicate(timeout=runs.PATIENCE)
    assert process.returncode == 1
    assert err.startswith(f"Error: {folder}"), err
    assert "no space left (0.0 MB free" in err
    assert "resume=" in err
    assert err.count("\n") == 1
    assert not list(folder.rglob("*.part"))
    newest = checkpoints.newest(folder)
    assert newest is not None
    done = checkpoints.load(newest)["epoch"] + 1
    (small_disk / "filler").unlink()
    run_train(None, f"resume={folder}", f"trainer.max_epochs={done + 1}")
    assert runs.epochs(folder) == done + 1


def test_full_disk_leaves_the_previous_checkpoint(small_disk: Path) -> None:
    path = small_disk / "last.ckpt"
    WholeCheckpointIO().save_checkpoint({"weight": torch.ones(1000)}, path)
    with Refusal(Code.DISK, match=r"last\.ckpt could not be written: no space left"):
        WholeCheckpointIO().save_checkpoint({"weight": torch.ones(10**6)}, path)
    assert checkpoints.load(path)["weight"].equal(torch.ones(1000))
    assert [p.name for p in small_disk.iterdir()] == ["last.ckpt"]


WRITER = """
import sys
from pathlib import Path
from quintet.base.files import replacing
for i in range(10**6):
    with replacing(Path(sys.argv[1])) as part, part.open("wb") as file:
        for _ in range(64):
            file.write(bytes([i % 256]) * 65536)
"""


@pytest.mark.parametrize("kills", [8, pytest.param(100, marks=pytest.mark.soak)])
def test_kill_while_writing_leaves_a_whole_file_and_at_most_one_part(
    kills: int, tmp_path: Path
) -> None:
    path, env = tmp_path / "last.ckpt", {**os.environ, "PYTHONPATH": str(runs.ROOT / "src")}
    for kill in range(kills):
        writer = subprocess.Popen([os.sys.executable, "-c", WRITER, str(path)], env=env)
        while not path.exists():
            time.sleep(0.01)
        time.sleep(0.1 + 0.013 * (kill % 20))
        writer.kill()
        writer.wait()
        content = path.read_bytes()
        assert len(content) == 64 * 65536
        assert len(set(content)) == 1
        assert len(list(tmp_path.iterdir())) <= 2
        remove_temporary_files(tmp_path)
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("how", ["mend", "empty", "cut", "flipped"])
def test_newest_is_the_whole_checkpoint_that_is_furthest_on(how: str, tmp_path: Path) -> None:
    folder = tmp_path / checkpoints.FOLDER
    for name, step in (("best", 20), ("last", 30)):
        state = {"global_step": step, "weight": torch.ones(5000)}
        WholeCheckpointIO().save_checkpoint(state, folder / f"{name}.ckpt")
    last = folder / "last.ckpt"
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= how == "flipped"
    last.write_bytes(content[: {"empty": 0, "cut": 3000}.get(how)])
    os.utime(folder / "best.ckpt")
    found = checkpoints.newest(tmp_path)
    assert found == folder / ("last.ckpt" if how == "mend" else "best.ckpt")


@pytest.mark.parametrize("rate", ["1e30", "1e4"])
def test_diverged_run_says_so_and_leaves_no_checkpoint_of_it(
    rate: str, tmp_path: Path, train_here: TrainHere
) -> None:
    overrides = ("optimizer=sgd", f"optimizer.lr={rate}", "scheduler=constant", "loss=mse")
    with Refusal(Code.FAILED, match="became NaN or infinite") as ended:
        train_here(tmp_path / "run", "data=diabetes", "metric=rmse", *overrides)
    assert "\n" not in str(ended.value)
    found = runs.record(tmp_path / "run")
    assert found["status"] == "diverged"
    assert "optimizer.lr" in found["reason"]
    for path in (tmp_path / "run").rglob("*.ckpt"):
        state = checkpoints.load(path)["state_dict"]
        assert all(torch.isfinite(tensor).all() for tensor in state.values())


def test_weights_that_the_last_step_spoilt_are_not_saved(
    tmp_path: Path, train_here: TrainHere
) -> None:
    """Nothing validates this epoch, so only the checkpoint itself can notice."""
    overrides = ("optimizer=sgd", "optimizer.lr=1e38", "optimizer.weight_decay=100")
    short = ("trainer.limit_train_batches=1", "trainer.check_val_every_n_epoch=2")
    watch = ("callbacks.checkpoint.monitor=train/loss", "callbacks.early_stopping=null")
    with Refusal(Code.FAILED, match="became NaN or infinite"):
        train_here(tmp_path / "run", *overrides, *short, *watch, "scheduler=constant")
    assert not list((tmp_path / "run").rglob("*.ckpt"))
