"""States of our callbacks in a checkpoint, which may be untrusted: as we write them, or refused.

Lightning calls `load_state_dict` within `lightning_patches.name_checkpoint`, which names the file.
"""

from collections.abc import Callable
from typing import Any

import lightning.pytorch as L
import pytest
import torch

from quintet.artifacts.steering_files import Change
from quintet.training.callbacks.lr_finder import LRFinder
from quintet.training.callbacks.metrics_file import MetricsFile
from quintet.training.callbacks.mid_epoch import MidEpoch
from quintet.training.callbacks.replay import Replay
from quintet.training.callbacks.session import EpochCounter, Replan
from quintet.training.callbacks.steering import Steering
from quintet.training.callbacks.step_log import StepLog

INF = float("inf")
CALLBACKS: list[Callable[[], L.Callback]] = [
    lambda: EpochCounter(2.0),
    lambda: Replan(10),
    lambda: MetricsFile("metrics.csv"),
    lambda: Steering("."),
    lambda: Replay("."),
    lambda: LRFinder("lr_range.csv"),
    lambda: MidEpoch(1, "last.ckpt"),
    lambda: StepLog("steps.csv", 5),
]
WRONG = [None, "x", [1], {"a": 1}, [{"key": "optimizer.lr"}], torch.zeros(3), INF]
MAY_BE: dict[str, Any] = {
    "total_steps": (None,),
    "seconds": (INF,),
    "cuda": WRONG,
    "rates": WRONG[3:4],
}
"""What a value may be as well."""


def filled(make: Callable[[], L.Callback]) -> L.Callback:
    """Return a callback with something to save."""
    callback = make()
    change = Change("now", "now", 0, 1, "optimizer.lr", 0.1, 0.01)
    kept = {"rows": [{"epoch": 0, "lr": 0.1}], "_rates": {"lr": 0.1}}
    for name, value in {"changes": [vars(change)], **kept}.items():
        if hasattr(callback, name):
            setattr(callback, name, value)
    return callback


@pytest.mark.parametrize("make", CALLBACKS)
def test_a_state_is_restored_as_it_was(make: Callable[[], L.Callback]) -> None:
    state = filled(make).state_dict()
    again = make()
    again.load_state_dict(state)
    if not isinstance(again, EpochCounter | Replan | MidEpoch):  # which go on from there
        assert again.state_dict() == state


@pytest.mark.parametrize("make", CALLBACKS)
def test_a_value_that_is_not_ours_is_refused(make: Callable[[], L.Callback]) -> None:
    state = filled(make).state_dict()
    for name in state:
        for wrong in WRONG:
            if not any(wrong is each for each in MAY_BE.get(name, ())):
                with pytest.raises((ValueError, TypeError, RuntimeError)):
                    make().load_state_dict({**state, name: wrong})
