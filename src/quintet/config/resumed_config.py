"""The config of a resumed run, whose folder is not trusted."""

import shlex
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf, open_dict

from quintet.artifacts import checkpoints
from quintet.artifacts.record import CONFIG
from quintet.base import hydra_internals, paths, plain_yaml, secrets
from quintet.base.errors import Code, UserError
from quintet.base.formatting import plural
from quintet.base.quoting import quoted
from quintet.config import (
    foreign_config,
    further_metrics,
    initial_config,
    plaintext_secrets,
    references,
)
from quintet.config.run_folder import GROUPS, effective_groups
from quintet.config.safe_overrides import split_by_safety
from quintet.config.trust import ELSEWHERE, LOGGER, Trust

FIXED = {*GROUPS, "seed", "cv", "experiment", "search_space"}
"""Keys that cannot be changed on resume, because the training so far depends on them ..."""
MOVABLE = {"data.path", "data.val_path", "data.test_path", "data.on_device", "data.workers",
           "data.prefetch", "data.pin_memory"}  # fmt: skip
"""... except the location of the data and how it is loaded; its fingerprint must be the same."""


def resumed(cfg: DictConfig) -> DictConfig:
    """Return the initial config of the run in `cfg.resume` with all overrides given since.

    The folder does not determine where the run writes or which trackers it uses: see
    `foreign_config`.

    Raises:
        UserError: an override changes one of `FIXED`, or ends the run before the epoch that it has
            reached; or the folder's config names something that is not trusted.

    """
    from hydra.core.hydra_config import HydraConfig

    folder, trust = Path(cfg.resume), Trust.of(cfg.get("trust"))
    keys = _keys(initial_config.as_typed(HydraConfig.get().overrides.task))
    if fixed := [k for k in keys if k.partition(".")[0] in FIXED and k not in MOVABLE]:
        raise UserError(
            f"cannot be changed: resume={cfg.resume} continues with the run's own choices",
            code=Code.CONFLICT,
            key=fixed[0],
            hint="Leave it out, or start a new run with it.",
        )
    own = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=False))
    first = initial_config.read(folder)
    saved, typed = first.config, first.overrides
    words = _since(folder, saved, typed, trust)
    told = saved.get(LOGGER)
    trackers = _trackers(told if isinstance(told, dict) else {}, own[LOGGER], keys, trust)
    taken = OmegaConf.create(
        foreign_config.composed(saved, trust, keys)
        | {key: own[key] for key in (*ELSEWHERE, *foreign_config.OURS) if key in own}
        | {LOGGER: trackers}
    )
    taken.paths.run = references.literal(cfg.paths.run)
    foreign_config.check_places(taken, Path(cfg.paths.run))
    for key in keys:
        OmegaConf.update(taken, key, references.value(own, key), force_add=True)
    with open_dict(taken):
        taken.choices = {g: first.choices[g] for g in effective_groups(taken) if g in first.choices}
        further_metrics.expand(taken)
        taken.overrides = _latest([*references.literal([*typed, *words]), *own["overrides"]])
    check_length(taken, folder)
    plaintext_secrets.refuse_config(taken, folder)
    secrets.note(hydra_internals.to_yaml(taken))
    return taken


def _since(folder: Path, saved: dict[str, Any], typed: list[str], trust: Trust) -> list[str]:
    """Apply the overrides of earlier resumes to the initial config, and return them."""
    if not (folder / CONFIG).is_file():
        return []
    last = foreign_config.read(folder / CONFIG)
    words = [str(word) for word in last.get("overrides") or [] if word not in typed]
    for key in _keys(words):
        if key.partition(".")[0] not in (*ELSEWHERE, *foreign_config.OURS):
            foreign_config.put(saved, last, key, trust)
    return words


def _trackers(
    saved: dict[str, Any], own: dict[str, Any], keys: list[str], trust: Trust
) -> dict[str, Any]:
    """Return the trackers of a resumed run: those of the user's configs and command line.

    Trackers determine where results are sent, and with which of the user's keys. Those in the
    folder are therefore only used if they are identical to the user's option of the same name.

    Raises:
        UserError: they differ, and `logger=` was not given.

    """
    if any(key.partition(".")[0] == LOGGER for key in keys):
        return own
    used = {name: node for name, node in saved.items() if node is not None}
    if trust.logger or all(_options().get(name) == node for name, node in used.items()):
        return used
    words = [f"logger=[{','.join(used)}]"]
    for name, node in used.items():
        known, now = _options().get(name) or {}, node if isinstance(node, dict) else {}
        changed = {k: v for k, v in now.items() if v != known.get(k)}
        words += [f"logger.{name}.{k}={_value(v)}" for k, v in changed.items()]
    kept, left_out = split_by_safety(words)
    but = " (words that name a class or a variable are left out)" if left_out else ""
    raise UserError(
        f"The run logs to {', '.join(used)} with settings of its own. A folder may not choose "
        "where results go, as it could send them anywhere with your keys",
        code=Code.NOT_TRUSTED,
        hint=f"Give the loggers again, for instance as {shlex.join(kept)}{but}, or logger=none; "
        f"or, if nobody else can have written to this folder, trust={LOGGER}.",
    )


def _value(value: object) -> str:
    return quoted(value) if isinstance(value, str) else str(value)


def _options() -> dict[str, Any]:
    """Return the user's tracker options by name."""
    found = (plain_yaml.read(path) for path in paths.options(LOGGER).values())
    nodes = (option.items() for option in found if isinstance(option, dict))
    return {name: node for each in nodes for name, node in each}


def check_length(cfg: DictConfig, folder: Path) -> None:
    """Check that a resumed run has not already trained more epochs than `trainer.max_epochs`.

    Raises:
        UserError: it has; gives the number of epochs.

    """
    epochs, done = cfg.trainer.max_epochs, checkpoints.epochs(folder)
    if isinstance(epochs, int) and 0 <= epochs < done:
        raise UserError(
            f"is less than the {plural(done, 'epoch')} that the run in {folder} has trained",
            code=Code.OUT_OF_RANGE,
            key="trainer.max_epochs",
            value=epochs,
            hint=f"Give {done} or more, or start a new run.",
        )


def _keys(words: list[str]) -> list[str]:
    """Return the keys and groups of overrides."""
    keys = (word.lstrip("+~").partition("=")[0].partition("@")[0] for word in words)
    return [key for key in keys if key != "resume"]


def _latest(words: list[str]) -> list[str]:
    """Return the last override of each key, in the order of typing."""
    found: dict[str, str] = {}
    for word in words:
        key = word.partition("=")[0]
        found.pop(key, None)
        found[key] = word
    return [*found.values()]
