"""The record of an ensemble: ensemble.json, typed and validated."""

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from quintet.artifacts import untrusted_files
from quintet.artifacts.record import ENSEMBLE
from quintet.base import schema
from quintet.base.files import write_json

PART = r"folds/\d+(_seed_\d+)?|seeds/\d+"
MEMBER = re.compile(rf"members/\d+(/({PART}))?|{PART}", re.ASCII)
"""Folder names of members: of a sweep's ensemble, or of a run over folds or seeds."""
MOST_VOTES = 10_000


@dataclass
class Ensemble:
    """The content of `ensemble.json`: the members and the scores of their average.

    Args:
        metric: name of the metric.
        members: votes of each member by its folder, relative to that of the ensemble.
        trials: votes by trial number, for the ensemble of a sweep.
        val: metric of the averaged predictions on validation data; None if members share none.
        single_val: metric of the best single candidate on validation data.
        test: metric of the averaged predictions on test data; None if it was not evaluated.
        single_test: metric of the best single candidate on test data.
        further: the same four values, by the same names, of each further metric, if known.

    """

    metric: str
    mode: str
    members: dict[str, int] = field(default_factory=dict)
    trials: dict[str, int] = field(default_factory=dict)
    val: float | None = None
    single_val: float | None = None
    test: float | None = None
    single_test: float | None = None
    further: dict[str, dict[str, float]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write `ensemble.json`, which marks a folder as an ensemble."""
        write_json(folder / ENSEMBLE, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> "Ensemble":
        """Return the content of a folder's `ensemble.json`.

        Raises:
            FileNotFoundError: there is none.
            DamagedError: it was not written by `write`, or names a folder outside this one.

        """
        given = untrusted_files.read_json(folder, ENSEMBLE, dict)
        given["further"] = schema.with_nan(given.get("further", {}))
        with untrusted_files.understood(folder / ENSEMBLE):
            found = schema.build(cls, given)
            if not found.members:
                raise ValueError("it has no members")
            for name, count in found.members.items():
                if not (MEMBER.fullmatch(name) and 1 <= count <= MOST_VOTES):
                    raise ValueError(
                        f"{schema.shown(name)}: {count} is not a member with its votes"
                    )
            if odd := [number for number in found.trials if not number.isdecimal()]:
                raise ValueError(f"{schema.shown(odd[0])} is not the number of a trial")
        for name in found.members:
            untrusted_files.inside(folder, name)
        found.trials = found.trials or _trials(found.members)
        return found


def _trials(members: dict[str, int]) -> dict[str, int]:
    """Return the votes of each trial from the folder names, as stored by earlier versions."""
    parts = {Path(name).parts: count for name, count in members.items()}
    return {str(int(at[1])): count for at, count in parts.items() if at[0] == "members"}
