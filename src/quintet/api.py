"""Runs, sweeps and trained models from a script or a notebook; see docs/python-api.md.

from quintet import api

record = api.train("optimizer=sgd", "trainer.max_epochs=5")
model = api.load(record.folder)
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quintet.artifacts.record import Record
from quintet.base import paths
from quintet.base.errors import Code, UserError
from quintet.base.quoting import quoted
from quintet.study.study import Study

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from omegaconf import DictConfig

    from quintet.ensembles.reload import Trained

__all__ = ["FinishedRun", "Model", "Record", "Study", "compose", "load", "sweep", "train"]


AS_TERMINAL = ("FORCE_COLOR", "CLICOLOR_FORCE")
"""Set by Jupyter; a notebook shows colours, but no lines that are drawn again and again."""


@dataclass(frozen=True)
class FinishedRun:
    """A run that has ended.

    Args:
        folder: of the run.
        record: what is in its result.json.

    """

    folder: Path
    record: Record


@dataclass(frozen=True)
class Model:
    """A trained model, or those of an ensemble with their weights."""

    members: Sequence[tuple["Trained", int]]

    def predict(self, inputs: "NDArray[np.floating[Any]]", batch_size: int = 1024) -> Any:
        """Return predictions for inputs as the data's source gives them, before scaling.

        Args:
            inputs: (N, *input_shape) of the run's facts.
            batch_size: samples predicted at once.

        Returns:
            an array: probabilities (N,) of a binary task's class 1, (N, C) or (N, L), or values
            (N, K) in the target's own units.

        Raises:
            UserError: the inputs are no numbers, or of another shape than the run's; or the module
                makes no prediction for each sample.

        """
        import torch

        from quintet.commands.prediction import averaged, check_batch_size, check_shape

        run = self.members[0][0]
        run.samples("A prediction for each sample")
        check_batch_size(batch_size)
        try:
            x = torch.as_tensor(inputs)
        except (TypeError, ValueError, RuntimeError) as error:
            raise _no_numbers(inputs) from error
        if x.is_complex():
            raise _no_numbers(inputs)
        check_shape(x, run, type(inputs).__name__)
        x = x.float() if x.is_floating_point() else x
        return averaged(self.members, x, batch_size).numpy()


def _no_numbers(inputs: object) -> UserError:
    return UserError(
        "is not an array of real numbers",
        code=Code.WRONG_TYPE,
        key="inputs",
        value=type(inputs).__name__,
        allowed=["a numpy array (N, *input_shape), as the data's source gives it"],
    )


def compose(*overrides: str) -> "DictConfig":
    """Return the config that `train.py` would run with; what a run fills in is still null.

    Raises:
        HydraException: an option or key that does not exist.

    """
    from hydra import compose, initialize_config_dir

    os.environ.setdefault("PROJECT_ROOT", str(paths.ROOT))
    with initialize_config_dir(str(paths.CONFIGS), version_base="1.3"):
        return compose("train", list(overrides))


def train(*overrides: str, folder: str | Path | None = None) -> FinishedRun:
    """Train a model in a process of its own, as `train.py` with these overrides.

    Args:
        overrides: as on the command line, such as "optimizer.lr=0.01".
        folder: of the run; None: a new one under logs/train/runs.

    Raises:
        UserError: the run ended with an error; holds the command's message.

    """
    place = _folder("runs", folder)
    _run([*overrides, f"hydra.run.dir={quoted(place)}"])
    return FinishedRun(place, Record.read(place))


def sweep(*overrides: str, folder: str | Path | None = None) -> Study:
    """Run a sweep in processes of its own, as `train.py -m` with these overrides.

    Called again with the same folder, an interrupted sweep continues.

    Args:
        overrides: as on the command line, such as "optimizer.lr=0.1,0.01".
        folder: of the sweep; None: a new one under logs/train/sweeps.

    Raises:
        UserError: the sweep ended with an error; holds the command's message.

    """
    place = _folder("sweeps", folder)
    _run(["-m", *overrides, f"hydra.sweep.dir={quoted(place)}"])
    return Study.read(place)


def load(folder: str | Path, checkpoint: str = "best", trust: Sequence[str] = ()) -> Model:
    """Rebuild the model of a run folder, or the models of an ensemble's.

    Args:
        folder: that `train.py` wrote.
        checkpoint: `best`, `last` or the path of a checkpoint.
        trust: packages that the folder's config may name; see SECURITY.md.

    Raises:
        UserError: no run folder, or one that cannot be rebuilt.

    """
    from quintet.commands.prediction import models
    from quintet.config.trust import Trust

    return Model(models(Path(folder), checkpoint, Trust.of(list(trust))))


def _folder(kind: str, given: str | Path | None) -> Path:
    new = paths.ROOT / "logs/train" / kind / f"{datetime.now():%Y-%m-%d_%H-%M-%S_%f}_{os.getpid()}"
    return Path(given or new).resolve()


def _environment() -> dict[str, str]:
    """Return the environment of a run: what can be imported here can be imported there."""
    installed = tuple({sys.prefix, sys.base_prefix})
    own = [path or os.getcwd() for path in sys.path if not path.startswith(installed)]
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    found = dict.fromkeys(os.path.abspath(path) for path in (*own, *given) if path)
    kept = {name: value for name, value in os.environ.items() if name not in AS_TERMINAL}
    return {**kept, "PYTHONPATH": os.pathsep.join(found)}


def _run(arguments: list[str]) -> None:
    """Run train.py; what it prints is shown, its error is raised."""
    command = [sys.executable, str(paths.SCRIPTS / "train.py"), *arguments]
    done = subprocess.run(
        command, env=_environment(), stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        why = done.stderr.strip().removeprefix("Error: ")
        raise UserError(why or f"train.py ended with {done.returncode}", code=Code.FAILED)
