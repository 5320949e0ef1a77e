"""A run from top to bottom: data -> facts -> parts -> fit -> evaluate -> record."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from omegaconf import DictConfig, OmegaConf

from quintet.artifacts import checkpoints
from quintet.artifacts.record import Record
from quintet.base import console
from quintet.base.process import is_first_rank
from quintet.config import run_folder
from quintet.config.objectives import compared_by
from quintet.study.trial_pipe import is_trial
from quintet.trackers.tracking import Tracking
from quintet.training import build, summary
from quintet.training.callbacks.measured import of_split
from quintet.training.outcome import AtEnd, describe, ending, optional_output, recording
from quintet.training.setup import setup
from quintet.training.sizes import count_parameters, layers
from quintet.training.training_steps import uneven_steps

if TYPE_CHECKING:
    import lightning.pytorch as L

    from quintet.data.lightning_data import ExperimentData
    from quintet.training.callbacks.prune import EarlierFolds


def run(
    cfg: DictConfig, at_end: AtEnd | None = None, earlier: "EarlierFolds | None" = None
) -> Record:
    """Train a model with the choices of the config and write all results to its folder.

    Args:
        cfg: config of the run.
        at_end: called with the run's folder when the run has ended, even by an error.
        earlier: the folds of a cross-validated run that were trained before this one.

    Returns:
        the record, with the validation metric of the best checkpoint.

    Raises:
        UserError: the config or the data is invalid; says how to fix it.
        DivergedError: the loss is no longer finite.

    """
    folder = Path(cfg.paths.run)
    with (
        run_folder.locked(cfg, folder),
        Tracking() as tracking,
        ending(folder, at_end),
        recording(cfg, folder) as record,
    ):
        made = setup(cfg)
        from quintet.training.initialization import initialise, seen_before  # here: with torch

        config, data = made.config, made.data
        describe(record, config, data.columns)
        trainer = build.trainer(config)
        configure_pruning(config, trainer, earlier)
        network = build.model(config)
        record.anomalies = [each for each in (uneven_steps(config, trainer, data),) if each]
        if network is not None:
            advice, moved = initialise(config, network)
            known = seen_before(config, data.ordered)
            record.anomalies += [str(each) for each in (*advice, known) if each]
            record.transfer |= moved
        if phases := OmegaConf.select(config, "callbacks.unfreeze.frozen_epochs"):
            record.transfer["frozen_epochs"] = OmegaConf.to_container(phases)
        task = build.task(config, data, network)
        build.check_callbacks(config, task)
        if config.compile:
            compile_in_place(task)
        run_folder.claim(config, folder)
        tracking.begin(config, trainer.loggers, record)
        record.parameters = count_parameters(network or task)
        size = f"{record.parameters:,} parameters" if record.parameters else ""
        summary.announce(config, data, size, record)
        fit(config, trainer, task, data, record)
        if network is None:  # layers created in configure_model exist only now
            record.parameters = count_parameters(task)
        evaluate_best(config, task, data, record)
        score_baselines(config, task, data, record)
    summary.summarise(record, folder)
    return record


def fit(
    cfg: DictConfig,
    trainer: "L.Trainer",
    task: "L.LightningModule",
    data: "ExperimentData",
    record: Record,
) -> None:
    """Train; a resumed run continues from its latest intact checkpoint, if any."""
    from quintet.diagnostics import training_curves
    from quintet.diagnostics.start_checks import losses_before
    from quintet.modules.sample_predictor import sample_predictor
    from quintet.training.callbacks.changes import changes_of
    from quintet.training.callbacks.early_stopping import EarlyStopping
    from quintet.training.callbacks.logged_metrics import LoggedMetrics
    from quintet.training.callbacks.optimizer_modes import OptimizerModes, switches_modes
    from quintet.training.callbacks.prune import Prune
    from quintet.training.callbacks.session import EpochCounter, PlateauStep, Replan
    from quintet.training.lightning_patches import name_checkpoint, without_empty_hooks

    tally = EpochCounter(record.seconds)
    callbacks: list[L.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    callbacks += map(without_empty_hooks, [tally, Replan(cfg.facts.total_steps)])
    if switches_modes(cfg):
        callbacks.insert(
            first_checkpoint_callback(callbacks), without_empty_hooks(OptimizerModes())
        )
    start = checkpoints.latest_intact(Path(cfg.paths.run)) if cfg.resume else None
    if start is not None:
        name_checkpoint(trainer, start)
    record.sessions += 1
    initial, samples = None, sample_predictor(task, data)
    record.by_sample = samples is not None
    if samples is not None:
        losses = losses_before(samples.task, samples.data, cfg.loss.num_outputs)
        record.guess, initial = losses
    else:
        callbacks.append(without_empty_hooks(LoggedMetrics(cfg.metric.name)))
        callbacks.insert(first_checkpoint_callback(callbacks), without_empty_hooks(PlateauStep()))
    try:
        trainer.fit(task, datamodule=data.datamodule, ckpt_path=start, weights_only=True)
    finally:
        record.epochs, record.seconds = tally.epochs, tally.earlier
        record.steering = changes_of(callbacks)
        rows = training_curves.read(Path(cfg.paths.run) / "metrics.csv")
        record.diagnosis = training_curves.diagnose(
            rows, record.guess or 0.0, initial, cfg.data.get("batch_size") or 0
        )
        stopped = (each.remark() for each in callbacks if isinstance(each, EarlyStopping))
        record.diagnosis += filter(None, stopped)
    if any(isinstance(callback, Prune) and callback.pruned for callback in callbacks):
        record.status = "pruned"


def first_checkpoint_callback(callbacks: "list[L.Callback]") -> int:
    """Return the index of the first callback that saves, at which metrics are complete."""
    from lightning.pytorch.callbacks import Checkpoint

    places = (i for i, each in enumerate(callbacks) if isinstance(each, Checkpoint))
    return next(places, len(callbacks))


def configure_pruning(
    cfg: DictConfig, trainer: "L.Trainer", earlier: "EarlierFolds | None"
) -> None:
    """Pass objectives and the folds trained so far to a trial's pruning callback."""
    from quintet.training.callbacks.prune import Prune

    for callback in cast("list[L.Callback]", trainer.callbacks):  # type: ignore[attr-defined]
        if isinstance(callback, Prune):
            callback.objectives = compared_by(cfg)
            callback.earlier = earlier or callback.earlier


