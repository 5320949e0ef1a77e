"""One run, read top to bottom: data -> facts -> parts -> fit -> evaluate -> record."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from omegaconf import DictConfig

from quintet.artifacts import checkpoints
from quintet.artifacts.record import Record
from quintet.base.process import is_first_rank
from quintet.config import run_folder
from quintet.study.trial_pipe import is_trial
from quintet.trackers.tracking import Tracking
from quintet.training import build, summary
from quintet.training.outcome import AtEnd, describe, dispensable, ending, recording
from quintet.training.setup import setup
from quintet.training.training_steps import uneven_steps

if TYPE_CHECKING:
    import lightning.pytorch as L
    from torch import nn

    from quintet.data.module import DataModule
    from quintet.data.samples import Facts
    from quintet.modules.supervised import SupervisedModule
    from quintet.training.callbacks.prune import EarlierFolds


def run(
    cfg: DictConfig, at_end: AtEnd | None = None, earlier: "EarlierFolds | None" = None
) -> Record:
    """Train one model with the config's five choices and leave the evidence in its folder.

    Args:
        cfg: of the run.
        at_end: called with the run's folder at the end, however the run ends.
        earlier: what a run of several folds has trained before this one.

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
        made = setup(cfg)
        from quintet.training.initialization import initialise, seen_before  # here: with torch

        config, data = made.config, made.data
        describe(record, config, data.columns)
        trainer = build.trainer(config)
        pass_on(trainer, earlier)
        network = build.model(config)
        advice, moved = initialise(config, network)
        known = seen_before(config, data.ordered)
        uneven = uneven_steps(trainer, data)
        record.anomalies = [str(each) for each in (*advice, known, uneven) if each]
        record.transfer |= moved
        if config.compile:  # in place, so that a checkpoint's names are those of the model itself
            network.compile()
        task = build.task(config, data, network)
        run_folder.claim(config, folder)
        tracking.begin(config, trainer.loggers, record)
        record.parameters = sum(p.numel() for p in network.parameters())
        summary.announce(config, data, f"{record.parameters:,} parameters", record)
        fit(config, trainer, task, data, record)
        evaluate_best(config, task, data, record)
        score_baselines(config, data, made.facts, record)
    summary.summarise(record, folder)
    return record


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
    from quintet.training.callbacks.changes import changes_of
    from quintet.training.callbacks.prune import Prune
    from quintet.training.callbacks.session import EpochCounter, Replan
    from quintet.training.lightning_patches import without_empty_hooks

    tally = EpochCounter()
    callbacks: list[L.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    callbacks += map(without_empty_hooks, [tally, Replan(cfg.facts.total_steps)])
    start = checkpoints.to_go_on_from(Path(cfg.paths.run)) if cfg.resume else None
    record.sessions += 1
    record.guess, initial = losses_before(task, data, cfg.loss.num_outputs)
    try:
        trainer.fit(task, data, ckpt_path=start, weights_only=True)
    finally:
        record.epochs, record.seconds = tally.epochs, tally.earlier
        record.steering = changes_of(callbacks)
        rows = training_curves.read(Path(cfg.paths.run) / "metrics.csv")
        record.diagnosis = training_curves.diagnose(
            rows, record.guess, initial, cfg.data.batch_size
        )
    if any(isinstance(callback, Prune) and callback.pruned for callback in callbacks):
        record.status = "pruned"


def pass_on(trainer: "L.Trainer", earlier: "EarlierFolds | None") -> None:
    """Tell a trial's pruning callback what the folds before this one have trained."""
    from quintet.training.callbacks.prune import Prune

    for callback in cast("list[L.Callback]", trainer.callbacks):  # type: ignore[attr-defined]
        if isinstance(callback, Prune) and earlier is not None:
            callback.earlier = earlier


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
