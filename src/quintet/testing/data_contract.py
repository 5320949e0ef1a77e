"""Data options compose, bring choices that fit, and can be overridden."""

from pathlib import Path

import pytest

from quintet.config.compatibility import model_need
from quintet.testing.compose import read, sources
from quintet.testing.running import composed

DATA = sources()
"""Sources of samples; a LightningDataModule has keys of its own."""
KNOWN = [name for name in DATA if read("data", name).get("task")]
"""Those whose YAML has the task, which is otherwise inferred from a file."""


@pytest.mark.parametrize("name", KNOWN)
def test_a_data_set_brings_a_metric_loss_and_model_that_fit(name: str, tmp_path: Path) -> None:
    cfg = composed(tmp_path, f"data={name}")
    assert cfg.data.task in cfg.metric.fits
    assert cfg.data.task in cfg.loss.fits
    assert model_need(cfg.data.task, cfg.data.kind)[0] in cfg.model.fits


@pytest.mark.parametrize("name", DATA)
def test_the_common_keys_can_be_overridden_without_a_plus(name: str, tmp_path: Path) -> None:
    changed = ["data.batch_size=7", "data.val=11", "data.scale=none", "seed=5"]
    cfg = composed(tmp_path, f"data={name}", *changed)
    assert (cfg.data.batch_size, cfg.data.val, cfg.data.scale) == (7, 11, "none")
    assert cfg.data.seed == 5
