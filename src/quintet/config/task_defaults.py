"""Default metric, loss and model for a task that is only known once the data have been read."""

from collections.abc import Mapping

from omegaconf import DictConfig, OmegaConf, open_dict

from quintet.base import paths, plain_yaml
from quintet.config.compatibility import model_need, top_level
from quintet.config.initial_config import as_typed
from quintet.problems import PROBLEMS


def choose_defaults(cfg: DictConfig) -> list[str]:
    """Replace default options that do not fit the task; options that were typed are kept.

    Returns:
        the new choices, as overrides.

    """
    chosen: list[str] = []
    task = cfg.facts.task
    if task not in PROBLEMS:
        return chosen
    for group, option in PROBLEMS[task].defaults.items():
        need = model_need(task, cfg.facts.kind)[0] if group == "model" else task
        fits = cfg[group].get("fits")
        if fits is None or need in fits or not _is_default(cfg, group):
            continue
        node = plain_yaml.own_config(paths.options(group)[option])
        with open_dict(cfg):
            cfg[group] = OmegaConf.create(dict(node))
            cfg.choices[group] = option
        chosen.append(f"{group}={option}")
    return chosen


def _is_default(cfg: DictConfig, group: str) -> bool:
    """Return whether the option of a group is the default of train.yaml and was not chosen."""
    words = [word.lstrip("+~").partition("=") for word in as_typed(cfg.overrides)]
    typed = any(key.partition(".")[0] == group for key, _, _ in words)
    presets = [name for key, _, names in words if key == "experiment" for name in _names(names)]
    preset = any(_chooses(name, group) for name in presets)
    return not typed and not preset and cfg.choices.get(group) == _usual()[group]


def fitting(task: str, choices: Mapping[str, str | None]) -> dict[str, str]:
    """Return the choices that a task needs in place of the default options.

    A sweep keeps the metric that it begins with, so its command needs these choices as overrides.
    """
    usual = _usual()
    return {
        group: option
        for group, option in (PROBLEMS[task].defaults if task in PROBLEMS else {}).items()
        if choices.get(group) == option != usual[group]
    }


def _usual() -> dict[str, str]:
    """Return the default option of each group."""
    return {
        str(key): value
        for entry in top_level()["defaults"]
        if isinstance(entry, dict)
        for key, value in entry.items()
    }


def _names(value: str) -> list[str]:
    """Return the options in the value of an override, `a` or `[a,b]`."""
    return [name.strip() for name in value.strip("[]").split(",") if name.strip()]


def _chooses(experiment: str, group: str) -> bool:
    """Return whether a preset chooses or changes the option of a group."""
    if (path := paths.options("experiment").get(experiment)) is None:
        return True  # in a folder given by --config-dir: keep its options
    node = plain_yaml.own_config(path)
    entries = [entry for entry in node.get("defaults", []) if isinstance(entry, dict)]
    return group in node or any(f"override /{group}" in entry for entry in entries)
