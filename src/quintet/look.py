"""A first look at a data set: what it is, and which choices fit it."""

import json
from pathlib import Path

import yaml
from omegaconf import DictConfig

from quintet import build, console
from quintet.files import write_atomically
from quintet.fit import CONFIGS
from quintet.practice.first_look import fitting

FILE = "look.json"


def look(cfg: DictConfig) -> dict[str, str]:
    """Say what the data are and which choices to make; leave the latter in `look.json`.

    A choice that was typed stays, and so does one that the data set or a preset brings.

    Raises:
        UserError: the data cannot be read.

    """
    console.quiet(cfg.debug)
    data = build.data(cfg)
    facts = data.load()
    for sentence in data.account:
        console.say("{}", sentence)
    typed = {override.partition("=")[0] for override in cfg.overrides}
    usual = _usual()
    chosen = {
        group: option
        for group, option in fitting(facts, data.splits["train"][1]).items()
        if group not in typed and cfg.choices[group] == usual[group]
    }
    sizes = f"{facts.train_size}, {facts.val_size} and {facts.test_size} samples"
    console.say("{}, {}: {} for training, validation and test", facts.task, facts.kind, sizes)
    words = " ".join(f"{g}={chosen.get(g, cfg.choices[g])}" for g in ("metric", "loss", "model"))
    console.say("fits      [bold]{}[/]", words)
    write_atomically(Path(cfg.paths.run) / FILE, json.dumps(chosen, indent=2) + "\n")
    return chosen


def _usual() -> dict[str, str]:
    """Return what train.yaml chooses for data that it knows nothing of."""
    primary = yaml.safe_load((CONFIGS / "train.yaml").read_text())["defaults"]
    return {
        group: option
        for entry in primary
        if isinstance(entry, dict)
        for group, option in entry.items()
    }
