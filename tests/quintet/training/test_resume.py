"""A resumed run ends as if uninterrupted: same weights, same metrics, bit for bit."""

import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import runs
from quintet.artifacts.checkpoint_io import WholeCheckpointIO
from quintet.base.errors import Code
from refusals import Refusal
from runs import RunTrain, Start, TrainHere
from usual import every, usual


@pytest.fixture
def stop_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """`stop_after(n)`: end the process as soon as n checkpoints are written."""

    def arm(n: int) -> None:
        written = 0
        save = WholeCheckpointIO.save_checkpoint

        def save_and_stop(self: Any, checkpoint: Any, path: Any, **options: Any) -> None:
            nonlocal written
            save(self, checkpoint, path, **options)
            written += (last := Path(path).stem == "last")
            if last and written == n:
                raise SystemExit(77)

        monkeypatch.setattr(WholeCheckpointIO, "save_checkpoint", save_and_stop)

    return arm


CASES = {
    "one_cycle": ("scheduler=one_cycle",),
    "cosine by step, warmed up": ("scheduler=cosine", "scheduler.warmup=0.2"),
    "cosine by epoch": ("scheduler=cosine", "scheduler.interval=epoch", "scheduler.T_max=5"),
    "step": ("scheduler=step", "scheduler.step_size=2"),
    "plateau": ("scheduler=plateau", "scheduler.patience=0", "scheduler.threshold=0.2"),
    "ema": ("callbacks=ema",),
    "swa": ("callbacks=swa", "callbacks.swa.start=0.2", "model.batch_norm=true"),
    "lr_finder": ("callbacks=lr_finder",),
    "unfreeze": (
        "callbacks=unfreeze",
        "callbacks.unfreeze.frozen_epochs={hidden:2,hidden.4:4}",
        "model.batch_norm=true",
        "optimizer=adamw",
        "optimizer.layer_decay=0.5",
    ),
    "dropout and batch norm": (
        "model.dropout=0.3",
        "model.batch_norm=true",
        "optimizer=sgd_momentum",
    ),
    "muon": ("optimizer=muon",),
    "mup": ("init=mup", "init.base_width=16", "optimizer=adamw"),
    "lion": ("optimizer=lion",),
    "lamb": ("optimizer=lamb",),
    "adafactor": ("optimizer=adafactor",),
    "adamw_schedule_free": ("optimizer=adamw_schedule_free", "scheduler.warmup=0.1"),
    "sgd_schedule_free": ("optimizer=sgd_schedule_free",),
    "wsd": ("scheduler=wsd",),
    "augmentation and balanced classes": (
        "data.augment=[crop,rotate,mixup,cutmix]",
        "data.sampler=balanced",
    ),
    "accumulation": ("trainer.accumulate_grad_batches=3", "trainer.gradient_clip_val=0.5"),
}

USUAL = ("one_cycle", "swa", "unfreeze", "augmentation and balanced classes")
"""Cases that run each time; the others are slow tests."""


