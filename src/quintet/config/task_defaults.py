"""Default metric, loss and model of tasks that are known only after the data have been read."""

import yaml
from omegaconf import DictConfig, OmegaConf, open_dict

from quintet.base import paths
from quintet.config.compatibility import model_need, top_level
from quintet.config.initial_config import as_typed
from quintet.problems import PROBLEMS


def choose_defaults(cfg: DictConfig) -> list[str]:
    """Replace default options where they do not fit the task; typed ones are kept.

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
        node = yaml.safe_load(paths.options(group)[option].read_text())
        with open_dict(cfg):
            cfg[group] = OmegaConf.create(node)
            cfg.choices[group] = option
        chosen.append(f"{group}={option}")
    return chosen


def _is_default(cfg: DictConfig, group: str) -> bool:
    """Return whether a group's option is the default of train.yaml, and was not typed."""
    usual = {
        str(key): value
        for entry in top_level()["defaults"]
        if isinstance(entry, dict)
        for key, value in entry.items()
    }
    typed = any(
        word.lstrip("+~").partition("=")[0].partition(".")[0] in (group, "experiment")
        for word in as_typed(cfg.overrides)
    )
    return not typed and cfg.choices.get(group) == usual[group]
