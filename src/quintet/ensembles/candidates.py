"""Candidates for an ensemble: a sweep's best trials and their predictions."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from omegaconf import DictConfig
from torch import Tensor

from quintet.artifacts import checkpoints, untrusted_files
from quintet.artifacts.ensemble_record import Ensemble
from quintet.artifacts.record import ENSEMBLE, Record, by_fold
from quintet.base import console
from quintet.base.errors import Code, UserError
from quintet.config.trust import NOTHING, Trust
from quintet.ensembles.members import AVERAGE, predictions, targets
from quintet.ensembles.reload import Trained, trained
from quintet.study.constraints import FEASIBLE
from quintet.study.trial import folder_of

WEIGHTS = f"{checkpoints.FOLDER}/best.ckpt"
"""The checkpoint that a member of an ensemble is loaded from."""
BOARD = "leaderboard.csv"


@dataclass(frozen=True)
class Candidate:
    """A trial: one model, or one for each fold and seed.

    Args:
        number: of the trial.
        folder: its run folder.
        folds: the models' run folders by fold, relative to `folder`; the models of a fold are
            validated on the same samples. A trial without folds has one fold.

    """

    number: int
    folder: Path
    folds: tuple[tuple[str, ...], ...]

    @property
    def models(self) -> list[str]:
        """The run folders of all models."""
        return [name for fold in self.folds for name in fold]


@dataclass(frozen=True)
class CandidatePredictions:
    """A candidate's predictions for samples that its models were not trained on.

    Args:
        cfg: of its first model.
        predicted: validation predictions by fold, each (N,) or (N, K): the mean over its models.
        truth: validation targets by fold.
        test: targets of the test split.
        indices: of these samples in the data set.

    """

    cfg: DictConfig
    predicted: list[Tensor]
    truth: list[Tensor]
    test: Tensor
    indices: list[Tensor]


def candidates(sweep: Path, count: int) -> list[Candidate]:
    """Return a sweep's best trials, best first, from its leaderboard.

    Trials that were not trained on every fold take part with those that they have, after the
    others. Trials whose checkpoints were deleted are skipped, and printed.

    Raises:
        UserError: the folder is not a finished sweep's, or no trial has its checkpoints.

    """
    board, exists = sweep / BOARD, untrusted_files.has(sweep, BOARD)
    if not exists and (sweep / "trials").is_dir():
        raise UserError(
            "has not ended, so it has no leaderboard yet",
            code=Code.NOT_FOUND,
            key="sweep",
            value=sweep,
            hint="Let it end, or continue it with the command that started it; Ctrl-C writes a "
            "leaderboard, too.",
        )
    if not exists:
        raise UserError(
            f"is not a sweep folder: {board} is missing",
            code=Code.NOT_FOUND,
            key="sweep",
            value=sweep,
            hint="Give the folder of a sweep, which train.py -m wrote.",
        )
    table = untrusted_files.read_table(sweep, BOARD)
    with untrusted_files.understood(board):
        held = [row for row in table if row.get(FEASIBLE) != str(False)]
        numbers = [int(row["trial"]) for row in held if row["value"]]
    places = {number: str(folder_of(Path(), number)) for number in numbers}
    found = [_candidate(number, untrusted_files.inside(sweep, at)) for number, at in places.items()]
    whole = [c for c in found if _has_checkpoints(c)]
    if gone := [c.folder.name for c in found if c not in whole]:
        console.say("[yellow]note[/]  skipped, without checkpoints: trials {}", ", ".join(gone))
    if not whole:
        raise UserError(
            "has no trial with a checkpoint to build an ensemble from",
            code=Code.NOT_FOUND,
            key="sweep",
            value=sweep,
            hint="Run the sweep with checkpoints (callbacks=default).",
        )
    return sorted(whole, key=lambda c: -len(c.folds))[:count]


def _candidate(number: int, folder: Path) -> Candidate:
    if not untrusted_files.has(folder, ENSEMBLE):
        return Candidate(number, folder, ((".",),))
    names, parts = [*Ensemble.read(folder).members], Record.read(folder).parts
    if not any("fold" in part for part in parts.values()):  # seeds, validated on the same samples
        return Candidate(number, folder, (tuple(names),))
    return Candidate(number, folder, tuple(map(tuple, by_fold(parts, names))))


def _has_checkpoints(candidate: Candidate) -> bool:
    return all(untrusted_files.has(candidate.folder / name, WEIGHTS) for name in candidate.models)


def predict(candidate: Candidate, trust: Trust = NOTHING) -> CandidatePredictions:
    """Compute a candidate's predictions for its validation samples."""
    folds = [[_loaded(candidate.folder / name, trust) for name in fold] for fold in candidate.folds]
    first = folds[0][0]
    return CandidatePredictions(
        cfg=first.cfg,
        predicted=[_mean([predictions(run, "val") for run in fold]) for fold in folds],
        truth=[targets(fold[0], "val") for fold in folds],
        test=targets(first, "test"),
        indices=[*(_indices(fold[0], "val") for fold in folds), _indices(first, "test")],
    )


def joined(candidate: CandidatePredictions, first: CandidatePredictions) -> Tensor:
    """Return a candidate's predictions of all folds, NaN in those that it lacks.

    Args:
        candidate: with the folds of `first`, or without the last of them.
        first: with all folds.

    """
    lacking = first.predicted[len(candidate.predicted) :]
    return torch.cat([*candidate.predicted, *(torch.full_like(p, math.nan) for p in lacking)])


def _indices(run: Trained, split: str) -> Tensor:
    return run.samples(AVERAGE).data.indices[split]


def on_test(candidate: Candidate, trust: Trust = NOTHING) -> Tensor:
    """Return the mean of a candidate's predictions for the test split."""
    runs = (_loaded(candidate.folder / name, trust) for name in candidate.models)
    return _mean([predictions(run, "test") for run in runs])


def same_samples(a: CandidatePredictions, b: CandidatePredictions) -> bool:
    """Return whether two candidates are validated and tested on the same samples.

    The first may lack the last folds of the second.

    Targets alone are not sufficient: stratified splits of data sorted by class have equal targets.
    Windows of different lengths have different indices, but are split by time.
    """
    folds = len(a.truth)
    if not _equal([*a.truth, a.test], [*b.truth[:folds], b.test]):
        return False
    other_windows = a.cfg.data.get("window") != b.cfg.data.get("window")
    return other_windows or _equal(a.indices, [*b.indices[:folds], b.indices[-1]])


def _equal(a: list[Tensor], b: list[Tensor]) -> bool:
    return len(a) == len(b) and all(map(torch.equal, a, b))


def _loaded(folder: Path, trust: Trust) -> Trained:
    run = trained(folder, trust=trust)
    run.load()
    return run


def _mean(each: list[Tensor]) -> Tensor:
    return torch.stack(each).mean(0)
