"""Runs that are steered while they train."""

import csv
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

import runs
from quintet.artifacts.checkpoint_io import WholeCheckpointIO
from quintet.artifacts.record import CONFIG
from quintet.artifacts.steering_files import REQUESTS, Request, ask, asked, now, problem, read, said
from quintet.base.errors import Code
from quintet.commands.steer import steer
from quintet.config import run_folder
from quintet.training.callbacks.reseed import Reseed
from refusals import Refusal
from running import CONFIGS, SHORT, ran
from runs import Start, TrainHere

LINE = ("trainer.max_epochs=5",)
Asks = Callable[..., None]


@pytest.fixture
def at_epoch(monkeypatch: pytest.MonkeyPatch) -> Asks:
    """`at_epoch(n, folder, **wishes)`: ask at the start of epoch n."""
    usual = Reseed.on_train_epoch_start

    def arm(epoch: int, folder: Path, **wishes: Any) -> None:
        def hook(self: Reseed, trainer: Any, module: Any) -> None:
            usual(self, trainer, module)
            if trainer.current_epoch == epoch:
                ask(folder, wish(**wishes))

        monkeypatch.setattr(Reseed, "on_train_epoch_start", hook)

    return arm


def wish(**wishes: Any) -> list[Request]:
    own = ("pause", "stop", "checkpoint")
    return [Request(now(), k if k in own else f"optimizer.{k}", v) for k, v in wishes.items()]


def rates(folder: Path) -> list[float]:
    with (folder / "metrics.csv").open() as file:
        return [float(row["lr"]) for row in csv.DictReader(file)]


