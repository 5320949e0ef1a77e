"""What of Hydra is used beside its public interface does what it is used for."""

import inspect

from hydra._internal.hydra import Hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from quintet.base import hydra_internals


def test_overrides_are_told_from_flags():
    words = hydra_internals.overrides_of(["-m", "--config-dir", "x", "a=1", "+b=2"])
    assert words == ["a=1", "+b=2"], "hydra._internal.utils.get_args_parser has changed"


def test_the_mode_is_asked_for_where_it_is_overridden(monkeypatch):
    import hydra._internal.utils as utils

    monkeypatch.setattr(Hydra, "get_mode", Hydra.get_mode)  # put back afterwards
    assert "get_mode(" in inspect.getsource(utils), "Hydra finds its mode in another way"
    hydra_internals.compose_once()
    assert Hydra.get_mode(None, None, None).name == "RUN"


def test_values_of_a_choice_are_plain():
    override = OverridesParser.create().parse_override("a=x,'y z',[1,2]")
    assert hydra_internals.swept_values(override) == ["x", "y z", [1, 2]]


def test_a_node_is_resolved_in_its_parent():
    node, parent = OmegaConf.create({"a": "${b}"}), OmegaConf.create({"b": 3})
    hydra_internals.set_parent(node, parent)
    assert node.a == 3
