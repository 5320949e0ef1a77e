"""Runs that start with the weights of another run."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import runs
from quintet.artifacts import checkpoints
from quintet.base.errors import Code
from quintet.ensembles import cross_validation
from quintet.ensembles.reload import trained
from quintet.training.initialization import seen_before
from refusals import Refusal
from running import SHORT, composed, ran
from runs import TrainHere

NET = ("model=cnn", "model.width=4", "model.depth=2")


def tensors(folder: Path, name: str = "best") -> dict[str, Any]:
    return checkpoints.load(folder / "checkpoints" / f"{name}.ckpt")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("source")
    ran(folder, *SHORT, *NET)
    return folder


def test_frozen_tensors_are_bit_identical_after_training(
    source: Path, tmp_path: Path, train_here: TrainHere
) -> None:
    """With weight decay, an average of the weights, and batch norm's running statistics."""
    overrides = ("optimizer=adamw", "optimizer.weight_decay=0.5", "trainer.max_epochs=2")
    train_here(
        tmp_path, *NET, *overrides, f"model.weights={source}", "model.freeze=[stages]",
        "callbacks=ema",
    )  # fmt: skip
    before = tensors(source)["state_dict"]
    for name in ("best", "last"):
        for state in ("state_dict", "current_model_state"):
            after = tensors(tmp_path, name)[state]
            changed = {k for k in before if not torch.equal(before[k], after[k])}
            assert changed == {"model.head.weight", "model.head.bias"}
    record = runs.record(tmp_path)
    assert record["transfer"]["loaded"] == len(before) - 2  # of the target's scale
    assert len(record["transfer"]["frozen"]) == 12