@pytest.mark.parametrize("overrides", usual(CASES, *USUAL))
def test_resumed_run_equals_an_uninterrupted_one(
    overrides: tuple[str, ...],
    tmp_path: Path,
    train_here: TrainHere,
    stop_after: Callable[[int], None],
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    overrides = (*overrides, "trainer.max_epochs=5", "test=false")
    train_here(whole, *overrides)
    stop_after(2)
    with pytest.raises(SystemExit, match="77"):
        train_here(parts, *overrides)
    assert runs.epochs(parts) == 2
    train_here(None, f"resume={parts}")
    assert runs.finished(parts) == runs.finished(whole)
    assert runs.record(parts)["metric"] == runs.record(whole)["metric"]


@pytest.mark.slow
def test_resumed_early_stop_stays_stopped(
    tmp_path: Path, train_here: TrainHere, stop_after: Callable[[int], None]
) -> None:
    """Stopped right after the checkpoint of the epoch in which patience ran out."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    stop = "callbacks.early_stopping"
    overrides = (
        f"{stop}.patience=2",
        f"{stop}.min_delta=0.3",
        "trainer.max_epochs=9",
        "test=false",
    )
    train_here(whole, *overrides)
    stopped = runs.epochs(whole)
    assert 2 < stopped < 9
    stop_after(stopped)
    with pytest.raises(SystemExit, match="77"):
        train_here(parts, *overrides)
    train_here(None, f"resume={parts}")
    assert runs.finished(parts) == runs.finished(whole)
    train_here(None, f"resume={parts}", f"{stop}.patience=4")
    assert runs.epochs(parts) > stopped


@pytest.mark.parametrize("scheduler", every(2, ["one_cycle", "cosine"]))
def test_finished_run_continues_along_the_schedule_of_a_longer_one(
    scheduler: str, tmp_path: Path, train_here: TrainHere
) -> None:
    longer, extended = tmp_path / "longer", tmp_path / "extended"
    choices = (f"scheduler={scheduler}", "test=false", "optimizer=sgd_momentum")
    train_here(longer, *choices, "trainer.max_epochs=6")
    train_here(extended, *choices, "trainer.max_epochs=2")
    composed = (extended / ".hydra" / "config.yaml").read_bytes()
    train_here(None, f"resume={extended}", "trainer.max_epochs=6")
    rates = [rate_column(folder)[2:] for folder in (longer, extended)]
    assert rates[0] == rates[1]
    found = runs.record(extended)
    assert found["status"] == "completed"
    assert found["epochs"] == 6
    assert found["choices"]["optimizer"] == "sgd_momentum"
    assert found["overrides"][-2:] == [f"resume={extended}", "trainer.max_epochs=6"]
    assert (extended / ".hydra" / "config.yaml").read_bytes() == composed


def rate_column(folder: Path) -> list[str]:
    lines = (folder / "metrics.csv").read_text().splitlines()
    column = lines[0].split(",").index("lr")
    return [line.split(",")[column] for line in lines[1:]]


def test_resuming_a_finished_run_changes_nothing(
    tmp_path: Path, digits_run: Path, train_here: TrainHere
) -> None:
    shutil.copytree(digits_run, tmp_path / "run")
    before, scores = runs.finished(tmp_path / "run"), runs.record(tmp_path / "run")
    train_here(None, f"resume={tmp_path / 'run'}")
    assert runs.finished(tmp_path / "run") == before
    again = runs.record(tmp_path / "run")
    for key in ("metric", "test", "status", "epochs", "checkpoint", "choices"):
        assert again[key] == scores[key]


STATES = (
    "loops",
    "optimizer_states",
    "lr_schedulers",
    "callbacks/EpochCounter",
    "callbacks/Replan",
    "callbacks/MetricsFile",
    "callbacks/Best",
)


@pytest.mark.parametrize("where", every(3, STATES))
@pytest.mark.parametrize("content", [{"x": 1}, [1]])
def test_a_state_that_no_run_saved_is_refused_with_the_files_name(
    where: str,
    content: Any,
    digits_run: Path,
    tmp_path: Path,
    train_here: TrainHere,
) -> None:
    shutil.copytree(digits_run, tmp_path / "run")
    path = tmp_path / "run/checkpoints/last.ckpt"
    state = torch.load(path, weights_only=True)
    *parents, name = where.split("/")
    part = state[parents[0]] if parents else state
    [key] = [key for key in part if key.startswith(name)]
    assert part[key] != content
    part[key] = content
    torch.save(state, path)
    (tmp_path / "run/checkpoints/best.ckpt").unlink()
    with pytest.raises(SystemExit) as ended:
        train_here(None, f"resume={tmp_path / 'run'}", "trainer.max_epochs=3")
    assert "last.ckpt" in str(ended.value)
    assert "so it was not used" in str(ended.value)


def test_truncated_newest_checkpoint_is_passed_over(
    tmp_path: Path, train_here: TrainHere, stop_after: Callable[[int], None]
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    overrides = ("trainer.max_epochs=4", "test=false")
    train_here(whole, *overrides)
    stop_after(2)
    with pytest.raises(SystemExit, match="77"):
        train_here(parts, *overrides)
    last = parts / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:5000])
    train_here(None, f"resume={parts}")
    assert runs.finished(parts) == runs.finished(whole)


def test_run_killed_before_its_first_checkpoint_starts_over(
    tmp_path: Path, train_here: TrainHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train_here(whole, "trainer.max_epochs=2", "test=false")
    with monkeypatch.context() as patch:
        patch.setattr(
            "quintet.training.setup.count_steps",
            lambda *_: (_ for _ in ()).throw(SystemExit(77)),
        )
        with pytest.raises(SystemExit, match="77"):
            train_here(parts, "trainer.max_epochs=2", "test=false")
    train_here(None, f"resume={parts}")
    assert runs.finished(parts) == runs.finished(whole)


@pytest.mark.parametrize(
    "override", ["optimizer=sgd", "optimizer.lr=0.1", "model.width=8", "seed=1", "data.val=0.3"]
)
def test_changing_a_choice_is_refused(
    override: str, tmp_path: Path, digits_run: Path, train_here: TrainHere
) -> None:
    shutil.copytree(digits_run, tmp_path / "run")
    before = sorted((p, p.read_bytes()) for p in (tmp_path / "run").rglob("*.*") if p.is_file())
    with pytest.raises(SystemExit) as caught:
        train_here(None, f"resume={tmp_path / 'run'}", override)
    assert f"{override.split('=')[0]} cannot be changed" in str(caught.value)
    after = sorted((p, p.read_bytes()) for p in (tmp_path / "run").rglob("*.*") if p.is_file())
    assert after == before


@pytest.mark.parametrize(
    ("override", "refusal"),
    [
        ("trainer.max_epochs=1", Refusal(Code.OUT_OF_RANGE, "trainer.max_epochs", 1)),
        ("trainer.precision=bf17", Refusal(Code.UNKNOWN_NAME, "trainer.precision", "bf17")),
    ],
)
def test_a_refused_resume_leaves_the_record_alone(
    override: str, refusal: Refusal, tmp_path: Path, digits_run: Path, train_here: TrainHere
) -> None:
    shutil.copytree(digits_run, tmp_path / "run")
    kept = [tmp_path / "run" / name for name in ("result.json", "config.yaml")]
    before = [path.read_bytes() for path in kept]
    with refusal:
        train_here(None, f"resume={tmp_path / 'run'}", override)
    assert [path.read_bytes() for path in kept] == before
    train_here(None, f"resume={tmp_path / 'run'}", "trainer.max_epochs=3")
    found = runs.record(tmp_path / "run")
    assert (found["status"], found["epochs"], found["sessions"]) == ("completed", 3, 2)


@pytest.mark.parametrize("place", ["nonsense", "/etc", "null/x"])
def test_resuming_no_run_is_refused(place: str, run_train: RunTrain, tmp_path: Path) -> None:
    done = run_train(None, f"resume={place}", check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: resume={place} is not a run folder")
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_new_run_never_goes_where_one_is(
    tmp_path: Path, digits_run: Path, train_here: TrainHere
) -> None:
    folder = shutil.copytree(digits_run, tmp_path / "run")
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    with Refusal(Code.EXISTS, match="already holds a run"):
        train_here(folder, "trainer.max_epochs=2")
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def killed_and_resumed(folder: Path, start: Start, kills: int, *overrides: str) -> None:
    """Train to the end, however often the process is killed on the way."""
    draw = random.Random(kills)
    process = start(folder, *overrides)
    for _ in range(kills):
        had = runs.epochs(folder)
        runs.wait_until(lambda had=had: runs.epochs(folder) > had, process)
        time.sleep(draw.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        process = start(None, f"resume={folder}")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err


@pytest.mark.slow
@pytest.mark.parametrize("kills", [2, pytest.param(25, marks=pytest.mark.soak)])
def test_killed_run_ends_like_an_uninterrupted_one(
    kills: int, tmp_path: Path, start_train: Start, train_here: TrainHere
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    overrides = (f"trainer.max_epochs={12 * kills}", "callbacks=ema", "model.dropout=0.2")
    train_here(whole, *overrides)
    killed_and_resumed(parts, start_train, kills, *overrides)
    assert runs.finished(parts) == runs.finished(whole)
    assert runs.record(parts)["test"] == runs.record(whole)["test"]
    assert not list(parts.rglob("*.part"))


def test_moved_run_continues_where_it_is(
    tmp_path: Path, train_here: TrainHere, stop_after: Callable[[int], None]
) -> None:
    whole, parts, moved = (tmp_path / name for name in ("whole", "parts", "moved"))
    overrides = ("trainer.max_epochs=4", "test=false", "optimizer.lr=0.05")
    train_here(whole, *overrides)
    stop_after(2)
    with pytest.raises(SystemExit, match="77"):
        train_here(parts, *overrides)
    parts.rename(moved)
    train_here(None, f"resume={moved}")
    assert runs.finished(moved) == runs.finished(whole)
    assert not parts.exists()
