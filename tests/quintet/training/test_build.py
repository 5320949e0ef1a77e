"""Parts of an experiment whose config refers to facts of the data."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf

from quintet.base.errors import Code, UserError
from quintet.testing.running import composed
from quintet.training import build


def config(**facts):
    return OmegaConf.create(
        {
            "model": {
                "_target_": "torch.nn.Linear",
                "in_features": 4,
                "out_features": "${loss.num_outputs}",
            },
            "loss": {"num_outputs": "${facts.num_targets}"},
            "data": {},
            "facts": {"num_targets": None, "train_size": None, **facts},
        }
    )


def test_a_fact_that_the_data_does_not_state_is_named() -> None:
    with pytest.raises(UserError) as caught:
        build.model(config())
    assert (caught.value.code, caught.value.key) == (Code.MISSING_VALUE, "model")
    assert "num_targets" in caught.value.problem
    assert 'self.facts = {"num_targets": ...}' in caught.value.hint


def test_a_model_is_built_from_the_facts_that_there_are() -> None:
    network = build.model(config(num_targets=3))
    assert network is not None
    assert network.weight.shape == (3, 4)


def test_a_transform_that_a_module_does_not_undo_is_refused() -> None:
    cfg = config(num_targets=1)
    cfg.module = {"_target_": "quintet.modules.gan.GANModule"}
    data = SimpleNamespace(target_transform="log")
    with pytest.raises(UserError) as caught:
        build.check_undone(cfg, data, {})
    assert (caught.value.code, caught.value.key) == (Code.INCOMPATIBLE, "data.target_transform")
    build.check_undone(cfg, data, {"target_transform": "log"})
    build.check_undone(cfg, SimpleNamespace(target_transform=None), {})


@pytest.mark.parametrize(
    ("group", "node", "fact"),
    [
        (
            "metric",
            {
                "_target_": "torchmetrics.classification.MulticlassAccuracy",
                "num_classes": "${facts.num_classes}",
                "average": "macro",
            },
            "num_classes",
        ),
        (
            "loss",
            {
                "_target_": "quintet.options.losses.WeightedCrossEntropy",
                "class_counts": "${facts.class_counts}",
            },
            "class_counts",
        ),
    ],
)
def test_a_fact_that_a_metric_or_a_loss_needs_is_named(
    group: str, node: dict[str, str], fact: str
) -> None:
    cfg = config(num_classes=None, class_counts=None)
    cfg[group] = node
    with pytest.raises(UserError) as caught:
        build._of_facts(cfg, group)
    assert (caught.value.code, caught.value.key) == (Code.MISSING_VALUE, group)
    assert f'self.facts = {{"{fact}": ...}}' in caught.value.hint


@pytest.mark.parametrize(("typed", "dealt"), [((), True), ((f"{build.DEALT}=false",), False)])
def test_lightning_deals_samples_of_its_data_unless_told_otherwise(
    tmp_path: Path, typed: tuple[str, ...], dealt: bool
) -> None:
    """A team's own batch sampler cannot be sharded, and may shard by itself."""
    cfg = composed(tmp_path, "experiment=multitask", "trainer=ddp_cpu", *typed)
    cfg.overrides = [*typed]
    made = build.trainer(cfg, watched=False)
    assert made._accelerator_connector.use_distributed_sampler is dealt
