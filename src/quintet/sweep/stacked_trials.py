"""The process of a stack of trials: this module run with `python -m`, forked like a trial.

Each trial's config equals what `train.py` would compose from its overrides. Trials that choose the
same options share one composed config, and their own numbers are set in copies of it.
"""

import gc
import json
import os
import pickle
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf, open_dict

from quintet.base import hydra_internals, paths, redacted_output, secrets
from quintet.base.files import write_atomically
from quintet.base.quoting import quoted
from quintet.config import initial_config, plaintext_secrets, references, run_folder
from quintet.config.initial_config import Composed
from quintet.study.overrides import assignments, read
from quintet.study.trial_pipe import TrialPipe
from quintet.sweep.fork_server import SHARED_FILES
from quintet.sweep.trial_process import LOG

GARBAGE = 100_000
"""New objects before a garbage collection.

Configs consist of many objects; with the default, collections take a sixth of a stack's time.
"""


@dataclass(frozen=True)
class MemberPipe(TrialPipe):
    """The pipes of a trial that shares its process; the trial's lock is released when it ends."""

    lock: int = -1

    def send_exit(self, code: int) -> None:
        """Report that the trial has ended."""
        os.close(self.lock)
        super().send_exit(code)

    def send_rerun(self, reason: str) -> None:
        """Report that the trial must be rerun alone."""
        os.close(self.lock)
        super().send_rerun(reason)


@dataclass
class Composer:
    """Composes the configs of trials.

    Args:
        fixed: overrides that all trials share.

    """

    fixed: Sequence[str]
    _templates: dict[tuple[str, ...], bytes] = field(default_factory=dict)
    """By chosen options: a run's config, the same as plain data, and Hydra's config.

    They are pickled, as copying them takes several times as long.
    """

    def compose(self, params: Mapping[str, str], folder: Path) -> Composed:
        """Return a trial's config, as `train.py` would compose it."""
        task = [*self.fixed, *assignments(dict(params)), "test=false"]
        own = ["hydra.mode=RUN", f"hydra.run.dir={quoted(folder)}"]
        cfg, composed, hydra = pickle.loads(self._template(params, [*task, *own]))
        for override in read(assignments(dict(params))):
            if not paths.is_group(override.key_or_group.partition("@")[0]):
                key, value = override.key_or_group, override.value()
                OmegaConf.update(cfg, key, value, force_add=True)
                put(composed, key, value)
        cfg.overrides, cfg.paths.run = task, references.literal(str(folder))
        hydra["run"]["dir"] = hydra["runtime"]["output_dir"] = str(folder)
        hydra["overrides"] |= {"task": task, "hydra": own}
        hydra["job"]["override_dirname"] = ",".join(sorted(task))
        begun = (task, {"hydra": hydra}, composed, folder)
        return Composed(cfg, partial(initial_config.write_plain, *begun))

    def _template(self, params: Mapping[str, str], words: Sequence[str]) -> bytes:
        from hydra import compose
        from hydra.core.hydra_config import HydraConfig

        chosen = {k: v for k, v in params.items() if paths.is_group(k.partition("@")[0])}
        groups = (*assignments(chosen), *sorted(params))  # the values of all these are replaced
        if groups not in self._templates:
            full = compose("train", [*words], return_hydra_config=True)
            HydraConfig.instance().set_config(full)
            plain: Any = OmegaConf.to_container(full, enum_to_str=True)
            secrets.note(hydra_internals.to_yaml(plain))
            hydra = plain.pop("hydra")
            plaintext_secrets.refuse_config(full)
            with open_dict(full):
                full.pop("hydra")
            run_folder.note_command(full)
            OmegaConf.set_struct(full, False)
            self._templates[groups] = pickle.dumps((full, plain, hydra))
        return self._templates[groups]


def put(plain: dict[str, Any], key: str, value: Any) -> None:
    """Set a value in nested mappings.

    Examples:
        >>> config = {"optimizer": {"lr": 1}}
        >>> put(config, "optimizer.lr", 2)
        >>> config
        {'optimizer': {'lr': 2}}

    """
    *path, last = key.split(".")
    for name in path:
        plain = plain.setdefault(name, {})
    plain[last] = value


def main(request: Mapping[str, Any]) -> None:
    """Train the trials of a request."""
    from hydra import initialize_config_dir

    redacted_output.install()
    hydra_internals.compose_fast()
    gc.set_threshold(GARBAGE)
    sys.path.insert(0, str(Path(request["script"]).parent))
    os.environ.setdefault("PROJECT_ROOT", str(paths.ROOT))
    secrets.note_environment()
    files = json.loads(os.environ[SHARED_FILES])
    trials = request["trials"]
    pipes = [
        MemberPipe(trial["number"], files[3 * i + 1], files[3 * i + 2], files[3 * i])
        for i, trial in enumerate(trials)
    ]
    composer, configs = Composer(request["fixed"]), []
    with initialize_config_dir(str(paths.CONFIGS), version_base="1.3", job_name="train"):
        for trial in trials:
            configs.append(composer.compose(trial["params"], Path(trial["folder"])))
            note_shared_log(Path(trial["folder"]), trials[0])
    from quintet.training.stacked_run import train

    train(configs, pipes)


def note_shared_log(folder: Path, first: Mapping[str, Any]) -> None:
    """Note in a trial's log where its output is."""
    if str(folder) != first["folder"]:
        line = f"Trained together with trial {first['number']}, whose log has the messages.\n"
        write_atomically(folder / LOG, line)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
