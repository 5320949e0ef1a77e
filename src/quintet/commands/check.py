"""Check a setup before training: what `python src/check.py` does."""

import sys
from collections.abc import Iterator
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as L
import torch
from omegaconf import DictConfig, OmegaConf
from torch.optim import Optimizer

from quintet.artifacts import csv_cells, output_paths
from quintet.artifacts.output_paths import COORDINATE_PAGE, COORDINATES, CURVE, LAYERS
from quintet.artifacts.record import trained
from quintet.artifacts.untrusted_files import read_json
from quintet.base.errors import Code, UserError
from quintet.base.files import write_atomically, write_json
from quintet.commands import check_view, experiments
from quintet.config.initial_config import as_typed
from quintet.config.run_nodes import accepted, name
from quintet.data.lightning_data import ExperimentData
from quintet.diagnostics import module_checks
from quintet.diagnostics.checks import findings
from quintet.diagnostics.coordinate_check import Coordinate, coordinates, judged
from quintet.diagnostics.finding import Finding
from quintet.diagnostics.layer_statistics import Layer, statistics
from quintet.diagnostics.lr_range_test import Curve, draw
from quintet.diagnostics.module_checks import ModuleSubject
from quintet.diagnostics.subject import Resized, Subject
from quintet.ensembles import cross_validation
from quintet.modules.sample_predictor import sample_predictor
from quintet.modules.supervised import SupervisedModule
from quintet.report import coordinate_page
from quintet.report.html.frame import is_ours
from quintet.training import build
from quintet.training.base_model import of_width, usual_width
from quintet.training.initialization import initialise, seen_before
from quintet.training.lightning_patches import optimizers_and_schedules
from quintet.training.setup import setup, validate
from quintet.training.training_steps import repeats as several

FINDINGS = "check.json"
ELSEWHERE = "Move it away, or choose another hydra.run.dir."


def check(cfg: DictConfig) -> float | None:
    """Print a finding for every check and leave them in the check's folder.

    With `apply=true` and nothing failed, train at once with the suggested learning rate.

    Returns:
        the primary metric of the run that followed, if any.

    Raises:
        UserError: the config or the data cannot work.
        SystemExit: a check failed (exit code 1).

    """
    apply = cfg.apply
    if apply and "optimizer" not in accepted(cfg):
        raise UserError(
            f"would change optimizer.lr, which module={name(cfg)} does not take",
            code=Code.INCOMPATIBLE,
            key="apply",
            value=True,
            hint="Leave it out, and set the suggested rate in the module itself.",
        )
    cfg = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "apply"])
    folder = Path(cfg.paths.run)
    output_paths.check(folder / FINDINGS, {}, _is_ours, instead=ELSEWHERE)
    output_paths.check(folder / COORDINATE_PAGE, {}, is_ours, instead=ELSEWHERE)
    subject = prepare(cfg)
    check_view.announce(cfg)
    layers: list[Layer] = []
    if isinstance(subject, Subject):
        found = shown(findings(subject))
        layers = statistics(subject)
        check_view.show_layers(layers)
        found += coordinate_check(subject, cfg, folder)
        curve: Curve | None = subject.curve
    else:
        found = shown(module_checks.findings(subject))
        curve = range_test(subject)
    save(folder, found, curve, layers)
    if curve is not None:
        check_view.show_rates(draw(curve, subject.rate), folder / CURVE)
    check_view.conclude(found)
    if any(finding.verdict == "fail" for finding in found):
        sys.exit(1)
    return train(cfg, curve.suggestion) if apply and curve is not None else None


