"""The private parts of Hydra and OmegaConf that are used or overridden: all of them, here.

tests/quintet/base/test_hydra_internals.py says which of them an upgrade has changed.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override
    from omegaconf import DictConfig


def overrides_of(arguments: Sequence[str]) -> list[str]:
    """Return the overrides among the arguments of a command, without Hydra's flags."""
    from hydra._internal.utils import get_args_parser

    return cast(list[str], get_args_parser().parse_args(arguments).overrides)


def compose_once() -> None:
    """Let Hydra compose a config once where it is known that it runs one job.

    Hydra composes every config twice, the first time only to read `hydra.mode`.
    """
    from hydra._internal.hydra import Hydra
    from hydra.types import RunMode

    Hydra.get_mode = lambda *_, **__: RunMode.RUN  # type: ignore[method-assign]


def swept_values(override: "Override") -> list[Any]:
    """Return the values of an override that lists several."""
    from hydra.core.override_parser.types import Override

    listed = override.value().list  # type: ignore[union-attr]
    return [Override._convert_value(value) for value in listed]


def set_parent(node: "DictConfig", parent: "DictConfig") -> None:
    """Let the references of a node be resolved as if it stood in `parent`."""
    node._set_parent(parent)
