"""Metric, loss and model of a task that is only known once the data are read."""

import yaml
from omegaconf import DictConfig, OmegaConf, open_dict

from quintet.base import paths
from quintet.config.compatibility import model_need, top_level
from quintet.problems import PROBLEMS


def choose_defaults(cfg: DictConfig) -> list[str]:
    """Replace the options that nobody chose where they do not fit the task.

    Returns:
        what was chosen, as overrides.

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
        node = yaml.safe_load(paths.options(group)[option].read_text())
        with open_dict(cfg):
            cfg[group] = OmegaConf.create(node)
            cfg.choices[group] = option
        chosen.append(f"{group}={option}")
    return chosen


def _is_default(cfg: DictConfig, group: str) -> bool:
    """Return whether a group's option is that of train.yaml, and nobody typed or changed it."""
    usual = {
        str(key): value
        for entry in top_level()["defaults"]
        if isinstance(entry, dict)
        for key, value in entry.items()
    }
    typed = any(
        word.lstrip("+~").partition("=")[0].partition(".")[0] in (group, "experiment")
        for word in cfg.overrides
    )
    return not typed and cfg.choices.get(group) == usual[group]