def test_a_steered_run_is_resumed_as_if_it_had_never_stopped(
    tmp_path: Path, train_here: TrainHere, at_epoch: Asks, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    at_epoch(1, whole, lr=0.01)
    train_here(whole, *LINE)
    at_epoch(1, parts, lr=0.01)
    save = WholeCheckpointIO.save_checkpoint

    def save_and_stop(self: Any, checkpoint: Any, path: Any, **options: Any) -> None:
        save(self, checkpoint, path, **options)
        if Path(path).stem == "last" and checkpoint["epoch"] == 2:
            raise SystemExit(77)

    monkeypatch.setattr(WholeCheckpointIO, "save_checkpoint", save_and_stop)
    with pytest.raises(SystemExit):
        train_here(parts, *LINE)
    monkeypatch.setattr(WholeCheckpointIO, "save_checkpoint", save)
    at_epoch(-1, parts)
    train_here(None, f"resume={parts}")
    assert rates(parts) == rates(whole)
    assert rates(whole)[2] > 0.005  # one_cycle would be near 0.001
    digest = [runs.digest(folder / "checkpoints/last.ckpt") for folder in (whole, parts)]
    assert digest[0] == digest[1]
    (change,) = runs.record(parts)["steering"]
    assert (change["epoch"], change["key"], change["after"]) == (1, "optimizer.lr", 0.01)
    assert (change["refused"], change["step"]) == ("", 20)


def test_a_longer_run_keeps_the_change_and_takes_up_what_came_too_late(
    tmp_path: Path, train_here: TrainHere, at_epoch: Asks
) -> None:
    """A pause from before the resume does not affect the session after it."""
    at_epoch(1, tmp_path, lr=0.002, checkpoint=True, stop=True)
    constant = ("scheduler=cosine", "scheduler.eta_min=0.001", "optimizer=adamw")
    train_here(tmp_path, *LINE, *constant)
    assert runs.epochs(tmp_path) == 2
    assert runs.record(tmp_path)["status"] == "completed"
    assert (tmp_path / "checkpoints/epoch_0002.ckpt").is_file()
    at_epoch(-1, tmp_path)
    ask(tmp_path, wish(pause=True, weight_decay=0.3))
    train_here(None, f"resume={tmp_path}", "trainer.max_epochs=8")
    assert rates(tmp_path)[-1] == pytest.approx(0.002)
    assert [row["key"] for row in read(tmp_path)] == [
        "optimizer.lr", "checkpoint", "stop", "optimizer.weight_decay",
    ]  # fmt: skip
    train_here(None, f"resume={tmp_path}")  # what was typed for an earlier resume still holds
    assert OmegaConf.load(tmp_path / CONFIG).trainer.max_epochs == 8
    typed = [word.partition("=")[0] for word in runs.record(tmp_path)["overrides"]]
    assert sorted(typed) == sorted(set(typed))
    told = runs.record(tmp_path)["steering"]
    assert [how for change in told if (how := said(change))] == [
        "optimizer.lr 0.001 → 0.002 in epoch 2",
        "stopped in epoch 2",
        "optimizer.weight_decay 0.01 → 0.3 in epoch 3",
    ]


def test_two_ranks_follow_alike(tmp_path: Path, start_train: Start) -> None:
    long = ("trainer.max_epochs=100000", "scheduler=constant", "callbacks.early_stopping=null")
    process = start_train(tmp_path, "trainer=ddp_cpu", *LINE, *long, "test=false")
    runs.wait_until(lambda: runs.epochs(tmp_path), process, 90)
    ask(tmp_path, wish(lr=0.01, pause=True))
    runs.wait_until(lambda: len(read(tmp_path)) == 2, process)
    ask(tmp_path, wish(pause=False, stop=True))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert rates(tmp_path)[0] == 0.001
    assert [row["key"] for row in read(tmp_path)] == ["optimizer.lr", "pause", "pause", "stop"]


GAN = ("experiment=gan", "trainer=cpu", "trainer.max_epochs=3", "trainer.limit_train_batches=3")
QUICK = ("callbacks.progress=null", "report=false")


def test_each_optimizer_of_a_module_is_steered_or_all_of_them(
    tmp_path: Path, train_here: TrainHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Reseed.on_train_epoch_start
    wishes = {0: ("optimizer.1.lr", 0.0001), 1: ("optimizer.lr", 0.0007), 2: ("optimizer.5.lr", 1)}

    def hook(self: Reseed, trainer: Any, module: Any) -> None:
        usual(self, trainer, module)
        ask(tmp_path, [Request(now(), *wishes[trainer.current_epoch])])

    monkeypatch.setattr(Reseed, "on_train_epoch_start", hook)
    train_here(None, *GAN, *QUICK, f"hydra.run.dir={tmp_path}")
    found = [(c["key"], c["after"]) for c in runs.record(tmp_path)["steering"] if not c["refused"]]
    assert found == [
        ("optimizer.1.lr", 0.0001), ("optimizer.0.lr", 0.0007), ("optimizer.1.lr", 0.0007),
    ]  # fmt: skip
    assert "has 2 optimizers" in runs.record(tmp_path)["steering"][-1]["refused"]
    with (tmp_path / "metrics.csv").open() as file:
        rows = [(float(row["lr"]), float(row["lr/1"])) for row in csv.DictReader(file)]
    assert rows[0][0] == rows[0][1] == rows[1][0] != rows[1][1] == pytest.approx(0.0001)
    assert rows[2] == pytest.approx((0.0007, 0.0007))


@pytest.mark.parametrize(
    ("callback", "says"),
    [("lr_finder", "copy of module=supervised"), ("swa", "running statistics of BatchNorm")],
)
def test_callbacks_that_need_the_supervised_module_say_so(
    tmp_path: Path, train_here: TrainHere, callback: str, says: str
) -> None:
    place = f"hydra.run.dir={tmp_path}"
    with Refusal(Code.INCOMPATIBLE, "callbacks"):
        train_here(None, "experiment=contrastive", *GAN[1:], *QUICK, place, f"callbacks={callback}")


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has ended."""
    folder = tmp_path_factory.mktemp("over")
    ran(folder, *SHORT, "data=wine", "model=linear")
    return folder


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (
            ["stop=true"],
            Refusal(Code.NOT_FOUND, match=r"after 1 epoch\..*resume=.* trainer\.max_epochs=2`"),
        ),
        ([], Refusal(Code.MISSING_VALUE, match="No request was given")),
        (["optimizer.lrr=0.1"], Refusal(Code.UNKNOWN_NAME, "optimizer.lrr")),
        (["optimizer.lr=fast"], Refusal(Code.OUT_OF_RANGE, "optimizer.lr", "fast")),
        (["pause=1"], Refusal(Code.OUT_OF_RANGE, "pause", 1)),
        (["stop=false"], Refusal(Code.OUT_OF_RANGE, "stop", False, allowed=("true",))),
        (["optimizer.momentum=0.5"], Refusal(Code.UNKNOWN_NAME, "optimizer.momentum")),
        (["optimizer.1.momentum=0.5"], Refusal(Code.UNKNOWN_NAME, "optimizer.1.momentum")),
        (["optimizer.1.lr=0"], Refusal(Code.OUT_OF_RANGE, "optimizer.1.lr", 0)),
        (["run=nowhere", "stop=true"], Refusal(Code.NOT_FOUND, "run")),
    ],
)
def test_what_cannot_be_asked_is_reported(
    over: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], refusal: Refusal
) -> None:
    from steer import main

    place = [] if "run=nowhere" in words else [f"run={over}"]
    monkeypatch.setattr(sys, "argv", ["steer.py", *place, *words])
    monkeypatch.setattr("quintet.base.signals._since", None)
    with refusal:
        main()
    assert not (over / REQUESTS).exists()


def test_of_several_models_the_one_that_trains_is_named(over: Path, tmp_path: Path) -> None:
    cfg = OmegaConf.load(over / CONFIG)
    cfg.cv.folds = 2
    OmegaConf.save(cfg, tmp_path / CONFIG)
    first, second = tmp_path / "folds/0", tmp_path / "folds/1"
    asks = OmegaConf.load(CONFIGS / "steer.yaml")
    asks.update({"run": str(tmp_path), "stop": True})
    with run_folder.locked(cfg, second):
        for fold in (first, second):
            fold.mkdir(exist_ok=True)
            OmegaConf.save(cfg, fold / CONFIG)
        with Refusal(Code.INCOMPATIBLE, "run"):
            steer(asks)
    with Refusal(Code.INCOMPATIBLE, "run"):
        steer(asks)
    assert not (first / REQUESTS).exists()


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("optimizer.lr", 0, "above 0"),
        ("optimizer.lr", True, "a number"),
        ("optimizer.lr", float("nan"), "a number"),
        ("optimizer.momentum", 1.0, "below 1"),
        ("optimizer.weight_decay", -1, "from 0 on"),
        ("pause", 1, "true or false"),
        ("warp", 9, "one of"),
    ],
)
def test_a_request_out_of_range_is_reported(key: str, value: Any, allowed: str) -> None:
    assert allowed in str(problem(key, value))


def test_what_is_not_a_request_is_passed_over(tmp_path: Path) -> None:
    good, later = wish(lr=0.1), wish(lr=0.2)
    ask(tmp_path, good)
    with (tmp_path / REQUESTS).open("a") as file:
        file.write('nonsense\n{"key": 3}\n[]\n{"asked": "", "key": "warp", "value": 9}\n')
    ask(tmp_path, later)
    with (tmp_path / REQUESTS).open("a") as file:
        file.write('{"asked": "half of a li')
    assert asked(tmp_path) == ([*good, *later], 6)
    assert asked(tmp_path, 6) == ([], 6)


def test_of_a_sweep_the_trial_that_trains_is_named(over: Path, tmp_path: Path) -> None:
    trial = tmp_path / "trials/0003"
    asks = OmegaConf.load(CONFIGS / "steer.yaml")
    asks.update({"run": str(tmp_path), "stop": True})
    with run_folder.locked(cfg := OmegaConf.load(over / CONFIG), trial):
        OmegaConf.save(cfg, trial / CONFIG)
        with Refusal(Code.INCOMPATIBLE, "run"):
            steer(asks)


def test_a_run_that_was_cut_short_after_a_resume_has_not_completed(
    over: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(over, tmp_path / "run")
    rows = (folder / "metrics.csv").read_text()
    (folder / "metrics.csv").write_text(rows + rows.splitlines()[-1] + "\n")
    asks = OmegaConf.load(CONFIGS / "steer.yaml")
    asks.update({"run": str(folder), "stop": True})
    with Refusal(Code.NOT_FOUND, match=r"was cut short\. Continue it with"):
        steer(asks)
