"""The options of the data group compose, bring fitting choices and give way to others."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

CONFIGS = Path(__file__).parents[2] / "configs"
OPTIONS = sorted(file.stem for file in (CONFIGS / "data").glob("*.yaml") if file.stem != "base")
KNOWN = [name for name in OPTIONS if name not in ("csv", "arrays", "images", "stream")]


def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONFIGS), version_base=None):
        return compose("train", list(overrides))


@pytest.mark.parametrize("name", KNOWN)
def test_a_data_set_brings_a_metric_loss_and_model_that_fit(name: str) -> None:
    cfg = composed(f"data={name}")
    assert cfg.data.task in cfg.metric.fits
    assert cfg.data.task in cfg.loss.fits
    assert cfg.data.kind in cfg.model.fits


def test_the_command_line_wins_over_the_data_set() -> None:
    cfg = composed("data=diabetes", "metric=mae", "loss=huber")
    assert (cfg.metric.name, cfg.loss._target_) == ("mae", "torch.nn.HuberLoss")


def test_the_defaults_stay_where_the_data_set_says_nothing() -> None:
    assert composed("data=wine").metric.name == "accuracy"


@pytest.mark.parametrize("name", OPTIONS)
def test_the_common_keys_can_be_overridden_without_a_plus(name: str) -> None:
    cfg = composed(f"data={name}", "data.batch_size=7", "data.val=11", "data.scale=none", "seed=5")
    assert (cfg.data.batch_size, cfg.data.val, cfg.data.scale) == (7, 11, "none")
    assert cfg.data.seed == 5
