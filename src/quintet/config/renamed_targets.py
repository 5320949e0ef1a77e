"""Current import paths of renamed classes and functions, for run folders of earlier versions."""

from typing import Any

MOVED = {
    "quintet.models.": "quintet.options.models.",
    "quintet.losses.": "quintet.options.losses.",
    "quintet.metrics.": "quintet.options.metrics.",
    "quintet.inits.": "quintet.options.inits.",
    "quintet.optimizers.": "quintet.options.optimizers.",
    "quintet.schedulers.": "quintet.options.schedulers.",
    "quintet.loggers.": "quintet.trackers.",
    "quintet.callbacks.rate.": "quintet.training.callbacks.learning_rate.",
    "quintet.callbacks.": "quintet.training.callbacks.",
    "quintet.sweep.schedulers.": "quintet.sweep.trial_schedulers.",
    "quintet.data.arrays.": "quintet.data.sources.arrays.",
    "quintet.data.bundled.": "quintet.data.sources.bundled.",
    "quintet.data.images.": "quintet.data.sources.images.",
    "quintet.data.mask_folders.": "quintet.data.sources.mask_folders.",
    "quintet.data.series.": "quintet.data.sources.series.",
    "quintet.data.stream.": "quintet.data.sources.stream.",
    "quintet.data.tables.": "quintet.data.sources.tables.",
    "quintet.data.text.": "quintet.data.sources.text.",
    "quintet.data.token_files.": "quintet.data.sources.token_files.",
    "quintet.data.two_targets.": "quintet.data.sources.two_targets.",
}
"""Prefixes of earlier paths with their replacements; the first match is used."""


def current(path: str) -> str:
    """Return the current path of a class or function.

    Examples:
        >>> current("quintet.models.mlp.MLP"), current("torch.nn.Linear")
        ('quintet.options.models.mlp.MLP', 'torch.nn.Linear')

    """
    for before, now in MOVED.items():
        if path.startswith(before):
            return now + path.removeprefix(before)
    return path


def with_current_targets(config: Any) -> Any:
    """Return plain data with every `_target_` updated to its current path."""
    if isinstance(config, list):
        return [with_current_targets(each) for each in config]
    if not isinstance(config, dict):
        return config
    found = {key: with_current_targets(value) for key, value in config.items()}
    if isinstance(target := found.get("_target_"), str):
        found["_target_"] = current(target)
    return found