def test_a_new_head_is_reported_and_the_run_needs_its_source_no_longer(
    source: Path, tmp_path: Path, train_here: TrainHere, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = tmp_path / "source"
    shutil.copytree(source, moved)
    head = ("data=digits_multilabel", "model.freeze=stages.0.weight", "optimizer.layer_decay=0.5")
    folder = tmp_path / "run"
    train_here(folder, "trainer.max_epochs=1", *NET, *head, f"model.weights={moved}")
    shutil.rmtree(moved)
    out = capsys.readouterr().out
    assert "skipped head.weight: its shape is (10, 8)" in out
    assert "new, as initialised: head.weight, head.bias" in out
    rates = runs.record(folder)["transfer"]["rates"]
    assert list(rates.values()) == [0.001 * 0.5**depth for depth in range(len(rates))]
    first = tensors(folder)["state_dict"]["model.stages.0.weight"]
    train_here(None, f"resume={folder}", "trainer.max_epochs=2")
    assert torch.equal(tensors(folder, "last")["state_dict"]["model.stages.0.weight"], first)
    assert runs.record(folder)["transfer"]["rates"] == rates
    assert trained(folder).cfg.model.weights == str(moved)


def test_a_file_of_tensors_serves_as_well_as_a_run(source: Path, tmp_path: Path) -> None:
    state = trained(source).task.model.state_dict()
    torch.save(state, tmp_path / "weights.pt")
    record = ran(tmp_path / "run", *SHORT, *NET, f"model.weights={tmp_path}/weights.pt")
    assert record.transfer["loaded"] == len(state)
    assert not record.transfer["skipped"]


@pytest.mark.parametrize(
    ("where", "refusal"),
    [
        (
            "https://example.org/net.pt",
            Refusal(Code.NOT_TRUSTED, "model.weights", "https://example.org/net.pt"),
        ),
        ("nowhere", Refusal(Code.NOT_FOUND, "model.weights", "nowhere")),
        ("{empty}", Refusal(Code.NOT_FOUND, "model.weights")),
        ("{empty}/../code.pt", Refusal(Code.NOT_TRUSTED, match="pickled code")),
        ("{empty}/../list.pt", Refusal(Code.DAMAGED, "model.weights")),
        ("{empty}/../plain.pt", Refusal(Code.DAMAGED, "model.weights")),
        (
            "{empty}/../folds",
            Refusal(Code.NOT_FOUND, "model.weights", match=r"/folds/folds/0\."),
        ),
        ("{empty}/../sweep", Refusal(Code.NOT_FOUND, "model.weights", match=r"=\S*/sweep/best\.")),
    ],
)
def test_weights_that_cannot_be_loaded_are_refused(
    tmp_path: Path, train_here: TrainHere, where: str, refusal: Refusal
) -> None:
    (tmp_path / "empty").mkdir()
    for inside in ("folds/folds/1", "folds/folds/0", "sweep/trials/0000", "sweep/best"):
        (tmp_path / inside / "checkpoints").mkdir(parents=True)
    torch.save(torch.nn.Linear(1, 1), tmp_path / "code.pt")
    torch.save([torch.ones(1)], tmp_path / "list.pt")
    torch.save({"weight": 1}, tmp_path / "plain.pt")
    place = where.format(empty=tmp_path / "empty")
    with refusal:
        train_here(tmp_path / "run", f"model.weights='{place}'")


def test_the_check_judges_a_frozen_model_by_what_it_trains(source: Path, tmp_path: Path) -> None:
    from quintet.commands.check import prepare
    from quintet.diagnostics import layer_statistics, mistakes, start_checks

    words = (f"model.weights={source}", "model.freeze=[stages]", "callbacks.progress=null")
    subject = prepare(composed(tmp_path, "trainer=cpu", *NET, *words))
    found = [
        mistakes.modes(subject),
        mistakes.optimized(subject),
        start_checks.initial_loss(subject),
    ]
    found.append(layer_statistics.gradients(subject))
    assert [finding.verdict for finding in found] == ["pass"] * 4
    assert layer_statistics.signal(subject) is None  # every activation follows frozen weights
    heart = start_checks.overfit(subject)  # what a frozen body tells may not be enough for this
    assert (heart.verdict, "freeze less" in heart.cure) == ("warn", True)


def test_folds_tell_together_what_each_began_with(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (f"model.weights={source}", "model.freeze=[stages]", *NET, *SHORT)
    record = cross_validation.run(composed(tmp_path, "cv.folds=2", *words))
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.count(f"26 tensors loaded from {source}") == 1
    assert shown.count(record.anomalies[0]) == 1
    assert record.anomalies[0].endswith("Leave the folds out, or begin with weights of other data.")
    assert len(record.transfer["frozen"]) == 12


@pytest.mark.parametrize(
    ("words", "ordered", "cure"),
    [
        ((), False, None),
        (("data.fraction=0.5",), False, None),
        (("data.seed=1",), True, None),
        (("data.seed=1", "data.test=0.3"), False, "Take its split: data.seed=42 data.test=0.2."),
        (("data.folds=3",), False, "Leave the folds out"),
    ],
)
@pytest.mark.parametrize("part", ["", "/checkpoints/best.ckpt"])
def test_weights_that_know_the_unseen_splits_are_pointed_out(
    source: Path, tmp_path: Path, words: tuple[str, ...], ordered: bool, cure: str | None, part: str
) -> None:
    cfg = composed(tmp_path, *words, f"model.weights={source}{part}")
    assert seen_before(cfg, ordered) is None  # of other data
    cfg.facts.fingerprint = trained(source).cfg.facts.fingerprint
    told = seen_before(cfg, ordered)
    assert (told is None) if cure is None else (cure in str(told))


def test_a_run_and_a_check_say_that_weights_know_its_test_set(source: Path, tmp_path: Path) -> None:
    from quintet.commands.check import prepare
    from quintet.diagnostics.input_checks import leak

    words = (f"model.weights={source}", "data.seed=1", *NET, *SHORT)
    (anomaly,) = ran(tmp_path / "run", *words).anomalies
    found = leak(prepare(composed(tmp_path, *words)))
    assert found
    assert (found.verdict, f"{found.seen}. {found.cure}") == ("warn", anomaly)
