"""Score a run's checkpoint again, on the data of the run's own config."""

import json
from pathlib import Path

from omegaconf import DictConfig

from quintet import build, console
from quintet.callbacks.keep import Keep
from quintet.errors import UserError
from quintet.evidence import read
from quintet.files import write_atomically
from quintet.node import instantiate
from quintet.practice import baselines
from quintet.process import is_first_rank
from quintet.record import Record
from quintet.reload import trained

Scores = dict[str, dict[str, float]]


def evaluate(cfg: DictConfig) -> Scores:
    """Return metric and loss by split, and write them to `evaluation.json` in the run folder.

    The best checkpoint's answers are kept in `predictions.npz`; simple models' P, where asked for,
    in `result.json`.

    Raises:
        UserError: the run cannot be rebuilt, or its data has changed since.

    """
    console.quiet(cfg.debug)
    folder = Path(cfg.run)
    run = trained(folder, cfg.checkpoint)
    facts = run.data.load()
    check_fingerprint(facts.fingerprint, run.cfg)
    cfg.trainer.precision = run.cfg.trainer.precision  # P is to be the recorded one
    trainer = build.trainer(cfg, watched=False)
    keep = Keep(run.data)
    if cfg.checkpoint == "best":
        keep.answers = read(folder)
        trainer.callbacks.append(keep)  # type: ignore[attr-defined]
    validate = {"val": trainer.validate, "test": trainer.test}
    scores: Scores = {}
    for split in cfg.splits:
        if split not in validate:
            raise UserError(f"splits={split} is unknown. Allowed: val, test.")
        logged = validate[split](run.task, run.data, verbose=False)[0]
        scores[split] = {name.partition("/")[2]: value for name, value in logged.items()}
    keep.save(folder)
    if is_first_rank():
        if cfg.baselines and run.cfg.get("baselines"):
            record = Record.read(folder)
            metric, threads = instantiate(run.cfg.metric, "metric"), run.cfg.threads
            record.baselines = baselines.scores(run.data, facts, metric, cfg.splits, threads)
            record.write(folder)
        write_atomically(folder / "evaluation.json", json.dumps(scores, indent=2) + "\n")
        show(scores, Record.read(folder) if (folder / "result.json").is_file() else None)
    return scores


def show(scores: Scores, record: Record | None) -> None:
    """Print new scores beside the recorded ones."""
    from rich import box
    from rich.table import Table

    table = Table("", "score", "", "recorded", box=box.SIMPLE)
    for split, values in scores.items():
        for name, value in values.items():
            recorded = _recorded(record, split, name)
            table.add_row(
                split, name, f"{value:.6f}", "" if recorded is None else f"{recorded:.6f}"
            )
    console.terminal().print(table)


def _recorded(record: Record | None, split: str, name: str) -> float | None:
    if record is None:
        return None
    if split == "test":
        return record.test.get(name)
    return record.metric.value if name == record.metric.name else None


def check_fingerprint(fingerprint: str, cfg: DictConfig) -> None:
    """Refuse to score a model on data that is not the data of its run.

    Raises:
        UserError: with both fingerprints.

    """
    if fingerprint != cfg.facts.fingerprint:
        raise UserError(
            f"The data has changed since the run: its fingerprint is {fingerprint}, the run's was "
            f"{cfg.facts.fingerprint}. Restore the data, or score new data with predict.py."
        )
