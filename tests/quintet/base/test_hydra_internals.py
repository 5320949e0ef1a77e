"""The private parts of Hydra that we use do what they are used for."""

import inspect

import pytest
import yaml
from hydra._internal.hydra import Hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from quintet.base import hydra_internals, paths


def test_overrides_are_told_from_flags():
    words = hydra_internals.overrides_of(["-m", "--config-dir", "x", "a=1", "+b=2"])
    assert words == ["a=1", "+b=2"], "hydra._internal.utils.get_args_parser has changed"


def test_the_mode_is_asked_for_where_it_is_overridden(monkeypatch):
    import hydra._internal.utils as utils

    monkeypatch.setattr(Hydra, "get_mode", Hydra.get_mode)  # put back afterwards
    assert "get_mode(" in inspect.getsource(utils), "Hydra finds its mode in another way"
    hydra_internals.compose_once()
    assert Hydra.get_mode(None, None, None).name == "RUN"
    hydra_internals.compose_once(as_flagged=True)
    assert Hydra.get_mode(None, None, None) is None, "for which Hydra does as its flags say"


@pytest.mark.parametrize(
    ("words", "single"),
    [
        (["optimizer=sgd", "model.width=8"], True),
        (["--config-dir=mine", "experiment=mine"], True),
        (["experiment=image"], True),
        (["experiment=automl"], False),
        (["-m", "optimizer=sgd,adam"], False),
        (["--multi", "optimizer=sgd,adam"], False),
        (["hydra.mode=MULTIRUN"], False),
        (["hydra.searchpath=[pkg://theirs]"], False),
    ],
)
def test_a_single_run_is_known_before_its_config_is_composed(words, single):
    assert hydra_internals.is_single_run(words, "train") is single


def test_an_option_that_brings_a_sweep_is_found_in_a_folder_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/nightly.yaml").write_text(
        "# @package _global_\ndefaults: [/experiment/automl]\n"
    )
    monkeypatch.setattr(paths, "SEARCHED", (*paths.SEARCHED, tmp_path))
    assert not hydra_internals.is_single_run(["experiment=nightly"], "train")
    assert not hydra_internals.is_single_run([], "wandb_sweep")


def test_values_of_a_choice_are_plain():
    override = OverridesParser.create().parse_override("a=x,'y z',[1,2]")
    assert hydra_internals.swept_values(override) == ["x", "y z", [1, 2]]


def test_a_node_is_resolved_in_its_parent():
    node, parent = OmegaConf.create({"a": "${b}"}), OmegaConf.create({"b": 3})
    hydra_internals.set_parent(node, parent)
    assert node.a == 3


def test_yaml_is_what_omegaconf_writes():
    cfg = OmegaConf.create(
        {"a": {"rate": 1e-5, "text": "1e-3", "no": "off", "none": None}, "b": [1, "é", "${a.text}"]}
    )
    written = hydra_internals.to_yaml(OmegaConf.to_container(cfg))
    assert OmegaConf.create(written) == cfg
    assert written == OmegaConf.to_yaml(cfg) == hydra_internals.to_yaml(cfg)


def test_sections_that_look_alike_are_written_as_what_they_are():
    for value in (1, True, 1.0, "1", "true", None, "null", [], {}):
        written = hydra_internals.to_yaml({"a": value, "b": {"a": value}})
        assert written == OmegaConf.to_yaml({"a": value, "b": {"a": value}})


def test_references_that_are_parsed_once_resolve_as_before(monkeypatch):
    from omegaconf import base

    monkeypatch.setattr(base, "parse", base.parse)
    hydra_internals.cache_references()
    for number in range(3):
        cfg = OmegaConf.create({"a": number, "b": "${a}", "c": "x_${a}_${b}"})
        assert (cfg.b, cfg.c) == (number, f"x_{number}_{number}")
    assert base.parse.cache_info().hits > 0


