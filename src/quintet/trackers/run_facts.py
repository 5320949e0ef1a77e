"""The facts of a run that are logged to every tracker."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from quintet.artifacts.record import Record
from quintet.base.secrets import redact, redacted
from quintet.config.run_folder import without_secrets
from quintet.study import trial_pipe
from quintet.trackers import run_names

Plain = str | int | float | bool | None

# Not hyperparameters: paths, loggers, the command line, long lists of facts about the data.
OTHER = {"paths", "logger", "choices", "overrides", "resume", "debug", "experiment", "facts"}
FACTS = ("task", "train_size", "val_size", "test_size", "fingerprint", "total_steps")


@dataclass(frozen=True)
class About:
    """The facts of a run at its start.

    Attributes:
        folder: folder of the run.
        name: readable name of the run.
        study: sweep that the run is a trial of; None for a single run.
        choices: option chosen in each group.
        metric: name under which the primary metric is logged.
        mode: direction of the metric, max or min.
        hparams: flattened config: choices by group, other values as `optimizer/lr`.

    """

    folder: Path
    name: str
    study: str | None
    choices: dict[str, str]
    metric: str
    mode: str
    hparams: dict[str, Plain]

    @property
    def tags(self) -> dict[str, str]:
        """The choices as tags; the sweeper only if the run is a trial."""
        return {k: v for k, v in self.choices.items() if self.study or k != "sweeper"}


def about(cfg: DictConfig) -> About:
    """Return the facts of a run from its config; references to the environment are kept."""
    folder = Path(cfg.paths.run)
    plain: Any = OmegaConf.to_container(without_secrets(cfg), resolve=False)
    choices = {group: str(name) for group, name in plain["choices"].items() if name is not None}
    nodes = {key: value for key, value in plain.items() if key not in OTHER}
    nodes["facts"] = {name: plain["facts"].get(name) for name in FACTS}
    hparams = {**choices, **{k: v for k, v in flat(nodes) if str(folder) not in str(v)}}
    return About(
        folder=folder,
        name=redact(_name(folder, choices, plain["overrides"])),
        study=study(folder),
        choices=choices,
        metric=f"val/{cfg.metric.name}",
        mode=cfg.metric.mode,
        hparams=redacted(hparams),
    )


def _name(folder: Path, choices: dict[str, str], overrides: list[str]) -> str:
    if study(folder) is not None and folder.name.isdigit():
        return run_names.of_trial(folder, trial_pipe.params())
    return run_names.of_run(folder, choices, overrides)


def study(folder: Path) -> str | None:
    """Return the name of the sweep that a run folder, `<study>/trials/0007`, belongs to."""
    return folder.parent.parent.name if folder.parent.name == "trials" else None


def flat(node: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Plain]]:
    """Yield a config's leaves as `group/key`, without Hydra's keys and `fits`; lists as JSON."""
    for key, value in node.items():
        if str(key).startswith("_") or key == "fits":
            continue
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{key}/")
        else:
            yield f"{above}{key}", json.dumps(value) if isinstance(value, list) else value


def outcome(record: Record) -> dict[str, float]:
    """Return the scores of a finished run: those of the best checkpoint, and those on test data."""
    best = (
        {} if record.metric.value is None else {f"best/{record.metric.name}": record.metric.value}
    )
    best |= {f"best/{name}": value for name, value in record.further.items()}
    test = {f"test/{name}": value for name, value in record.test.items()}
    size = {"epochs": record.epochs, "parameters": record.parameters, "seconds": record.seconds}
    return {**best, **test, **size}
