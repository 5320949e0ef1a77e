"""Cross-validation: one run per fold and seed; the score is their mean."""

import math
import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np
from omegaconf import DictConfig, OmegaConf, open_dict

from quintet.artifacts.ensemble_record import Ensemble
from quintet.artifacts.record import CONFIG, ENSEMBLE, RESULT, Record, by_fold
from quintet.base import console
from quintet.base.formatting import plural, score
from quintet.base.process import is_first_rank
from quintet.config import foreign_config, references, run_folder
from quintet.config.initial_config import as_typed
from quintet.config.objectives import compared_by, recorded
from quintet.config.resumed_config import check_length, resumed
from quintet.config.task_defaults import choose_defaults
from quintet.config.trust import Trust
from quintet.ensembles import stacked_parts
from quintet.trackers.tracking import Tracking
from quintet.training import build, experiment, summary
from quintet.training.outcome import AtEnd, describe, ending, recording
from quintet.training.run_header import print_header
from quintet.training.setup import Setup, set_facts, setup, validate
from quintet.training.training_steps import repeats, stacked


def run(cfg: DictConfig, at_end: AtEnd | None = None) -> Record:
    """Train once or as often as `cv` requires; continue an earlier run if `resume` is given.

    Args:
        cfg: of the run.
        at_end: called with the folder of each run that ends, for whatever reason: of every fold
            and seed, then of the whole.

    Raises:
        UserError: the config or the data are invalid.
        DivergedError: the loss is no longer finite.

    """
    if cfg.resume:
        cfg = resumed(cfg)
        print_header(cfg)
    return cross_validate(cfg, at_end) if repeats(cfg) > 1 else experiment.run(cfg, at_end)


def cross_validate(cfg: DictConfig, at_end: AtEnd | None = None) -> Record:
    """Train once per fold and seed, each in its own run folder, and record them together.

    The test set is the same for all. It is used once, at the end, to score the averaged
    predictions of all models.
    """
    folder = Path(cfg.paths.run)
    with (
        run_folder.locked(cfg, folder),
        Tracking() as tracking,
        ending(folder, at_end),
        recording(cfg, folder) as record,
    ):
        validate(cfg)
        runs = parts(cfg, folder)
        first = setup(next(iter(runs.values())))
        config = with_facts(cfg, first)
        describe(record, config, first.data.columns)
        run_folder.claim(config, folder)
        tracking.begin(config, build.loggers(config) if is_first_rank() else [], record)
        summary.announce(config, first.data, f"{len(runs)} runs", record)
        record.sessions += 1
        began = time.monotonic()
        stacked_parts.train(runs, stacked(cfg), first.data)
        done = train(runs, again=bool(cfg.resume), at_end=at_end)
        spent = time.monotonic() - began  # already counted in the seconds of the runs
        record.seconds = max(0.0, sum(r.seconds for r in done.values()) - spent)
        record.parts = {name: part_of(each) for name, each in runs.items() if name in done}
        conclude(config, folder, done, record)
    summary.summarise(record, folder)
    return record


def with_facts(cfg: DictConfig, first: Setup) -> DictConfig:
    """Return the config of the whole with its data's facts; the length is each run's own."""
    config = deepcopy(cfg)
    set_facts(config, first.facts)
    choose_defaults(config)
    OmegaConf.set_readonly(config, True)
    return config


def parts(cfg: DictConfig, folder: Path) -> dict[str, DictConfig]:
    """Return the config of each run by folder name: all folds of a seed, then the next seed.

    Each config suffices to rebuild its run. Seeds change initial weights, batch order and dropout;
    folds and test set depend on the first seed alone.
    """
    folds, seeds = cfg.cv.folds or 0, cfg.cv.seeds or 1
    found = {}
    for seed, fold in product(range(cfg.seed, cfg.seed + seeds), range(max(1, folds))):
        name = f"folds/{fold}" if folds else f"seeds/{seed}"
        name += f"_seed_{seed}" if folds and seeds > 1 else ""
        changes = {"data.seed": cfg.data.get("seed", cfg.seed), "seed": seed}
        changes |= {"data.folds": folds, "data.fold": fold} if folds else {}
        found[name] = _part(cfg, folder / name, changes)
    return found


def part_of(cfg: DictConfig) -> dict[str, int]:
    """Return the fold and seed of a run's config."""
    fold = {"fold": int(cfg.data.fold)} if cfg.data.get("folds") else {}
    return {**fold, "seed": int(cfg.seed)}


def _part(cfg: DictConfig, place: Path, changes: Mapping[str, int]) -> DictConfig:
    own = deepcopy(cfg)
    overrides = [each for each in as_typed(cfg.overrides) if not each.startswith("cv.")]
    with open_dict(own):
        own.paths.run = str(place)
        own.resume = None
        own.test = False
        own.logger = {}
        own.cv = {"folds": None, "seeds": 1}
        own.overrides = [*overrides, *(f"{key}={value}" for key, value in changes.items())]
    for key, value in changes.items():
        OmegaConf.update(own, key, value, force_add=True)
    return own


