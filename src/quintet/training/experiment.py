"""One run, read top to bottom: data -> facts -> parts -> fit -> evaluate -> record."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf

from quintet.artifacts import checkpoints
from quintet.artifacts.record import Record
from quintet.base import console
from quintet.base.process import is_first_rank
from quintet.config import references, run_folder
from quintet.config.compatibility import check_choices, check_keys
from quintet.study.trial_pipe import is_trial
from quintet.trackers.tracking import Tracking
from quintet.training import build, summary
from quintet.training.outcome import AtEnd, dispensable, ending, recording
from quintet.training.training_steps import count_steps

if TYPE_CHECKING:
    import lightning.pytorch as L
    from torch import nn

    from quintet.data.module import DataModule
    from quintet.data.samples import Facts
    from quintet.modules.supervised import SupervisedModule


def run(cfg: DictConfig, at_end: AtEnd | None = None) -> Record:
    """Train one model with the config's five choices and leave the evidence in its folder.

    Args:
        cfg: of the run.
        at_end: called with the run's folder at the end, however the run ends.

    Returns:
        the record, with P of the best checkpoint on the validation split.

    Raises:
        UserError: the config or the data cannot work; says how to mend it.
        DivergedError: the loss is no longer finite.

    """
    folder = Path(cfg.paths.run)
    with (
        run_folder.held(cfg, folder),
        Tracking() as tracking,
        ending(folder, at_end),
        recording(cfg, folder) as record,
    ):
        check_keys(cfg)
        check_choices(cfg)
        build.check(cfg)
        prepare(cfg)
        trainer = build.trainer(cfg)
        data = build.data(cfg)
        set_facts(cfg, facts := data.load())
        check_choices(cfg)
        from quintet.training import initialization  # here: mistakes are answered without torch

        network = build.model(cfg)
        advice, moved = initialization.initialise(cfg, network)
        known = initialization.seen_before(cfg, data.ordered)
        record.anomalies = [str(each) for each in (*advice, known) if each]
        record.transfer |= moved
        if cfg.compile:  # in place, so that a checkpoint's names are those of the model itself
            network.compile()
        task = build.task(cfg, data, network)
        count_steps(cfg, trainer, data)
        run_folder.claim(cfg, folder)
        tracking.begin(cfg, trainer.loggers, record)
        record.parameters = sum(p.numel() for p in network.parameters())
        summary.announce(cfg, data, f"{record.parameters:,} parameters", record)
        fit(cfg, trainer, task, data, record)
        evaluate_best(cfg, task, data, record)
        score_baselines(cfg, data, facts, record)
    summary.summarise(record, folder)
    return record


def prepare(cfg: DictConfig) -> None:
    """Set what belongs to the process: seeds, CPU threads, and how much the libraries say."""
    import lightning.pytorch as L
    import torch

    console.quiet(cfg.debug)
    L.seed_everything(cfg.seed, workers=True, verbose=False)
    torch.set_num_threads(cfg.threads)


def set_facts(cfg: DictConfig, facts: "Facts") -> None:
    """Write the data's facts where models, losses and metrics refer to them."""
    OmegaConf.update(cfg, "facts", references.literal(asdict(facts)), merge=True)


def fit(
    cfg: DictConfig,
    trainer: "L.Trainer",
    task: "SupervisedModule",
    data: "DataModule",
    record: Record,
) -> None:
    """Train; a resumed run goes on from its newest whole checkpoint, or starts anew without one."""
    from quintet.diagnostics import training_curves
    from quintet.diagnostics.start_checks import losses_before
    from quintet.training.callbacks.session import EpochCounter, Replan
    from quintet.training.lightning_patches import without_empty_hooks

    tally = EpochCounter()
    trainer.callbacks += map(without_empty_hooks, [tally, Replan(cfg.facts.total_steps)])  # type: ignore[attr-defined]
    start = checkpoints.to_go_on_from(Path(cfg.paths.run)) if cfg.resume else None
    record.sessions += 1
    record.guess, initial = losses_before(task, data, cfg.loss.num_outputs)
    try:
        trainer.fit(task, data, ckpt_path=start, weights_only=True)
    finally:
        record.epochs, record.seconds = tally.epochs, tally.earlier
        record.steering = [c for each in trainer.callbacks for c in getattr(each, "changes", [])]  # type: ignore[attr-defined]
        rows = training_curves.read(Path(cfg.paths.run) / "metrics.csv")
        record.diagnosis = training_curves.diagnose(
            rows, record.guess, initial, cfg.data.batch_size
        )
    if any(getattr(callback, "pruned", False) for callback in trainer.callbacks):  # type: ignore[attr-defined]
        record.status = "pruned"


WHOLE = {
    "fast_dev_run": False,
    "overfit_batches": 0.0,
    "limit_val_batches": 1.0,
    "limit_test_batches": 1.0,
}
"""Trainer settings of the final evaluation: what shortens training shortens no result."""


def evaluate_best(
    cfg: DictConfig, task: "SupervisedModule", data: "DataModule", record: Record
) -> None:
    """Load the best checkpoint; record its P, and open the test set for it once.

    Both are measured on whole splits, however little of them training looked at. What the model
    answered is kept, but for a sweep's trials, of which only the winner's matters.
    """
    from quintet.training.callbacks.prediction_collector import PredictionCollector

    record.layers = layers(task.model)
    if best := checkpoints.best(Path(cfg.paths.run)):
        state = checkpoints.load(best)
        task.load_state_dict(state["state_dict"])
        record.checkpoint = str(best.relative_to(cfg.paths.run))
        record.best_epoch = int(state["epoch"]) + 1
    evaluator = build.trainer(cfg, watched=False, **WHOLE)
    keep = PredictionCollector(data)
    if not is_trial():
        evaluator.callbacks.append(keep)  # type: ignore[attr-defined]
    scores = evaluator.validate(task, data, verbose=False)[0]
    record.metric.value, record.loss = scores[f"val/{cfg.metric.name}"], scores["val/loss"]
    if opens_test(cfg):
        scores = evaluator.test(task, data, verbose=False)[0]
        record.test = {name.removeprefix("test/"): value for name, value in scores.items()}
    with dispensable(record, "predictions.npz"):
        keep.save(Path(cfg.paths.run))


def layers(model: "nn.Module") -> dict[str, int]:
    """Return the parameters of every layer that has some, by its name and type."""
    found = {
        f"{name or 'model'} ({type(layer).__name__})": sum(
            p.numel() for p in layer.parameters(recurse=False)
        )
        for name, layer in model.named_modules()
    }
    return {name: count for name, count in found.items() if count}


def opens_test(cfg: DictConfig) -> bool:
    """Tell whether the run ends on test data; a trial of whether anything runs is no reason to."""
    return bool(cfg.test and cfg.facts.test_size and not cfg.trainer.fast_dev_run)


def score_baselines(cfg: DictConfig, data: "DataModule", facts: "Facts", record: Record) -> None:
    """Score simple models on the same splits; a sweep's trials are compared with each other."""
    if not cfg.get("baselines", True) or is_trial() or not is_first_rank():
        return
    from quintet.config.instantiate import instantiate
    from quintet.diagnostics import baselines

    splits = ["val", "test"] if opens_test(cfg) else ["val"]
    metric = instantiate(cfg.metric, "metric")
    record.baselines = baselines.scores(data, facts, metric, splits, cfg.threads)
    name, value = cfg.metric.name, record.metric.value
    if value is not None and (
        lost := baselines.loses(value, record.baselines, name, cfg.metric.mode)
    ):
        record.diagnosis.append(lost)
