"""The base model of an init that scales with the width: the same model in its usual sizes."""

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from quintet.base import paths, plain_yaml
from quintet.base.errors import Code, UserError
from quintet.config.instantiate import TARGET

if TYPE_CHECKING:
    from torch import nn

SIZES = ("width", "heads")
"""Arguments of a model that determine how wide it is."""


def base_model(
    cfg: DictConfig, width: Any, make: "Callable[[DictConfig], nn.Module]"
) -> "nn.Module":
    """Return the model in the sizes of its own YAML, without advancing the random generator.

    Args:
        cfg: config of a run.
        width: width of the base model; None for that in the YAML.
        make: function that builds the model of a config.

    Raises:
        UserError: the model has no width, none in its YAML, or cannot have this one.

    """
    import torch

    base = _base_config(cfg, width)
    try:
        with torch.random.fork_rng(devices=[]):
            return make(base)
    except UserError as error:
        raise UserError(
            f"is not a width of this model: {error}",
            code=error.code,
            key="init.base_width",
            value=base.model.width,
            hint="Set it to the width at which rates are tuned",
        ) from error


def _base_config(cfg: DictConfig, width: Any) -> DictConfig:
    """Return the config of the base model."""
    sizes = _sizes(cfg, width)
    if "width" not in cfg.model:
        raise UserError(
            "compares models of different widths, and this one has no model.width",
            code=Code.INCOMPATIBLE,
            key="init",
            value=cfg.choices.get("init"),
            hint="Use init=he_normal",
        )
    if "width" not in sizes:
        raise UserError(
            "is not known: the model has no file in configs/model that states its usual width",
            code=Code.MISSING_VALUE,
            key="init.base_width",
            hint="Set it to the width at which rates are tuned",
        )
    return _with_sizes(cfg, sizes)


def usual_width(cfg: DictConfig) -> Any:
    """Return the width of the base model, or None if its layers differ in width.

    Args:
        cfg: config of a run.

    """
    if "base_width" not in cfg.init or "width" not in cfg.model:
        return None
    width = _sizes(cfg, cfg.init.base_width).get("width")
    return width if isinstance(width, int) else None


def of_width(cfg: DictConfig, width: int, base: int) -> DictConfig:
    """Return the config with a model of another width, relative to a base of a given one."""
    found = _with_sizes(cfg, {"width": width})
    found.init.base_width = base
    return found


def _with_sizes(cfg: DictConfig, sizes: dict[str, Any]) -> DictConfig:
    found = copy.deepcopy(cfg)
    OmegaConf.set_readonly(found, False)
    found.model.update(sizes)
    return found


def _sizes(cfg: DictConfig, width: Any) -> dict[str, Any]:
    sizes = {name: size for name, size in _usual(cfg).items() if name in cfg.model}
    return sizes | ({} if width is None else {"width": width})


def _usual(cfg: DictConfig) -> dict[str, Any]:
    """Return the sizes in the YAML of the chosen model, or the first one with its class."""
    files = paths.options("model")
    named = files.get(cfg.choices.get("model") or "")
    found = [named] if named else list(files.values())
    own = (plain_yaml.own_config(file) for file in found)
    usual = next((each for each in own if each.get(TARGET) == cfg.model.get(TARGET)), {})
    return {name: usual[name] for name in SIZES if name in usual}
