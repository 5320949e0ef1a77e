"""Checks a sweep's configs, as a run checks its own, before the first trial.

What the shipped signatures cover is checked in this process, which does not load torch. The rest is
checked by `python -m` of this file, in a process of its own.
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

from quintet.base import error_file
from quintet.base.errors import UserError
from quintet.base.process import die_with_parent
from quintet.config import run_nodes
from quintet.config.error_messages import as_user_error
from quintet.sweep import subprocess_job
from quintet.sweep.plan import Plan
from quintet.sweep.trial_process import Start
from quintet.training.setup import validate
from quintet.training.training_steps import repeats

ASKED, REFUSED = "examples.json", "refused.json"
MIXED = 16
"""Number of combinations in which a value must fail to be considered invalid itself."""


def preflight(plan: Plan, start: Start) -> None:
    """Check the plan's examples, unless trials have started with them already, and proposals.

    If the check itself crashes, the sweep continues: its trials will show what is wrong.

    Raises:
        UserError: the error that the first trial with such a config would have failed with.

    """
    if not (examples := asked(plan, begun=(plan.folder / "trials").is_dir())):
        return
    if error := mistake(examples, plan.folder, run_nodes.check_config):
        raise error
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / ASKED).write_text(json.dumps(examples))
        subprocess_job.ran([plan.command[0], "-m", __name__, str(folder)], folder, start)
        if error := error_file.read(folder / REFUSED):
            raise error


def asked(plan: Plan, *, begun: bool = False) -> list[dict[str, Any]]:
    """Return the examples as plain data, with references to the environment unresolved."""
    found = []
    for example in plan.examples:
        if begun and not example.proposed:
            continue
        config: Any = OmegaConf.to_container(example.config)
        choices = config.pop("hydra")["runtime"]["choices"]
        found.append({"config": config | {"choices": choices}, "values": example.values})
    return found


def main(folder: Path) -> None:
    """Check the examples in `folder`; write the first error there."""
    from quintet.training import build

    examples = json.loads((folder / ASKED).read_text())
    if error := mistake(examples, folder, build.check):
        error_file.write(folder / REFUSED, error)


def mistake(
    examples: Sequence[Mapping[str, Any]], folder: Path, check: Callable[[DictConfig], None]
) -> UserError | None:
    """Return the error of the first example that has one; `check` looks at one config's nodes."""
    one_data_set = len({example["config"]["choices"].get("data") for example in examples}) == 1
    for example in examples:
        cfg = OmegaConf.create(example["config"])
        cfg.paths.run = str(folder)
        if error := Checked(cfg, example["values"], one_data_set, check).mistake():
            return error
    return None


@dataclass
class Checked:
    """One example under check.

    Args:
        cfg: its config.
        values: of its keys, each to be tried in it.
        fits: whether a model or loss that does not fit the data is an error; with several data
            sets it may fit another one, which the trials will show.
        check: of one config's nodes.

    """

    cfg: DictConfig
    values: Mapping[str, Sequence[Any]]
    fits: bool
    check: Callable[[DictConfig], None]

    def mistake(self) -> UserError | None:
        """Return the error that no other choice avoids; None if trials may start."""
        for row in self.rows():
            if (error := self.error(row)) and (not row or any(map(self.always_fails, row.items()))):
                return error
        return None

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield values of all keys together until each has occurred; one empty row without keys."""
        for n in range(max(map(len, self.values.values()), default=1)):
            yield {key: each[n % len(each)] for key, each in self.values.items()}

    def always_fails(self, assignment: tuple[str, Any]) -> bool:
        """Return whether a value fails with any others; two may be wrong only together."""
        key, value = assignment
        draw = Random(0)
        others = ({k: draw.choice(v) for k, v in self.values.items()} for _ in range(MIXED))
        return all(self.error({**other, key: value}) for other in others)

    def error(self, row: Mapping[str, Any]) -> UserError | None:
        """Return the error of a run with these values; None if it would train."""
        from hydra.errors import HydraException
        from omegaconf.errors import OmegaConfBaseException

        for key, value in row.items():
            OmegaConf.update(self.cfg, key, value, force_add=True)
        try:
            repeats(self.cfg)
            validate(self.cfg, compatibility=self.fits, check=self.check)
        except (UserError, HydraException, OmegaConfBaseException) as error:
            return as_user_error(error)
        return None


if __name__ == "__main__":
    die_with_parent()
    main(Path(sys.argv[1]))