def train(
    runs: Mapping[str, DictConfig], *, again: bool, at_end: AtEnd | None
) -> dict[str, Record]:
    """Train each unfinished run; return the record of each, by folder name.

    If a sweep prunes one of them, the remaining ones are skipped.

    Args:
        runs: their configs.
        again: whether some may have been started or finished before.
        at_end: as of `run`.

    """
    done: dict[str, Record] = {}
    for name, cfg in runs.items():
        kept = finished(cfg) if again else None
        done[name] = kept or _train(cfg, [*done.values()], len(done) + 1 < len(runs), at_end)
        if is_first_rank():
            value, epochs = metric_value(done[name]), done[name].epochs
            what = "finished before" if kept else f"{done[name].seconds:.1f} s"
            scored = f"{score(value)}  {plural(epochs, 'epoch')}, {what}"
            console.say("  {}  {} {}", name, cfg.metric.name, scored)
        if done[name].status == "pruned":
            break
    return done


def finished(cfg: DictConfig) -> Record | None:
    """Return the record of a finished run; None for any other."""
    place = Path(cfg.paths.run)
    if not all((place / file).is_file() for file in (RESULT, CONFIG)):  # stopped while starting
        return None
    record, was = Record.read(place), foreign_config.read(place / CONFIG)
    length = references.value(was, "trainer.max_epochs")
    whole = record.status == "completed" and length == cfg.trainer.max_epochs
    return record if whole else None


def _train(cfg: DictConfig, before: Sequence[Record], more: bool, at_end: AtEnd | None) -> Record:
    from quintet.training.callbacks.prune import EarlierFolds  # here: it brings Lightning along

    place = Path(cfg.paths.run)
    place.mkdir(parents=True, exist_ok=True)
    check_length(cfg, place)
    with open_dict(cfg):
        cfg.resume = str(place) if (place / CONFIG).is_file() else None
    traded = tuple(recorded(compared_by(cfg), r) for r in before)
    earlier = EarlierFolds(
        sum(r.epochs for r in before), tuple(map(metric_value, before)), traded, more
    )
    with console.muted():
        return experiment.run(cfg, at_end, earlier)


def conclude(cfg: DictConfig, folder: Path, done: Mapping[str, Record], record: Record) -> None:
    """Record the joint results, list the models, and evaluate on the test set.

    A pruned fold would bias the mean by its shorter training: it counts only if no fold before it
    is complete.
    """
    from quintet.diagnostics.baselines import warning
    from quintet.ensembles import ensemble_baselines, members

    runs = list(done.values())
    first, name, mode = runs[0], cfg.metric.name, cfg.metric.mode
    last = cfg.trainer.max_epochs
    whole = {key: r for key, r in done.items() if r.status != "pruned" or r.epochs == last} or done
    record.repeats = {key: metric_value(r) for key, r in whole.items()}
    record.metric.value = fmean(record.repeats.values())
    folds = by_fold(record.parts, record.repeats)
    record.spread = spread([fmean(record.repeats[name] for name in fold) for fold in folds])
    record.epochs, record.parameters = sum(r.epochs for r in runs), first.parameters
    record.anomalies += dict.fromkeys(a for r in runs for a in r.anomalies)
    record.steering = [{**each, "run": name} for name, r in done.items() for each in r.steering]
    record.transfer = first.transfer
    shared = [
        name for name in first.validation if all(name in r.validation for r in whole.values())
    ]
    record.validation = {n: fmean(r.validation[n] for r in whole.values()) for n in shared}
    losses = [r.loss for r in runs if r.loss is not None]
    record.loss = fmean(losses) if losses else None
    if any(r.status == "pruned" for r in runs):
        record.status = "pruned"
    if is_first_rank():
        Ensemble(name, mode, dict.fromkeys(whole, 1)).write(folder)
        record.checkpoint, trust = ENSEMBLE, Trust.own(cfg)
        tested = experiment.opens_test(cfg) and record.status != "pruned"
        record.by_sample = first.by_sample
        record.test = members.on_test(folder, trust=trust) if tested else {}
        record.baselines = ensemble_baselines.score_baselines(
            [*whole.values()], folder, tested=tested, trust=trust
        )
        record.baseline_rows = first.baseline_rows
    lost = [
        warning(metric_value(r), r.baselines, name, mode, by_gradients=r.parameters > 0)
        for r in (first, record)
    ]
    remarks = [f"{next(iter(done))}: {says}" for says in first.diagnosis if says != lost[0]]
    record.diagnosis = [*remarks, *filter(None, lost[1:])]


def metric_value(record: Record) -> float:
    """Return the primary metric of a run that has ended."""
    assert record.metric.value is not None
    return record.metric.value


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the standard deviation over folds, and the standard error of the mean.

    The error assumes independent folds; as they share training samples, the true one is larger,
    and no estimate of it is unbiased (Bengio and Grandvalet 2004, "No unbiased estimator of the
    variance of k-fold cross-validation").
    """
    if len(values) < 2:
        return {}
    deviation = float(np.std(values, ddof=1))
    return {"deviation": deviation, "error": deviation / math.sqrt(len(values))}
