"""Score a run's checkpoint again, on the data of the run's own config."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean

from omegaconf import DictConfig

from quintet.artifacts import output_paths, untrusted_files
from quintet.artifacts.ensemble_record import Ensemble
from quintet.artifacts.predictions_file import FILE as PREDICTIONS
from quintet.artifacts.predictions_file import read
from quintet.artifacts.record import CONFIG, ENSEMBLE, RESULT, Record
from quintet.artifacts.samples_file import FILE as SAMPLES
from quintet.base import console, schema
from quintet.base.errors import Code, UserError
from quintet.base.files import is_read_only, write_json
from quintet.base.process import is_first_rank
from quintet.config.instantiate import instantiate
from quintet.config.trust import Trust
from quintet.diagnostics import baselines
from quintet.ensembles import ensemble_baselines, members
from quintet.ensembles.reload import Trained, trained
from quintet.modules.sample_predictor import missing, sample_predictor
from quintet.training import build, experiment
from quintet.training.callbacks.measured import of_split
from quintet.training.callbacks.prediction_collector import PredictionCollector
from quintet.training.predicted_samples import save_samples

Scores = dict[str, dict[str, float]]
SPLITS = ("val", "test")
FILE = "evaluation.json"


def evaluate(cfg: DictConfig) -> Scores:
    """Return metric and loss by split, and write them to `evaluation.json` in the run folder.

    The predictions of the best checkpoint are kept in `predictions.npz`, or what a module without
    targets predicts in `samples.npz`; the metric of simple models, where asked for, in
    `result.json`.

    Raises:
        UserError: the run cannot be rebuilt, or its data has changed since.

    """
    console.quiet(cfg.debug)
    folder = Path(cfg.run)
    if unknown := [split for split in cfg.splits if split not in SPLITS]:
        raise UserError(
            "is unknown", code=Code.UNKNOWN_NAME, key="splits", value=unknown[0], allowed=SPLITS
        )
    output_paths.check(folder / FILE, {}, _is_ours, instead="Move it away.")
    several = untrusted_files.has(folder, ENSEMBLE) and untrusted_files.has(folder, CONFIG)
    scores = of_several(cfg, folder) if several else of_one(cfg, folder, cfg.splits)
    if is_first_rank():
        with if_one_may_write():
            write_json(folder / FILE, scores)
        show(scores, Record.read(folder) if untrusted_files.has(folder, RESULT) else None)
    return scores


def _is_ours(path: Path) -> bool:
    """Return whether an earlier evaluation wrote a file."""
    found = schema.with_nan(untrusted_files.read_json(path.parent, path.name, dict))
    return bool(schema.fitting(Scores, found, FILE)) and found.keys() <= {*SPLITS}


def of_one(cfg: DictConfig, folder: Path, splits: list[str]) -> Scores:
    """Return the scores of a run with one model."""
    run = trained(folder, cfg.checkpoint, Trust.of(cfg.get("trust")))
    trainer = build.trainer(cfg, watched=False, precision=run.cfg.trainer.precision)  # as recorded
    run.data.attach(trainer)
    run.load()
    samples = sample_predictor(run.task, run.data)
    keep = PredictionCollector(samples.data) if samples else None
    if keep is not None and cfg.checkpoint == "best":
        keep.answers = read(folder)
        trainer.callbacks.append(keep)  # type: ignore[attr-defined]
    score = {"val": trainer.validate, "test": trainer.test}
    scores: Scores = {}
    for split in splits:
        if split == "test" and not _tested(run):
            continue
        logged = experiment.measured(score[split], run.task, run.data)
        scores[split] = of_split(logged, split)
    if samples is None or keep is None:
        why = missing(run.task, run.data)
        console.tell(f"{PREDICTIONS} is not written: {why}", style="dim")
        if is_first_rank() and cfg.checkpoint == "best":
            _keep_samples(run, folder)
        return scores
    with if_one_may_write():
        keep.save(folder)
    if is_first_rank() and cfg.baselines and run.cfg.get("baselines"):
        record = Record.read(folder)
        metric, threads = instantiate(run.cfg.metric, "metric"), run.cfg.threads
        further = build.further_metrics_of(run.cfg)
        found = baselines.scores(samples.data, samples.data.facts, metric, splits, threads, further)
        record.baselines = ensemble_baselines.merged(record.baselines, found)
        record.baseline_rows = baselines.fitted_rows(samples.data, samples.data.facts)
        with if_one_may_write():
            record.write(folder)
    return scores


def _keep_samples(run: Trained, folder: Path) -> None:
    """Save what a module without targets predicts; the scores do not depend on it."""
    try:
        save_samples(run.task, run.data, folder)
    except Exception as error:
        console.warn(f"{SAMPLES} could not be written: {error}")


def _tested(run: Trained) -> bool:
    """Return whether there is a test part; warn if there is none."""
    if run.cfg.facts.test_size == 0:
        console.warn("The data has no test part, so there are no scores on test data.")
        return False
    return experiment.has_test_step(run.task)


def of_several(cfg: DictConfig, folder: Path) -> Scores:
    """Return the scores of a run over folds or seeds.

    On validation data, each model is scored on its own held-out fold, and the mean is taken; on
    test data, the averaged predictions of all models are scored.
    """
    scores: Scores = {}
    if "val" in cfg.splits:
        names = Ensemble.read(folder).members
        each = [of_one(cfg, folder / name, ["val"])["val"] for name in names]
        scores["val"] = {key: fmean(found[key] for found in each) for key in each[0]}
        if is_first_rank() and cfg.baselines:
            record = Record.read(folder)
            runs = [Record.read(folder / name) for name in names]
            found = ensemble_baselines.score_baselines(
                runs, folder, tested="test" in cfg.splits, trust=Trust.of(cfg.get("trust"))
            )
            record.baselines = ensemble_baselines.merged(record.baselines, found)
            with if_one_may_write():
                record.write(folder)
    if "test" in cfg.splits:
        scores["test"] = members.on_test(folder, cfg.checkpoint, Trust.of(cfg.get("trust")))
    return scores


@contextmanager
def if_one_may_write() -> Iterator[None]:
    """Warn that a file could not be written, into a read-only folder for instance."""
    try:
        yield
    except UserError as error:
        if not is_read_only(error.__cause__):
            raise
        console.warn(str(error))


def show(scores: Scores, record: Record | None) -> None:
    """Print new scores next to the recorded ones."""
    from rich import box
    from rich.table import Table

    table = Table("", "score", "", "recorded", box=box.SIMPLE)
    for split, values in scores.items():
        for name, value in values.items():
            recorded = _recorded(record, split, name)
            table.add_row(
                split,
                console.plain(name),
                f"{value:.6f}",
                "" if recorded is None else f"{recorded:.6f}",
            )
    console.terminal().print(table)


def _recorded(record: Record | None, split: str, name: str) -> float | None:
    if record is None:
        return None
    if split == "test":
        return record.test.get(name)
    if name in record.validation:
        return record.validation[name]
    return record.metric.value if name == record.metric.name else None
