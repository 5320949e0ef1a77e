"""Baselines of a run over folds or seeds, trained on the same splits."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import torch

from quintet.artifacts.record import Record
from quintet.config.instantiate import instantiate
from quintet.config.trust import NOTHING, Trust
from quintet.diagnostics import baselines
from quintet.diagnostics.baselines import Scores
from quintet.ensembles import members
from quintet.training import build


def score_baselines(
    runs: Sequence[Record], folder: Path, *, tested: bool, trust: Trust = NOTHING
) -> Scores:
    """Return the score of each baseline, computed as the run's own; see `baselines.scores`.

    On validation data it is the mean over the runs, each with its own baseline; on test data the
    score of the averaged predictions.

    Args:
        runs: of the folds or seeds, with the scores of their baselines.
        folder: of the run, with `ensemble.json`.
        tested: whether the test set was evaluated.
        trust: what the models' configs may name.

    """
    found: Scores = {
        name: {key: fmean(r.baselines[name][key] for r in runs) for key in _on_validation(first)}
        for name, first in runs[0].baselines.items()
        if all({*_on_validation(first)} <= {*r.baselines.get(name, ())} for r in runs)
    }
    if found and tested:
        for name, values in _on_test(folder, trust).items():
            found[name] |= values
    return found


def _on_validation(scores: Mapping[str, float]) -> list[str]:
    """Return the keys of scores on validation data: `val`, and `val/f1` of a further metric."""
    return [key for key in scores if key.partition("/")[0] == "val"]


def merged(before: Scores, found: Scores) -> Scores:
    """Return the scores of `before`, updated by `found`, split by split."""
    return {name: {**before.get(name, {}), **by_split} for name, by_split in found.items()}


def _on_test(folder: Path, trust: Trust) -> Scores:
    """Return the scores of the mean predictions of each baseline."""
    predictions: dict[str, list[torch.Tensor]] = {}
    for run, _ in members.members(folder, trust=trust):
        run.load()
        data = run.samples(members.AVERAGE).data
        each = baselines.predict(data, data.facts, ["test"], run.cfg.threads)
        for name, predicted in each.items():
            predictions.setdefault(name, []).append(predicted["test"])
    metrics = {"test": instantiate(run.cfg.metric, "metric")}
    metrics |= {f"test/{n}": each for n, each in build.further_metrics_of(run.cfg).items()}
    truth = members.targets(run, "test")
    means = {name: torch.stack(predicted).mean(0) for name, predicted in predictions.items()}
    return {
        name: {key: members.score(metric, mean, truth) for key, metric in metrics.items()}
        for name, mean in means.items()
    }
