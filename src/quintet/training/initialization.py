"""Initialization of model parameters: init=, then model.weights= and model.freeze=."""

from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, ListConfig, OmegaConf
from torch import Tensor, nn

from quintet.artifacts import checkpoints
from quintet.artifacts.record import CONFIG
from quintet.artifacts.untrusted_files import DamagedError
from quintet.base.advice import Advice
from quintet.base.errors import Code, UserError
from quintet.base.paths import expand_home
from quintet.config import foreign_config, references
from quintet.modules.supervised import weights_of
from quintet.options.models.pretrained import freeze, load
from quintet.options.optimizers import rates
from quintet.training import build
from quintet.training.constructor_weights import restore_weights, weights_to_keep

SPLIT = ("seed", "val", "test", "folds", "fold")
"""Keys of `data` that determine the training samples ..."""
IN_TIME = ("val", "test", "folds", "fold")
"""... and those for a series, whose splits are not random."""


def initialise(cfg: DictConfig, network: nn.Module) -> tuple[list[Advice], dict[str, Any]]:
    """Initialize the parameters of a new model.

    A resumed run takes its weights from its own checkpoint, so the file with its initial weights
    may no longer exist.

    Returns:
        warnings of the init; and, for the record, what was kept, loaded and frozen.

    Raises:
        UserError: weights cannot be loaded or do not fit, or a pattern matches nothing.

    """
    fresh = cfg.model.get("fresh")
    kept = weights_to_keep(cfg, network, None if fresh is None else _listed(fresh, "model.fresh"))
    advice = build.initialise(cfg, network)
    moved: dict[str, Any] = {**restore_weights(network, kept)}
    begun = cfg.resume and checkpoints.newest(Path(cfg.paths.run))
    if (weights := cfg.model.get("weights")) is not None and not begun:
        found = load(network, tensors(str(weights)), weights)
        moved |= {"weights": str(weights), "loaded": len(found.taken)}
        moved |= {"skipped": found.skipped, "fresh": found.fresh}
        if all(name.startswith("head.") for name in found.fresh):
            advice = []  # the init is overwritten by the loaded weights
    if patterns := cfg.model.get("freeze"):
        moved["frozen"] = freeze(network, _listed(patterns, "model.freeze"))
        moved["trainable"] = sum(p.numel() for p in network.parameters() if p.requires_grad)
    if (decay := cfg.optimizer.get("layer_decay", 1.0)) != 1:
        moved["rates"] = rates(network, cfg.optimizer.lr, decay)
    return advice, moved


def seen_before(cfg: DictConfig, ordered: bool) -> Advice | None:
    """Return a warning about weights that were trained on the same data with another split.

    Samples in the validation or test split of this run may have been training samples of that one.

    Args:
        cfg: config with the facts of the data.
        ordered: whether the data is a series; see `Samples`.

    """
    weights = cfg.model.get("weights")
    given = expand_home(str(weights))
    config = (given if given.is_dir() else given.parent.parent) / CONFIG
    if weights is None or not config.is_file():
        return None
    source = foreign_config.read(config)
    if references.value(source, "facts.fingerprint") != cfg.facts.fingerprint:
        return None
    keys = IN_TIME if ordered else SPLIT
    said = {key: references.value(source, f"data.{key}") for key in keys}
    there = {key: v if isinstance(v, int | float) else None for key, v in said.items()}
    here = {key: cfg.data.get(key) for key in there}
    words = [f"data.{key}={'null' if value is None else value}" for key, value in there.items()]
    other = [word for word, key in zip(words, there, strict=True) if there[key] != here[key]]
    if not other:
        return None
    cure = f"Take its split: {' '.join(other)}."
    if here["folds"] is not None:
        cure = "Leave the folds out, or begin with weights of other data."
    return Advice(
        f"model.weights={weights} was trained on this same data, split another way, so samples "
        "that are validation or test here may have been training there, and P would be too good",
        cure,
    )


def _listed(patterns: Any, key: str) -> list[str]:
    listed = OmegaConf.to_container(patterns) if isinstance(patterns, ListConfig) else [patterns]
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise UserError(
            "is not a list of patterns",
            code=Code.WRONG_TYPE,
            key=key,
            value=patterns,
            hint="Give names of parameters or modules, globs or regular expressions, such as "
            f"{key}=[head]",
        )
    return listed


def tensors(where: str) -> dict[str, Tensor]:
    """Return the tensors of a model from a run folder (its best checkpoint) or a file.

    Raises:
        UserError: `where` is a URL, or a file that is missing, damaged or contains code.

    """
    if "://" in where:
        raise UserError(
            "is a URL",
            code=Code.NOT_TRUSTED,
            key="model.weights",
            value=where,
            hint="Give a run folder or a local file: download it first, from a source that you "
            "trust.",
        )
    given = expand_home(where)
    path = checkpoints.best(given) if given.is_dir() else given
    if path is None or not path.is_file():
        inside = _inside(given)
        lacks = "has no model of its own" if inside else "has no checkpoint"
        advice = f"Give the folder of one inside it, as model.weights={inside}. " if inside else ""
        raise UserError(
            lacks if given.is_dir() else "does not exist",
            code=Code.NOT_FOUND,
            key="model.weights",
            value=where,
            hint=advice
            + "Allowed: a run folder that train.py wrote (of a sweep: its best/), or a checkpoint.",
        )
    try:
        state = checkpoints.load(path)
    except DamagedError as error:  # the file may be from another program
        if given.is_dir():
            raise
        raise _no_tensors(where, str(error.__cause__ or error.problem)) from error
    if "state_dict" in state:
        checkpoints.weights(state, path)
        state = weights_of(state) or state["state_dict"]
    if not (state and all(map(torch.is_tensor, state.values()))):
        raise _no_tensors(where)
    return state


def _no_tensors(where: str, why: str = "") -> UserError:
    return UserError(
        f"does not hold a model's tensors by name{why and f': {why}'}",
        code=Code.DAMAGED,
        key="model.weights",
        value=where,
        allowed=[
            "a checkpoint of train.py",
            "what torch.save(model.state_dict(), path) writes",
        ],
    )


def _inside(folder: Path) -> Path | None:
    """Return one of several runs inside a folder: the best of a sweep, else the first."""
    found = (folder.glob(f"{below}/{checkpoints.FOLDER}") for below in ("best", "*/*", "best/*/*"))
    return next((path.parent for paths in found for path in sorted(paths)), None)
