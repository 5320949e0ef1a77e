"""Simple models beside a run over folds or seeds: as many of each, on the very same parts."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import torch

from quintet.artifacts.record import Record
from quintet.config.instantiate import instantiate
from quintet.config.trust import NOTHING, Trust
from quintet.diagnostics import baselines
from quintet.diagnostics.baselines import Scores
from quintet.ensembles import members


def of_several(
    runs: Sequence[Record], folder: Path, *, tested: bool, trust: Trust = NOTHING
) -> Scores:
    """Return P of each simple model, as a run's own P comes about.

    On validation it is the mean over the runs, each with a model of its own; on test data P of
    these models' averaged predictions.

    Args:
        runs: of the folds or seeds, with P of their simple models.
        folder: of the run, with `ensemble.json`.
        tested: whether the test set was opened.
        trust: what the models' configs may name.

    """
    found: Scores = {
        name: {"val": fmean(r.baselines[name]["val"] for r in runs)}
        for name in runs[0].baselines
        if all(name in r.baselines for r in runs)
    }
    if found and tested:
        for name, value in _on_test(folder, trust).items():
            found[name]["test"] = value
    return found


def added(before: Scores, found: Scores) -> Scores:
    """Return what is known of each simple model, a split that was not scored again included."""
    return {name: {**before.get(name, {}), **by_split} for name, by_split in found.items()}


def _on_test(folder: Path, trust: Trust) -> dict[str, float]:
    said: dict[str, list[torch.Tensor]] = {}
    for run, _ in members.members(folder, trust=trust):
        each = baselines.predict(run.data, run.load(), ["test"], run.cfg.threads)
        for name, predicted in each.items():
            said.setdefault(name, []).append(predicted["test"])
    metric, truth = instantiate(run.cfg.metric, "metric"), members.targets(run, "test")
    means = {name: torch.stack(predicted).mean(0) for name, predicted in said.items()}
    return {name: members.score(metric, mean, truth) for name, mean in means.items()}