def prepare(cfg: DictConfig) -> Subject | ModuleSubject:
    """Do everything that a run does before its first step, for the first of several folds or seeds.

    Raises:
        UserError: as `experiment.run`.

    """
    validate(cfg)
    if several(cfg) > 1:
        cfg = next(iter(cross_validation.parts(cfg, Path(cfg.paths.run)).values()))
    made = setup(cfg)
    config, data = made.config, made.data
    network = build.model(config)
    advice, moved = ([], {}) if network is None else initialise(config, network)

    def make() -> Any:
        torch.manual_seed(config.seed)
        network = build.model(config)
        if network is not None:
            initialise(config, network)
        return build.task(config, data, network)

    trainer = partial(build.trainer, config, watched=False)
    rate = float(config.optimizer.lr) if "optimizer" in accepted(config) else 0.0
    samples = sample_predictor(build.task(config, data, network), data)
    if samples is None:
        return ModuleSubject(make, trainer, optimizers, data.datamodule, config.seed, rate)
    if not samples.task.by_gradients:
        raise UserError(
            "is not trained by gradients, which is what check.py examines",
            code=Code.INCOMPATIBLE,
            key="module",
            value=name(config),
            hint="Train it: train.py compares it with simple models",
        )
    device, known = trainer().strategy.root_device, seen_before(config, data.ordered)
    facts, metric, loaded = samples.data.facts, config.metric.name, "weights" in moved
    scaled = resized(config, data)
    return Subject(make, samples.data, facts, metric, rate, device, advice, loaded, known, scaled)


def resized(config: DictConfig, data: ExperimentData) -> Resized | None:
    """Return the experiment at other widths, if its init scales with the width."""
    usual = usual_width(config)

    def make(width: int, base: int, seed: int) -> SupervisedModule:
        torch.manual_seed(seed)
        own = of_width(config, width, base)
        network = build.model(own)
        assert network is not None, "the width is that of a model"
        initialise(own, network)
        task: SupervisedModule = build.task(own, data, network)
        return task

    return None if usual is None else Resized(usual, make)


def coordinate_check(subject: Subject, cfg: DictConfig, folder: Path) -> list[Finding]:
    """Compare models of several widths, for an init that scales with the width; else return []."""
    if subject.resized is None:
        return []
    try:
        found = [*coordinates(subject, subject.resized)]
    except UserError as error:
        cure = "Choose an init.base_width of which a quarter to four times is a width of the model."
        return shown(iter([Finding("coordinate check", "warn", error.problem, cure)]))
    titles = [field.name for field in fields(Coordinate)]
    write_atomically(folder / COORDINATES, csv_cells.table(titles, map(asdict, found)))
    title = f"{trained(cfg.choices)} on {cfg.choices.get('data')}"
    coordinate_page.page(found, title).write(folder / COORDINATE_PAGE)
    check_view.show_coordinates(found, folder / COORDINATE_PAGE)
    return shown(iter([judged(found)]))


def range_test(subject: ModuleSubject) -> Curve | None:
    """Return the curve of the learning-rate range test, or the reason why there is none."""
    try:
        return module_checks.curve(subject)
    except UserError as error:
        check_view.say_no_range_test(str(error))
        return None


def optimizers(module: L.LightningModule) -> list[Optimizer]:
    """Return the optimizers that training would use."""
    return optimizers_and_schedules(module.configure_optimizers())[0]


def shown(found: Iterator[Finding]) -> list[Finding]:
    """Print the findings one by one, and return all of them."""
    kept = []
    for finding in found:
        check_view.tell(finding)
        kept.append(finding)
    return kept


def save(folder: Path, found: list[Finding], curve: Curve | None, layers: list[Layer]) -> None:
    """Write the findings, the curve of the range test and the layer statistics."""
    plain = [asdict(finding) for finding in found]
    write_json(folder / FINDINGS, plain)
    if curve is not None:
        write_atomically(folder / CURVE, curve.to_csv())
    if layers:
        titles = [field.name for field in fields(Layer)]
        write_atomically(folder / LAYERS, csv_cells.table(titles, map(asdict, layers)))


def _is_ours(path: Path) -> bool:
    """Return whether an earlier check wrote a file."""
    names = {field.name for field in fields(Finding)}
    return all(each.keys() == names for each in read_json(path.parent, path.name, list))


def train(cfg: DictConfig, rate: float) -> float | None:
    """Run the experiment with the learning rate that the range test suggests."""
    cfg.optimizer.lr = rate
    words = [w for w in as_typed(cfg.overrides) if not w.startswith(("apply=", "optimizer.lr="))]
    cfg.overrides = [*words, f"optimizer.lr={rate:g}"]  # what train.py would be given
    return experiments.train(cfg).metric.value
