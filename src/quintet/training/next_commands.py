"""Commands for a finished run, as printed in the console and on HTML pages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quintet.artifacts import untrusted_files
from quintet.artifacts.record import CONFIG, Record
from quintet.base import plain_yaml
from quintet.base.console import command_line, current, train_line, typed
from quintet.base.errors import UserError
from quintet.config.safe_overrides import sort_out
from quintet.config.task_defaults import fitting

SPACE = {"sweeper": "random", "search_space": "high", "sweeper.n_trials": "20"}
"""Search space of a first sweep, if no other was given."""

TUNED = {"optimizer", "loss", "init", "model"}
"""Choices of which a run needs at least one for that sweep; a module may take none of them."""


def evaluate(folder: Path) -> str:
    """Return the command that evaluates a run again."""
    return command_line("evaluate", f"run={typed(folder)}")


def predict(folder: Path, config: Path | None = None) -> str:
    """Return the command that predicts for the file or folder that the run was trained on, if any.

    That path exists and shows the required format of inputs. Bundled data have no path: for them
    the command names a split that the run was not trained on.

    Args:
        folder: folder of the run or ensemble.
        config: folder whose config names the data; None: the same.

    """
    cfg = _config(config or folder)
    facts = cfg.get("facts", {})
    part = next((name for name in ("test", "val") if facts.get(f"{name}_size")), "train")
    path = str(cfg.get("data", {}).get("path") or "")
    known = path and "${" not in path and (current().folder / path).exists()
    new = typed(current().folder / path) if known else part
    return command_line("predict", f"run={typed(folder)}", f"input={new}")


def tune(record: Record) -> str:
    """Return the command of a sweep to follow a run: over the preset's space, or a default one.

    Overrides that could run code are left out, since the record is not trusted.
    """
    kept = [word for word in sort_out(record.overrides)[0] if not word.startswith("resume=")]
    given = {word.partition("=")[0] for word in kept}
    has_space = record.choices.get("search_space") or "search_space" in given
    own = {} if has_space else {k: v for k, v in SPACE.items() if k not in given}
    if own and not record.choices.keys() & {"model", "optimizer"}:
        own["search_space"] = "module"  # varies only the module's own parameters
    needed = fitting(str(record.facts.get("task")), record.choices)
    own |= {group: option for group, option in needed.items() if group not in given}
    return train_line("-m", *(f"{key}={value}" for key, value in own.items()), *kept)


def _config(folder: Path) -> dict[str, Any]:
    """Return the mappings in a run's config; {} if it is missing or damaged."""
    try:
        cfg = plain_yaml.mapping(untrusted_files.read_text(folder, CONFIG), folder / CONFIG)
    except (OSError, UserError):
        return {}
    return {key: node for key, node in cfg.items() if isinstance(node, dict)}


def seeds(values: str, overrides: Sequence[str]) -> str:
    """Return the command that repeats a run with other seeds, such as `1,2,3`."""
    kept = [word for word in overrides if not word.startswith("seed=")]
    return train_line("-m", f"seed={values}", *kept)