@pytest.mark.parametrize("reference", ["${c}", "${a.c}", "${b}", "${.b}", "${e}", "${a.d.f}"])
def test_what_a_reference_cannot_reach_is_reported_in_omegaconfs_words(monkeypatch, reference):
    from omegaconf import base

    ours, told = (base.parse, base.Container.resolve_parse_tree), []
    for parse, resolve in (ours, map(inspect.unwrap, ours)):
        monkeypatch.setattr(base, "parse", parse)
        monkeypatch.setattr(base.Container, "resolve_parse_tree", resolve)
        cfg = OmegaConf.create({"a": {"d": 1}, "b": reference, "e": "???"})
        with pytest.raises(OmegaConfBaseException) as error:
            _ = cfg.b
        told.append((type(error.value), str(error.value)))
    assert told[0] == told[1]


def test_configs_are_read_fast_by_omegaconfs_rules(monkeypatch, tmp_path):
    from omegaconf import _utils

    path = tmp_path / "config.yaml"
    path.write_text("a: 1e-3\nb: 2020-01-02\nc: [no, 'no', 1_000, .5]\nd: {e: é, f: null}\n")
    slow = OmegaConf.load(path)
    monkeypatch.setattr(_utils, "get_yaml_loader", _utils.get_yaml_loader)
    hydra_internals.read_yaml_fast()
    assert _utils.get_yaml_loader() is _utils.get_yaml_loader(), "OmegaConf asks for it elsewhere"
    assert OmegaConf.load(path) == slow
    assert OmegaConf.load(path).a == 1e-3
    path.write_text("a: 1\na: 2\n")
    with pytest.raises(yaml.YAMLError, match="duplicate key a"):
        OmegaConf.load(path)


@pytest.mark.parametrize("words", [(), ("model=cnn", "optimizer=sgd"), ("+more=second",)])
def test_configs_composed_fast_are_those_of_hydra(monkeypatch, tmp_path, words):
    from hydra import compose, initialize_config_dir
    from hydra._internal import defaults_list
    from hydra.core.config_store import ConfigStore

    texts = {
        "train.yaml": "defaults: [_self_, {model: mlp}, {optimizer: adam}, "
        "{shape: '${model}_${optimizer}'}]",
        "model/mlp.yaml": "width: 8",
        "model/cnn.yaml": "defaults: [/optimizer@own: sgd]\nwidth: 9",
        "optimizer/adam.yaml": "lr: 0.1",
        "optimizer/sgd.yaml": "lr: 0.2",
        "shape/mlp_adam.yaml": "a: ${optimizer.lr}",
        "shape/cnn_sgd.yaml": "b: ${model.width}",
        "more/second.yaml": "c: 1",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def composed():
        with initialize_config_dir(str(tmp_path), version_base="1.3"):
            return OmegaConf.to_yaml(compose("train", list(words)))

    hydra_internals.compose_fast()
    fast, ours = composed(), defaults_list._create_interpolation_map
    monkeypatch.setattr(defaults_list, "_create_interpolation_map", inspect.unwrap(ours))
    monkeypatch.delattr(ConfigStore, "__deepcopy__")
    assert inspect.unwrap(ours) is not ours
    assert composed() == fast


def test_copies_are_avoided(monkeypatch):
    from hydra._internal.config_repository import CachingConfigRepository, ConfigRepository
    from hydra.core.config_store import ConfigStore

    hydra_internals.compose_fast()
    store = ConfigStore.instance()
    paths = search_path("structured://")
    copied = CachingConfigRepository(ConfigRepository(paths)).delegate.get_schema_source()
    assert copied.store is store, "Hydra no longer copies it, or in another way"
    name = next(name for name in store.repo if name.endswith(".yaml"))
    assert store.load(name).node is not store.repo[name].node, "the store gives no copies any more"


def search_path(path):
    from hydra._internal.config_search_path_impl import ConfigSearchPathImpl

    found = ConfigSearchPathImpl()
    found.append("schema", path)
    return found
