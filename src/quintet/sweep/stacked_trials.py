"""The process of a stack of trials: `python -m` of this file, forked like a trial.

Each trial's config is what `train.py` with its overrides would compose. As far as trials choose the
same options, it is composed once, and their own numbers are put into copies of it.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from quintet.base import paths, redacted_output, secrets
from quintet.base.quoting import quoted
from quintet.config import initial_config, plaintext_secrets, references, run_folder
from quintet.study.overrides import assignments, read
from quintet.study.trial_pipe import TrialPipe
from quintet.sweep.fork_server import COMPANY
from quintet.sweep.trial_process import LOG

OWN = ("test=false", "hydra.mode=RUN")


@dataclass(frozen=True)
class MemberPipe(TrialPipe):
    """The line of a trial that shares its process, which lets go of the trial's lock at its end."""

    lock: int = -1

    def leave(self, code: int) -> None:
        """Tell that the trial has ended."""
        os.close(self.lock)
        super().leave(code)

    def alone(self, reason: str) -> None:
        """Tell that it is to start again by itself."""
        os.close(self.lock)
        super().alone(reason)


@dataclass
class Composer:
    """Composes the configs of trials.

    Args:
        fixed: overrides that all have.

    """

    fixed: Sequence[str]
    _composed: dict[tuple[str, ...], DictConfig] = field(default_factory=dict)

    def compose(self, params: Mapping[str, str], folder: Path) -> DictConfig:
        """Return a trial's config, and leave in its folder what a resume needs."""
        from hydra.core.hydra_config import HydraConfig

        words = [*self.fixed, *assignments(dict(params)), *OWN, f"hydra.run.dir={quoted(folder)}"]
        full = deepcopy(self._template(params, words))
        for override in read(assignments(dict(params))):
            if not paths.is_group(override.key_or_group):
                key = override.key_or_group
                OmegaConf.update(full, key, override.value(), force_add=True)
        with open_dict(full):
            full.hydra.run.dir = full.hydra.runtime.output_dir = str(folder)
            task, hydra = words[:-2], words[-2:]
            full.hydra.overrides.task, full.hydra.overrides.hydra = task, hydra
            full.hydra.job.override_dirname = ",".join(sorted(task))
        HydraConfig.instance().set_config(full)
        with open_dict(full):
            full.pop("hydra")
        initial_config.write(full, folder)
        run_folder.note_command(full)
        full.paths.run = references.literal(str(folder))
        return full

    def _template(self, params: Mapping[str, str], words: Sequence[str]) -> DictConfig:
        from hydra import compose

        groups = tuple(k + "=" + v for k, v in params.items() if paths.is_group(k.partition("@")[0]))
        if groups not in self._composed:
            self._composed[groups] = compose("train", [*words], return_hydra_config=True)
            secrets.note(OmegaConf.to_yaml(self._composed[groups].copy()))
        return self._composed[groups]


def main(request: Mapping[str, Any]) -> None:
    """Train the trials of a request."""
    from hydra import initialize_config_dir

    redacted_output.install()
    sys.path.insert(0, str(Path(request["script"]).parent))
    os.environ.setdefault("PROJECT_ROOT", str(paths.ROOT))
    secrets.note_environment()
    files = json.loads(os.environ[COMPANY])
    trials = request["trials"]
    lines = [
        MemberPipe(trial["number"], files[3 * i + 1], files[3 * i + 2], files[3 * i])
        for i, trial in enumerate(trials)
    ]
    composer, configs = Composer(request["fixed"]), []
    with initialize_config_dir(str(paths.CONFIGS), version_base="1.3", job_name="train"):
        for trial in trials:
            cfg = composer.compose(trial["params"], Path(trial["folder"]))
            plaintext_secrets.refuse_config(cfg)
            configs.append(cfg)
            say_where(Path(trial["folder"]), trials[0])
    from quintet.training.stacked_run import train

    train(configs, lines)


def say_where(folder: Path, first: Mapping[str, Any]) -> None:
    """Note in a trial's log where its output is."""
    if str(folder) != first["folder"]:
        line = f"Trained together with trial {first['number']}, whose log has the messages.\n"
        (folder / LOG).write_text(line)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
