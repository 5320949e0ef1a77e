"""A sweep's first check: its configs are checked as a run checks its own, before any trial.

What the shipped signatures tell is checked at once. The sweep's own process loads no torch, so
another one does the rest: `python -m` of this file.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from omegaconf import DictConfig, OmegaConf

from quintet.base.errors import UserError
from quintet.base.files import write_atomically
from quintet.base.process import die_with_parent
from quintet.config import known_signatures
from quintet.config.error_messages import explain
from quintet.sweep import subprocess_job
from quintet.sweep.plan import Plan
from quintet.sweep.trial_process import Start
from quintet.training.setup import validate
from quintet.training.training_steps import repeats

ASKED, REFUSED = "examples.json", "refused.txt"
MIXED = 16
"""Combinations that a value has to fail in before it counts as wrong itself."""


def preflight(plan: Plan, start: Start) -> None:
    """Check the plan's examples, unless trials have begun with them already.

    A check that itself comes to nothing refuses nothing: the trials will tell.

    Raises:
        UserError: what the first trial with such a config would have failed with.

    """
    if (plan.folder / "trials").is_dir():
        return
    examples = asked(plan)
    if why := mistake(examples, plan.folder, known_signatures.check_config):
        raise UserError(why)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / ASKED).write_text(json.dumps(examples))
        subprocess_job.ran([plan.command[0], "-m", __name__, str(folder)], folder, start)
        if (said := folder / REFUSED).is_file():
            raise UserError(said.read_text())


def asked(plan: Plan) -> list[dict[str, Any]]:
    """Return the examples as plain data, references to the environment left as they stand."""
    found = []
    for example in plan.examples:
        config: Any = OmegaConf.to_container(example.config)
        choices = config.pop("hydra")["runtime"]["choices"]
        found.append({"config": config | {"choices": choices}, "values": example.values})
    return found


def main(folder: Path) -> None:
    """Check what is asked for in `folder`; leave there what the user is to be told."""
    from quintet.training import build

    examples = json.loads((folder / ASKED).read_text())
    if why := mistake(examples, folder, build.check):
        write_atomically(folder / REFUSED, why)


def mistake(
    examples: Sequence[Mapping[str, Any]], folder: Path, check: Callable[[DictConfig], None]
) -> str | None:
    """Return what is wrong with the first example that is; `check` looks at one config's nodes."""
    one_data_set = len({example["config"]["choices"].get("data") for example in examples}) == 1
    for example in examples:
        cfg = OmegaConf.create(example["config"])
        cfg.paths.run = str(folder)
        if why := Checked(cfg, example["values"], one_data_set, check).mistake():
            return why
    return None


@dataclass
class Checked:
    """One example under check.

    Args:
        cfg: its config.
        values: of its keys, to be tried in it.
        fits: whether a model or loss that does not fit the data is a mistake; of several data sets
            it may fit another, and that is for the trials to find out.
        check: of one config's nodes.

    """

    cfg: DictConfig
    values: Mapping[str, Sequence[Any]]
    fits: bool
    check: Callable[[DictConfig], None]

    def mistake(self) -> str | None:
        """Return what is wrong, whatever else is chosen; None where trials may begin."""
        for row in self.rows():
            if (why := self.fails(row)) and (not row or any(map(self.guilty, row.items()))):
                return why
        return None

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield values of all keys together until each has been there; one row without keys."""
        for n in range(max(map(len, self.values.values()), default=1)):
            yield {key: each[n % len(each)] for key, each in self.values.items()}

    def guilty(self, word: tuple[str, Any]) -> bool:
        """Tell whether a value fails beside any others; two may be wrong only together."""
        key, value = word
        draw = Random(0)
        others = ({k: draw.choice(v) for k, v in self.values.items()} for _ in range(MIXED))
        return all(self.fails({**other, key: value}) for other in others)

    def fails(self, row: Mapping[str, Any]) -> str | None:
        """Return what a run with these values would say, None where it would train."""
        from hydra.errors import HydraException
        from omegaconf.errors import OmegaConfBaseException

        for key, value in row.items():
            OmegaConf.update(self.cfg, key, value, force_add=True)
        try:
            repeats(self.cfg)
            validate(self.cfg, compatibility=self.fits, check=self.check)
        except (UserError, HydraException, OmegaConfBaseException) as error:
            return explain(error)
        return None


if __name__ == "__main__":
    die_with_parent()
    main(Path(sys.argv[1]))
