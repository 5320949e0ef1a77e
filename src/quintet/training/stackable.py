"""What in a run's config prevents training it with others as one batched model."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from quintet.base import paths, plain_yaml
from quintet.config.objectives import BATCH_SECONDS, compared_by
from quintet.config.run_nodes import SUPERVISED

AUTO = "auto"
"""The value of `sweeper.stack` and `cv.stack` that leaves the number to the engine."""


def obstacle(cfg: DictConfig) -> str | None:
    """Return what in a trial's config prevents stacking, as an override; None if nothing does."""
    if cfg.module.get("_target_") != SUPERVISED:
        return "its module is not module=supervised"
    if cfg.cv.folds or cfg.cv.seeds != 1:
        return "cv= trains several models in a trial"
    if BATCH_SECONDS in compared_by(cfg):
        return f"a trial's {BATCH_SECONDS} would be those of the stack"
    if cfg.compile:
        return "compile=true"
    if cfg.logger:
        return "a logger follows each trial"
    usual, given = default("callbacks/default"), _plain(cfg.callbacks)
    for each in (usual, given):
        (each.get("early_stopping") or {}).pop("patience", None)
    given["early_stopping"] = given.get("early_stopping") or usual["early_stopping"]
    if other := sorted(n for n in {*given, *usual} if given.get(n) != usual.get(n)):
        return f"callbacks.{other[0]} is not the default"
    trainer, free = default("trainer/auto"), ("accelerator", "max_epochs", "gradient_clip_val")
    own = _plain(cfg.trainer)
    changed = [k for k in {*own, *trainer} - {*free} if own.get(k) != trainer.get(k)]
    return f"trainer.{min(changed)} is not the default" if changed else None


def _plain(node: DictConfig) -> dict[str, Any]:
    found: Any = OmegaConf.to_container(node)
    return dict(found)


def default(name: str) -> dict[str, Any]:
    """Return the contents of one of the engine's configs."""
    return dict(plain_yaml.own_config(paths.config(name)))
