"""A run that finds its own learning rate."""

from pathlib import Path

import pytest

from quintet.artifacts import checkpoints
from quintet.diagnostics import training_curves
from refusals import Refusal
from running import SHORT, ran

RUN = (*SHORT, "data=wine", "trainer.max_epochs=2", "optimizer=sgd", "scheduler=constant")


def test_it_trains_as_if_the_rate_had_been_given(tmp_path: Path) -> None:
    found = ran(tmp_path / "found", *RUN, "callbacks=lr_finder")
    (change,) = found.steering
    assert (change["key"], change["before"], change["by"]) == ("optimizer.lr", 0.1, "lr_finder")
    rate = change["after"]
    assert (tmp_path / "found/lr_range.csv").read_text().startswith("lr,loss\n")
    ran(tmp_path / "given", *RUN, f"optimizer.lr={rate}")
    rows = [training_curves.read(tmp_path / name / "metrics.csv") for name in ("found", "given")]
    assert rows[0][0]["lr"] == pytest.approx(rate)
    assert rows[0][-1] == pytest.approx(rows[1][-1], rel=1e-4)
    saved = checkpoints.load(tmp_path / "found/checkpoints/last.ckpt")
    assert saved["optimizer_states"][0]["param_groups"][0]["lr"] == pytest.approx(rate)


def test_a_loss_that_falls_at_no_rate_is_reported(tmp_path: Path) -> None:
    from quintet.base.errors import Code

    dead = ("init=zeros", "init.force=true", "model.freeze=[hidden,head.bias]")
    with Refusal(Code.FAILED, "callbacks", "lr_finder"):
        ran(tmp_path, *RUN, *dead, "callbacks=lr_finder")
