"""Check a setup before training: what `python src/check.py` does."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import torch
from omegaconf import DictConfig, OmegaConf

from quintet.base.files import write_atomically
from quintet.commands import check_view, experiments
from quintet.diagnostics.checks import findings
from quintet.diagnostics.finding import Finding
from quintet.diagnostics.layer_statistics import statistics
from quintet.diagnostics.lr_range_test import draw
from quintet.diagnostics.subject import Subject
from quintet.ensembles import cross_validation
from quintet.modules.supervised import SupervisedModule
from quintet.training import build
from quintet.training.initialization import initialise, seen_before
from quintet.training.setup import setup, validate
from quintet.training.training_steps import repeats as several

FINDINGS, CURVE = "check.json", "lr_range.csv"


def check(cfg: DictConfig) -> float | None:
    """Print a finding for every check and leave them in the check's folder.

    With `apply=true` and nothing failed, train at once with the suggested learning rate.

    Returns:
        P of the run that followed, if one did.

    Raises:
        UserError: the config or the data cannot work.
        SystemExit: a check failed (exit code 1).

    """
    apply = cfg.apply
    cfg = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "apply"])
    subject = prepare(cfg)
    check_view.announce(cfg)
    found = []
    for finding in findings(subject):
        check_view.tell(finding)
        found.append(finding)
    check_view.show_layers(statistics(subject))
    folder = Path(cfg.paths.run)
    save(folder, found, subject)
    check_view.show_rates(draw(subject.curve, subject.rate), folder / CURVE)
    check_view.conclude(found)
    if any(finding.verdict == "fail" for finding in found):
        sys.exit(1)
    return train(cfg, subject.curve.suggestion) if apply else None


def prepare(cfg: DictConfig) -> Subject:
    """Do all that a run does before its first step; of one over folds or seeds, the first.

    Raises:
        UserError: as `experiment.run`.

    """
    validate(cfg)
    if several(cfg) > 1:
        cfg = next(iter(cross_validation.parts(cfg, Path(cfg.paths.run)).values()))
    made = setup(cfg)
    config, data = made.config, made.data

    def make() -> SupervisedModule:
        torch.manual_seed(config.seed)
        network = build.model(config)
        initialise(config, network)
        return build.task(config, data, network)

    device = build.trainer(config, watched=False).strategy.root_device
    advice, moved = initialise(config, build.model(config))
    known = ("weights" in moved, seen_before(config, data.ordered))
    name, rate = config.metric.name, config.optimizer.lr
    return Subject(make, data, made.facts, name, rate, device, advice, *known)


def save(folder: Path, found: list[Finding], subject: Subject) -> None:
    """Write the findings and the range test's curve."""
    plain = [asdict(finding) for finding in found]
    write_atomically(folder / FINDINGS, json.dumps(plain, indent=2) + "\n")
    write_atomically(folder / CURVE, subject.curve.to_csv())


def train(cfg: DictConfig, rate: float) -> float | None:
    """Run the experiment with the learning rate that the range test suggests."""
    cfg.optimizer.lr = rate
    words = [w for w in cfg.overrides if not w.startswith(("apply=", "optimizer.lr="))]
    cfg.overrides = [*words, f"optimizer.lr={rate:g}"]  # what train.py would be given
    return experiments.train(cfg).metric.value
