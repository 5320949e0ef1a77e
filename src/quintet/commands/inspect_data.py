"""Inspect a data set: what it is, and which choices fit it."""

from copy import deepcopy
from dataclasses import asdict
from pathlib import Path

from omegaconf import DictConfig

from quintet.artifacts import output_paths, untrusted_files
from quintet.base import console, paths, plain_yaml
from quintet.base.errors import UserError
from quintet.base.files import write_atomically, write_json
from quintet.config.initial_config import as_typed
from quintet.data.lightning_data import StatedFacts
from quintet.data.module import DataModule
from quintet.diagnostics.data_choices import epochs, fitting, folds, transform
from quintet.training import build
from quintet.training.summary import show_columns

FILE = "look.json"
LENGTH, TRANSFORM = "trainer.max_epochs", "data.target_transform"
PATIENCE, PAUSE = "sweeper.scheduler.min_epochs", "sweeper.scheduler.pause"
"""Minimum epochs per trial if the sweep stops some early, and after how many they pause."""


def inspect_data(cfg: DictConfig) -> dict[str, str]:
    """Print what the data is and which choices fit; write the latter to `look.json`.

    Choices from the command line, the data set or a preset are kept.

    Raises:
        UserError: the data cannot be read.

    """
    console.quiet(cfg.debug)
    output = Path(cfg.paths.run) / FILE
    elsewhere = "Move it away, or choose another hydra.run.dir."
    output_paths.check(output, {}, _is_ours, instead=elsewhere)
    data = build.data(cfg)
    data.attach(build.trainer(cfg, watched=False))
    facts = data.load()
    show_columns(data.columns)
    for sentence in data.data_summary:
        console.say("{}", sentence)
    if isinstance(facts, StatedFacts):
        return _stated(cfg, facts)
    assert isinstance(data, DataModule)
    typed = {override.partition("=")[0] for override in as_typed(cfg.overrides)}
    usual = _usual()
    chosen = {
        group: option
        for group, option in fitting(facts, data.splits["train"][1]).items()
        if group not in typed and cfg.choices[group] == usual[group]
    }
    if TRANSFORM not in typed and cfg.data.get("target_transform", "") is None:
        found = transform(facts, data.splits["train"][1])
        chosen |= {TRANSFORM: found} if found else {}
    length = cfg.trainer.max_epochs
    if LENGTH not in typed and length == _usual_length():
        length = epochs(facts, cfg.data.batch_size, length)
        chosen |= {LENGTH: str(length)} if length != cfg.trainer.max_epochs else {}
    if not _split_is_given(cfg, typed) and (k := folds(facts, cfg.sweeper.timeout)):
        if (why_not := _unfoldable(cfg, k)) is None:
            # No trial is judged by the first epochs of its first fold, and finalists train all.
            chosen |= {"cv.folds": str(k), PATIENCE: str(length), PAUSE: str(length)}
        else:
            console.say("One validation part for all: {}.", why_not.rstrip("."))
    sizes = f"{facts.train_size}, {facts.val_size} and {facts.test_size} samples"
    console.say("{}, {}: {} for training, validation and test", facts.task, facts.kind, sizes)
    there = {group: cfg.choices[group] for group in ("metric", "loss", "model")}
    words = " ".join(
        f"{key}={value}" for key, value in (there | chosen).items() if key not in (PATIENCE, PAUSE)
    )
    console.say("fits      [bold]{}[/]", words)
    write_json(output, chosen)
    return chosen


def _stated(cfg: DictConfig, facts: StatedFacts) -> dict[str, str]:
    """Print what a LightningDataModule states about itself; no choices follow from it."""
    for name, value in asdict(facts).items():
        if value not in (None, {}):
            console.say("{} {}", name, value)
    write_atomically(Path(cfg.paths.run) / FILE, "{}\n")
    return {}


def _is_ours(path: Path) -> bool:
    """Return whether an earlier inspection wrote a file."""
    choices = untrusted_files.read_json(path.parent, path.name, dict)
    known = {"cv.folds", PATIENCE, PAUSE, LENGTH, TRANSFORM, *paths.groups()}
    return all(key in known and isinstance(choice, str) for key, choice in choices.items())


def _split_is_given(cfg: DictConfig, typed: set[str]) -> bool:
    """Return whether the user or the data has chosen what to validate on."""
    return (
        any(key.partition(".")[0] == "cv" for key in typed)
        or bool(typed & {"data.val", "data.folds", "data.fold"})
        or bool(cfg.cv.folds or cfg.data.folds)
    )


def _unfoldable(cfg: DictConfig, k: int) -> str | None:
    """Return why there are no k folds: a given split, or too few samples of a class or group."""
    tried = deepcopy(cfg)
    tried.data.folds = k
    try:
        build.data(tried).load()
    except UserError as error:
        return error.statement
    return None


def _usual_length() -> int:
    """Return the epochs of a run, unless its data or preset chooses another number."""
    found: int = plain_yaml.own_config(paths.options("trainer")["auto"])["max_epochs"]
    return found


def _usual() -> dict[str, str]:
    """Return the choices of train.yaml for unknown data."""
    primary = plain_yaml.own_config(paths.config("train"))["defaults"]
    return {
        group: option
        for entry in primary
        if isinstance(entry, dict)
        for group, option in entry.items()
    }
