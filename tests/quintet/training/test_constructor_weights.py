"""Models whose constructor loads weights keep them, whatever the init."""

from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from torch import nn

from quintet.artifacts import checkpoints
from quintet.artifacts.record import Record
from quintet.base.errors import Code, UserError
from quintet.options.models.pretrained import transfer_summary
from quintet.training import build
from quintet.training.experiment import run
from quintet.training.initialization import initialise
from running import SHORT, composed


def configured(folder: Path, target: str, path: Path, **more: Any) -> DictConfig:
    """Return a config with a model of `bringing.py`, as a YAML with a `_target_` gives it."""
    folder.mkdir(exist_ok=True)
    cfg = composed(folder, *SHORT, "test=false")
    with_facts = {"path": str(path), "num_outputs": 10, **more}
    OmegaConf.set_struct(cfg, False)
    cfg.model = {"_target_": f"bringing.{target}", "weights": None, "freeze": [], **with_facts}
    return cfg


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A file of tensors of a backbone, without its head."""
    torch.manual_seed(7)
    layers = nn.ModuleDict({"stem": nn.Conv2d(1, 4, 3), "norm": nn.BatchNorm2d(4)})
    layers["block"] = nn.Sequential(nn.Conv2d(4, 4, 3))
    torch.save(layers.state_dict(), tmp_path / "backbone.pt")
    return tmp_path / "backbone.pt"


def begun(cfg: DictConfig) -> tuple[set[str], dict[str, Any]]:
    """Return which parameters of a new model the init has changed, and what is recorded."""
    network = build.model(cfg)
    assert network is not None
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    chance = torch.get_rng_state()
    _, moved = initialise(cfg, network)
    torch.set_rng_state(chance)
    now = dict(network.named_parameters())
    return {name for name in now if not torch.equal(now[name], before[name])}, moved


def test_the_init_sets_what_the_constructor_has_not_loaded(tmp_path: Path, weights: Path) -> None:
    changed, moved = begun(configured(tmp_path / "run", "Backbone", weights))
    assert changed == {"head.weight"}  # its bias is zero before and after
    assert moved["initialised"] == ["head"]
    assert moved["kept"] == ["stem", "norm", "block.0", "adapter"]
    told = list(transfer_summary(moved))
    assert "4 layers" in told[0]
    assert "head" in told[1]


@pytest.mark.parametrize(
    ("fresh", "changed"),
    [
        (["head", "block"], {"head.weight", "block.0.weight", "block.0.bias"}),
        ([], set()),
        (["*"], {f"{n}.{k}" for n in ("stem", "block.0") for k in ("weight", "bias")}
         | {"head.weight", "adapter.weight"}),
    ],
)  # fmt: skip
def test_a_config_says_which_layers_are_fresh(
    tmp_path: Path, weights: Path, fresh: list[str], changed: set[str]
) -> None:
    assert begun(configured(tmp_path / "run", "Backbone", weights, fresh=fresh))[0] == changed


def test_a_layer_that_is_not_there_cannot_be_fresh(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(UserError) as caught:
        begun(configured(tmp_path / "run", "Backbone", weights, fresh=["haed"]))
    assert (caught.value.code, caught.value.key) == (Code.UNKNOWN_NAME, "model.fresh")


def test_a_model_that_loads_nothing_is_initialised_as_before(tmp_path: Path, weights: Path) -> None:
    changed, moved = begun(configured(tmp_path / "run", "Plain", weights))
    assert changed == {"body.weight", "body.bias", "head.weight", "head.bias"}
    assert not moved


def test_a_second_construction_leaves_chance_alone(tmp_path: Path, weights: Path) -> None:
    cfg = configured(tmp_path / "run", "Plain", weights)
    drawn = []
    for fresh in (None, ["*"]):  # found out by a second construction, or known
        torch.manual_seed(1)
        cfg.model.fresh = fresh
        network = build.model(cfg)
        assert network is not None
        initialise(cfg, network)
        drawn.append((torch.rand(1), *network.parameters()))
    assert all(torch.equal(one, other) for one, other in zip(*drawn, strict=True))


def test_a_hugging_face_model_keeps_its_local_weights(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=8,
    )  # fmt: skip
    torch.manual_seed(7)
    saved = transformers.BertModel(config, add_pooling_layer=False)
    saved.save_pretrained(tmp_path / "bert")
    cfg = configured(tmp_path / "run", "Bert", tmp_path / "bert", freeze=["bert"])
    run(cfg)
    record = Record.read(tmp_path / "run")
    assert record.status == "completed"
    assert record.transfer["initialised"] == ["head"]
    state = checkpoints.load(tmp_path / "run" / "checkpoints" / "best.ckpt")["state_dict"]
    for name, tensor in saved.state_dict().items():
        assert torch.equal(state[f"model.bert.{name}"], tensor), name
