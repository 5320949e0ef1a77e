"""Check a setup before training: what `python src/check.py` does."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from quintet.artifacts import output_paths
from quintet.artifacts.output_paths import CURVE
from quintet.artifacts.untrusted_files import read_json
from quintet.base.files import write_atomically
from quintet.commands import check_view, experiments
from quintet.config.run_nodes import taken
from quintet.data.module import DataModule
from quintet.diagnostics import module_checks
from quintet.diagnostics.checks import findings
from quintet.diagnostics.finding import Finding
from quintet.diagnostics.layer_statistics import statistics
from quintet.diagnostics.lr_range_test import Curve, draw
from quintet.diagnostics.subject import Subject
from quintet.ensembles import cross_validation
from quintet.modules.sample_predictor import sample_predictor
from quintet.training import build
from quintet.training.initialization import initialise, seen_before
from quintet.training.lightning_patches import optimizers_and_schedules
from quintet.training.setup import Setup, setup, validate
from quintet.training.training_steps import repeats as several

FINDINGS = "check.json"
ELSEWHERE = "Move it away, or choose another hydra.run.dir."


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
    folder = Path(cfg.paths.run)
    output_paths.check(folder / FINDINGS, {}, _is_ours, instead=ELSEWHERE)
    made = prepare(cfg)
    check_view.announce(cfg)
    samples = sample_predictor(made.module(), made.setup.data)
    found, curve, rate = (of_samples if samples else of_any)(made)
    save(folder, found, curve)
    if curve is None:
        check_view.say_no_range_test()
    else:
        check_view.show_rates(draw(curve, rate), folder / CURVE)
    check_view.conclude(found)
    if any(finding.verdict == "fail" for finding in found):
        sys.exit(1)
    return train(cfg, curve.suggestion) if apply and curve is not None else None


@dataclass(frozen=True)
class Prepared:
    """A run before its first step, whose module can be made again and again."""

    setup: Setup

    def module(self) -> Any:
        """Return the module, initialised the same way each time."""
        torch.manual_seed(self.setup.config.seed)
        network = build.model(self.setup.config)
        if network is not None:
            initialise(self.setup.config, network)
        return build.task(self.setup.config, self.setup.data, network)


def prepare(cfg: DictConfig) -> Prepared:
    """Do all that a run does before its first step; of one over folds or seeds, the first.

    Raises:
        UserError: as `experiment.run`.

    """
    validate(cfg)
    if several(cfg) > 1:
        cfg = next(iter(cross_validation.parts(cfg, Path(cfg.paths.run)).values()))
    return Prepared(setup(cfg))


Checked = tuple[list[Finding], Curve | None, float]


def of_samples(made: Prepared) -> Checked:
    """Check a supervised module on a source of samples."""
    config, data = made.setup.config, made.setup.data
    assert isinstance(data, DataModule)
    device = build.trainer(config, watched=False).strategy.root_device
    network = build.model(config)
    assert network is not None
    advice, moved = initialise(config, network)
    known = ("weights" in moved, seen_before(config, data.ordered))
    name, rate = config.metric.name, config.optimizer.lr
    subject = Subject(made.module, data, data.facts, name, rate, device, advice, *known)
    found = shown(findings(subject))
    check_view.show_layers(statistics(subject))
    return found, subject.curve, rate


def of_any(made: Prepared) -> Checked:
    """Check any module on any data."""
    config = made.setup.config
    rate = float(config.optimizer.lr) if "optimizer" in taken(config) else 0.0
    subject = module_checks.ModuleSubject(
        made.module,
        lambda **settings: build.trainer(config, watched=False, **settings),
        lambda module: optimizers_and_schedules(module.configure_optimizers())[0],
        made.setup.data.datamodule,
        config.seed,
    )
    return shown(module_checks.findings(subject)), module_checks.curve(subject), rate


def shown(found: Iterator[Finding]) -> list[Finding]:
    """Print each finding as it comes; return all."""
    kept = []
    for finding in found:
        check_view.tell(finding)
        kept.append(finding)
    return kept


def save(folder: Path, found: list[Finding], curve: Curve | None) -> None:
    """Write the findings and the range test's curve."""
    plain = [asdict(finding) for finding in found]
    write_atomically(folder / FINDINGS, json.dumps(plain, indent=2) + "\n")
    if curve is not None:
        write_atomically(folder / CURVE, curve.to_csv())


def _is_ours(path: Path) -> bool:
    """Tell whether an earlier check wrote a file."""
    names = {field.name for field in fields(Finding)}
    return all(each.keys() == names for each in read_json(path.parent, path.name, list))


def train(cfg: DictConfig, rate: float) -> float | None:
    """Run the experiment with the learning rate that the range test suggests."""
    cfg.optimizer.lr = rate
    words = [w for w in cfg.overrides if not w.startswith(("apply=", "optimizer.lr="))]
    cfg.overrides = [*words, f"optimizer.lr={rate:g}"]  # what train.py would be given
    return experiments.train(cfg).metric.value
