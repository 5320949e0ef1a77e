"""A trial receives its sweep's decision, even if a kill has cut off the answer."""

import json
import os
from types import SimpleNamespace

import pytest
import torch

from quintet.config.objectives import BATCH_SECONDS
from quintet.study.trial_pipe import TrialPipe
from quintet.training.callbacks.prune import EarlierFolds, Prune


@pytest.fixture
def sweep(monkeypatch):
    """The sweep's ends of the two pipes: what it reads of reports, and what it answers."""
    (reports, tells), (hears, answers) = os.pipe(), os.pipe()
    for name, value in TrialPipe(7, tells, hears).to_environment().items():
        monkeypatch.setenv(name, value)
    yield SimpleNamespace(
        answer=lambda word: os.write(answers, word), heard=lambda: json.loads(os.read(reports, 99))
    )
    for end in (reports, tells, hears, answers):
        os.close(end)


def trainer(**changes):
    at_first = {"world_size": 1, "max_epochs": 9, "should_stop": False}
    return SimpleNamespace(**{**at_first, **changes})


def checkpoint(epochs):
    progress = {"current": {"processed": epochs}}
    return {"loops": {"fit_loop": {"epoch_progress": progress}}}


@pytest.mark.parametrize("answer", [b"s", b"g"])
def test_a_trial_that_continues_asks_again_what_was_answered(sweep, answer):
    prune, its = Prune("val/accuracy"), trainer()
    prune.earlier = EarlierFolds(epochs=9)
    sweep.answer(answer)
    prune.on_load_checkpoint(its, None, checkpoint(3))
    assert sweep.heard() == [12, None]  # with the epochs of the folds before
    assert prune.pruned == its.should_stop == (answer == b"s")


def test_at_its_last_epoch_only_a_fold_of_several_is_stopped(sweep):
    for more in (False, True):
        prune, its = Prune("val/accuracy"), trainer()
        prune.earlier = EarlierFolds(more=more)
        sweep.answer(b"s")
        prune.on_load_checkpoint(its, None, checkpoint(9))
        assert prune.pruned is more
        sweep.heard()


def test_nothing_is_asked_of_a_checkpoint_from_before_the_first_epoch(sweep):
    prune, its = Prune("val/accuracy"), trainer()
    prune.on_load_checkpoint(its, None, checkpoint(0))
    assert not prune.pruned
    sweep.answer(b"g")
    its.callback_metrics, its.current_epoch = {"val/accuracy": 0.5}, 0
    prune.on_train_epoch_end(its, None)
    assert sweep.heard() == [1, 0.5]


def test_a_long_epoch_tells_how_far_it_is_and_a_short_one_nothing(sweep, monkeypatch):
    now = 100.0
    monkeypatch.setattr("quintet.training.callbacks.prune.time.monotonic", lambda: now)
    prune, its = Prune("val/accuracy"), trainer(current_epoch=2, num_training_batches=8)
    prune.earlier = EarlierFolds(epochs=9)
    prune.on_train_epoch_start(its, None)
    prune.on_train_batch_end(its, None, None, None, 0)
    now += 1.5
    prune.on_train_batch_end(its, None, None, None, 1)
    prune.on_train_batch_end(its, None, None, None, 2)
    assert sweep.heard() == {"progress": 11.25}


def test_a_batchs_seconds_are_those_of_the_batches_since_the_run_went_on(sweep, monkeypatch):
    now = 100.0
    monkeypatch.setattr("quintet.training.callbacks.prune.time.monotonic", lambda: now)
    logged = {"val/accuracy": 0.5}
    its = trainer(callback_metrics=logged, current_epoch=0, num_training_batches=8)
    its.lightning_module = torch.nn.Linear(1, 1)
    prune = Prune("val/accuracy")
    prune.objectives = (BATCH_SECONDS,)
    prune.on_train_start(its, None)  # within an epoch, which is not started again
    for batch in (6, 7):
        now += 0.25
        prune.on_train_batch_end(its, None, None, None, batch)
    sweep.answer(b"g")
    prune.on_train_epoch_end(its, None)
    assert sweep.heard()[-1] == {BATCH_SECONDS: 0.25}
