"""Composition of a single option as in a run, without the rest of the run."""

from dataclasses import asdict
from typing import Any, cast

import torch
from omegaconf import DictConfig, OmegaConf

from quintet.base import plain_yaml
from quintet.base.paths import options
from quintet.config import instantiate as nodes
from quintet.config.instantiate import instantiate
from quintet.data.samples import Facts, Task
from quintet.problems import PROBLEMS

RESERVED = {
    "metric": {"name", "mode", "fits"},
    "loss": {"fits", "num_outputs"},
    "optimizer": {"weight_decay_on"},
    "scheduler": {"interval", "warmup"},
}
"""Keys that every option of the group has and that are not passed to its constructor."""

OPTIONAL = {group: keys - RESERVED.get(group, set()) for group, keys in nodes.RESERVED.items()}
TASKS: list[Task] = [*PROBLEMS]
STEPS_PER_EPOCH, TOTAL_STEPS = 7, 84
SAMPLES = 10
"""Of each target that a problem has as an example."""


def facts(task: Task, **changes: Any) -> dict[str, Any]:
    """Facts of a small data set, of whose targets a problem has an example."""
    problem = PROBLEMS[task]
    targets = torch.tensor(problem.example).repeat_interleave(SAMPLES, dim=0)
    classes = problem.num_classes(targets, [])
    known = Facts(
        task=task,
        kind="table",
        input_shape=[4],
        num_classes=classes,
        num_targets=problem.num_targets(targets),
        class_counts=problem.class_counts(targets, classes),
        class_names=[],
        cardinalities=[],
        vocabulary=0,
        train_size=len(targets),
        val_size=10,
        test_size=10,
        fingerprint="",
    )
    lengths = {"steps_per_epoch": STEPS_PER_EPOCH, "total_steps": TOTAL_STEPS}
    return asdict(known) | lengths | changes


def names(group: str) -> list[str]:
    """All options of a group."""
    return list(options(group))


def sources() -> list[str]:
    """Data options that are sources of samples; the others are LightningDataModules."""
    return [name for name in names("data") if _is_source(name)]


def _is_source(name: str) -> bool:
    """Return whether an option of `data` has the keys that all sources have."""
    begins = [str(each) for each in read("data", name).get("defaults") or () if each != "_self_"]
    return "base" in begins or any(map(_is_source, set(begins) & set(names("data"))))


def computed() -> list[str]:
    """Metrics that are computed from predictions; a LightningModule logs the others itself."""
    return [name for name in names("metric") if "_target_" in read("metric", name)]


def read(group: str, option: str) -> dict[str, Any]:
    """Return the contents of an option's YAML, without resolving interpolations."""
    return dict(plain_yaml.own_config(options(group)[option]))


def composed(
    group: str, option: str, task: Task = "multiclass", *, known: Any = None, **overrides: Any
) -> DictConfig:
    """Return a config of an option, a facts node, a metric and an optimizer."""
    own = cast(DictConfig, OmegaConf.load(options(group)[option]))
    own.pop("defaults", None)  # other choices that it brings, which are not composed here
    root = {
        "facts": known or facts(task),
        "metric": {"name": "accuracy", "mode": "max"},
        "optimizer": {"lr": 0.1},
        group: OmegaConf.merge(own, overrides),
    }
    return OmegaConf.create(root)


def node(group: str, option: str, task: Task = "multiclass", **settings: Any) -> dict[str, Any]:
    """Resolve an option's YAML to plain data."""
    root = OmegaConf.to_container(composed(group, option, task, **settings), resolve=True)
    return dict(root[group])  # type: ignore[index, call-overload, arg-type]


def build(group: str, option: str, task: Task = "multiclass", **settings: Any) -> Any:
    """Instantiate an option."""
    return instantiate(composed(group, option, task, **settings)[group], group)
