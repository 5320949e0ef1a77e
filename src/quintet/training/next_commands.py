"""Commands that use a finished run, as printed by the console and the reports."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quintet.artifacts import untrusted_files
from quintet.artifacts.record import CONFIG, Record
from quintet.base import plain_yaml
from quintet.base.console import command_line, current, train_line, typed
from quintet.base.errors import UserError
from quintet.config.safe_overrides import split_by_safety
from quintet.config.task_defaults import fitting
from quintet.problems import PROBLEMS

SPACE = {"sweeper": "random", "search_space": "high", "sweeper.n_trials": "20"}
"""What a first sweep varies, unless something else was typed."""

TUNED = {"optimizer", "loss", "init", "model"}
"""Choices of which the run needs at least one for that sweep; some modules take none."""


MASKS = "masks"
"""Folder in a run's for the masks that it predicts, which are not rows of a CSV file."""

OF_A_SWEEP = ("sweeper=", "sweeper.", "search_space=", "objectives=", "study=")
"""Prefixes of overrides that configure a sweep."""


def evaluate(folder: Path, *words: str) -> str:
    """Return the command that scores a run again."""
    return command_line("evaluate", f"run={typed(folder)}", *words)


def resume(folder: Path, record: Record) -> str:
    """Return the command that continues a run: one that has completed, for as long again.

    Args:
        folder: of the run.
        record: of the run. Of folds, the longer training is that of each.

    """
    trained = record.epochs
    if record.repeats:
        trained = int(_config(folder).get("trainer", {}).get("max_epochs") or trained)
    longer = [f"trainer.max_epochs={2 * max(trained, 1)}"] if record.status == "completed" else []
    return command_line("train", f"resume={typed(folder)}", *longer)


def predict(folder: Path, config: Path | None = None) -> str:
    """Return the command that predicts for the file or folder that the run was trained on, if any.

    It exists, and shows the format of new inputs. Bundled data have none: there the command
    predicts for a split that the run was not trained on.

    Args:
        folder: of the run or the ensemble.
        config: the folder whose config names the data; None for the same folder.

    """
    cfg = _config(config or folder)
    facts = cfg.get("facts", {})
    part = next((name for name in ("test", "val") if facts.get(f"{name}_size")), "train")
    path = str(cfg.get("data", {}).get("path") or "")
    known = path and "${" not in path and (current().folder / path).exists()
    new = typed(current().folder / path) if known else part
    problem = PROBLEMS.get(str(facts.get("task")))
    masks = [f"output={typed(folder / MASKS)}"] if problem and problem.dense else []
    return command_line("predict", f"run={typed(folder)}", f"input={new}", *masks)


def tune(record: Record) -> str:
    """Return the command of a sweep to run next: over the preset's space, or what matters most.

    Overrides that could run code are left out, since the record may come from someone else.
    """
    kept = [word for word in split_by_safety(record.overrides)[0] if not word.startswith("resume=")]
    given = {word.partition("=")[0] for word in kept}
    has_space = record.choices.get("search_space") or "search_space" in given
    own = {} if has_space else {k: v for k, v in SPACE.items() if k not in given}
    if own and not record.choices.keys() & {"model", "optimizer"}:
        own["search_space"] = "module"  # all that can vary are the module's own settings
    needed = fitting(str(record.facts.get("task")), record.choices)
    own |= {group: option for group, option in needed.items() if group not in given}
    return train_line("-m", *(f"{key}={value}" for key, value in own.items()), *kept)


def _config(folder: Path) -> dict[str, Any]:
    """Return the mappings of a run's config; {} if the folder has none or a damaged one."""
    try:
        cfg = plain_yaml.mapping(untrusted_files.read_text(folder, CONFIG), folder / CONFIG)
    except (OSError, UserError):
        return {}
    return {key: node for key, node in cfg.items() if isinstance(node, dict)}


def seeds(values: str, overrides: Sequence[str]) -> str:
    """Return the command that repeats a run once with each of other seeds, such as `1,2,3`.

    The settings of the run's own sweep are left out: its strategy would choose among the seeds.
    """
    kept = [word for word in overrides if not word.startswith(("seed=", *OF_A_SWEEP))]
    return train_line("-m", f"seed={values}", *kept)
