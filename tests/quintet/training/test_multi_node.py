"""Several machines: a missing rendezvous is refused before anything waits."""

from pathlib import Path

import pytest

from quintet.base.errors import Code
from quintet.testing.running import composed
from quintet.training import build
from quintet.training.multi_node import NEEDED, _tell_waiting
from refusals import Refusal

TWO = ("trainer=cpu", "trainer.num_nodes=2")


def test_machines_that_nothing_connects_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NEEDED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    with Refusal(Code.INCOMPATIBLE, "trainer.num_nodes", 2) as refused:
        build.trainer(composed(tmp_path, *TWO))
    assert "MASTER_PORT, NODE_RANK" in refused.value.problem
    assert "torchrun --nnodes=2" in refused.value.hint


def test_connected_machines_are_waited_for_aloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _tell_waiting.cache_clear()
    for name, value in zip(NEEDED, ("127.0.0.1", "29511", "0"), strict=True):
        monkeypatch.setenv(name, value)
    assert build.trainer(composed(tmp_path, *TWO)).num_nodes == 2
    assert "2 machines have joined at 127.0.0.1:29511" in capsys.readouterr().out