WHOLE = {
    "fast_dev_run": False,
    "overfit_batches": 0.0,
    "limit_val_batches": 1.0,
    "limit_test_batches": 1.0,
}
"""Trainer settings of the final evaluation, to which limits on training do not apply."""


def evaluate_best(
    cfg: DictConfig, task: "L.LightningModule", data: "ExperimentData", record: Record
) -> None:
    """Load the best checkpoint and record its metrics; the test set is only used here.

    Both splits are evaluated completely, even if training used a part of them. Predictions are
    saved, except in the trials of a sweep, where only those of the winner are needed.
    """
    from quintet.modules.sample_predictor import sample_predictor
    from quintet.training.callbacks.logged_metrics import logged
    from quintet.training.callbacks.prediction_collector import PredictionCollector
    from quintet.training.predicted_samples import save_samples
    from quintet.training.restoring import restore

    record.layers = layers(task)
    if best := checkpoints.best(Path(cfg.paths.run)):
        state = checkpoints.load(best)
        restore(task, state, best)
        record.checkpoint = str(best.relative_to(cfg.paths.run))
        record.best_epoch = int(state["epoch"]) + 1
    evaluator = build.trainer(cfg, watched=False, **WHOLE)
    keep = None
    if (samples := sample_predictor(task, data)) and not is_trial():
        keep = PredictionCollector(samples.data)
        evaluator.callbacks.append(keep)  # type: ignore[attr-defined]
    scores = measured(evaluator.validate, task, data)
    record.metric.value = logged(scores, "val", cfg.metric.name)
    record.loss = scores.get("val/loss")
    record.validation = of_split(scores, "val")
    if opens_test(cfg) and has_test_step(task):
        record.test = of_split(measured(evaluator.test, task, data), "test")
    if keep is not None:
        with optional_output(record, "predictions.npz"):
            keep.save(Path(cfg.paths.run))
    elif samples is None and not is_trial() and is_first_rank():
        with optional_output(record, "samples.npz"):
            save_samples(task, data, Path(cfg.paths.run))


def has_test_step(task: "L.LightningModule") -> bool:
    """Return whether a module can be tested; warn if it cannot."""
    from lightning.pytorch.utilities.model_helpers import is_overridden

    if found := is_overridden("test_step", task):
        return found
    console.warn(f"{type(task).__name__} has no test_step, so it has no scores on test data.")
    return False


def measured(
    evaluate: Callable[..., Any], task: "L.LightningModule", data: "ExperimentData"
) -> dict[str, float]:
    """Return all metrics that a module logs in `Trainer.validate` or `Trainer.test`, by name.

    Random numbers are the same each time, so that the evaluation of a module that draws samples is
    reproducible.
    """
    from quintet.training.randomness import seeded

    found: dict[str, float] = {}
    with seeded(0):
        for scores in evaluate(task, datamodule=data.datamodule, verbose=False):
            found |= scores
    return found


def compile_in_place(task: "L.LightningModule") -> None:
    """Compile the children of a module, so that names in checkpoints are unchanged."""
    from torchmetrics import Metric

    for child in task.children():
        if any(True for _ in child.parameters()) and not isinstance(child, Metric):
            child.compile()


def opens_test(cfg: DictConfig) -> bool:
    """Return whether the run is tested at the end; a `fast_dev_run` is not."""
    return bool(cfg.test and cfg.facts.test_size != 0 and not cfg.trainer.fast_dev_run)


def score_baselines(
    cfg: DictConfig, task: "L.LightningModule", data: "ExperimentData", record: Record
) -> None:
    """Score simple baselines on the same splits, except in the trials of a sweep."""
    from quintet.modules.sample_predictor import sample_predictor

    samples = sample_predictor(task, data)
    if samples is None or not cfg.get("baselines", True) or is_trial() or not is_first_rank():
        return
    from quintet.config.instantiate import instantiate
    from quintet.diagnostics import baselines

    splits = ["val", "test"] if opens_test(cfg) else ["val"]
    metric = instantiate(cfg.metric, "metric")
    record.baselines = baselines.scores(
        samples.data, samples.data.facts, metric, splits, cfg.threads, build.further_metrics_of(cfg)
    )
    record.baseline_rows = baselines.fitted_rows(samples.data, samples.data.facts)
    name, value = cfg.metric.name, record.metric.value
    if value is not None and (
        lost := baselines.warning(
            value, record.baselines, name, cfg.metric.mode, by_gradients=record.parameters > 0
        )
    ):
        record.diagnosis.append(lost)
