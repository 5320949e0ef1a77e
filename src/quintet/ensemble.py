"""An ensemble of a sweep's best models: chosen on validation, averaged, tested once."""

import csv
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor
from torchmetrics import Metric

from quintet import console
from quintet.errors import UserError
from quintet.evaluation import check_fingerprint
from quintet.files import write_atomically
from quintet.node import instantiate
from quintet.practice.ensembles import select
from quintet.record import CONFIG
from quintet.reload import Trained, trained

FILE = "ensemble.json"


@dataclass
class Ensemble:
    """What `ensemble.json` holds: the members and how good they are together.

    Args:
        metric: P's name.
        members: folder of each, relative to the ensemble's, and how often it was chosen.
        val, test: P of the averaged predictions.
        single_val, single_test: P of the best single candidate.

    """

    metric: str
    mode: str
    members: dict[str, int] = field(default_factory=dict)
    val: float = 0.0
    single_val: float = 0.0
    test: float | None = None
    single_test: float | None = None


def assemble(cfg: DictConfig) -> Ensemble:
    """Choose members, copy them into one folder and tell how good they are together.

    Raises:
        UserError: no sweep folder, or trials that were not scored on the same samples.

    """
    console.quiet(cfg.debug)
    sweep = Path(cfg.sweep)
    output = Path(cfg.output) if cfg.output else sweep / "ensemble"
    folders = candidates(sweep, cfg.candidates)
    runs = [_loaded(folder) for folder in folders]
    truth = runs[0].data.splits["val"][1]
    if any(not torch.equal(run.data.splits["val"][1], truth) for run in runs):
        raise UserError(
            f"The trials of sweep={sweep} have different validation samples, so they cannot be "
            "compared. Sweep without data.seed, data.val, data.test and data.fraction."
        )
    metric = instantiate(runs[0].cfg.metric, "metric")
    mode = runs[0].cfg.metric.mode
    on_val = [predictions(run, "val") for run in runs]
    chosen = select(on_val, lambda p: _score(metric, p, truth), mode, cfg.size)
    values = [_score(metric, p, truth) for p in on_val]
    single = values.index(max(values) if mode == "max" else min(values))
    made = Ensemble(runs[0].cfg.metric.name, mode)
    made.val, made.single_val = _score(metric, _mean(on_val, chosen), truth), values[single]
    if cfg.test:
        seen = {i: predictions(runs[i], "test") for i in {single, *chosen}}
        truth = runs[0].data.splits["test"][1]
        made.test = _score(metric, _mean(seen, chosen), truth)
        made.single_test = _score(metric, seen[single], truth)
    save(made, output, folders, chosen)
    show(made, output)
    return made


def candidates(sweep: Path, count: int) -> list[Path]:
    """Return the run folders of a sweep's best trials, best first, from its leaderboard.

    Raises:
        UserError: the folder is no sweep's, or no trial has left a checkpoint.

    """
    board = sweep / "leaderboard.csv"
    if not board.is_file():
        raise UserError(
            f"sweep={sweep} is no sweep folder: {board} is missing. Allowed: a folder that "
            "`python src/train.py -m ...` wrote."
        )
    with board.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["value"]]
    folders = [sweep / "trials" / Path(row["folder"]).name for row in rows]
    usable = [folder for folder in folders if (folder / "checkpoints" / "best.ckpt").is_file()]
    if not usable:
        raise UserError(f"sweep={sweep} has no trial with a checkpoint to make an ensemble of.")
    return usable[:count]


def _loaded(folder: Path) -> Trained:
    run = trained(folder)
    check_fingerprint(run.data.load().fingerprint, run.cfg)
    return run


@torch.inference_mode()
def predictions(run: Trained, split: str) -> Tensor:
    """Return a model's predictions for a split, as metrics take them."""
    loader: Any = run.data.val_dataloader() if split == "val" else run.data.test_dataloader()
    return torch.cat([run.task.predictions(run.task(x)) for x, _ in loader])


def _mean(all_of_them: Any, chosen: list[int]) -> Tensor:
    return torch.stack([all_of_them[i] for i in chosen]).mean(0)


def _score(metric: Metric, predicted: Tensor, truth: Tensor) -> float:
    metric.reset()
    metric.update(predicted, truth)
    return float(metric.compute())


def save(made: Ensemble, output: Path, folders: list[Path], chosen: list[int]) -> None:
    """Copy the members' configs and checkpoints beside `ensemble.json`, which comes last."""
    shutil.rmtree(output, ignore_errors=True)
    for index, count in Counter(chosen).items():
        name = f"members/{folders[index].name}"
        (output / name / "checkpoints").mkdir(parents=True)
        for part in (CONFIG, "checkpoints/best.ckpt"):
            shutil.copy2(folders[index] / part, output / name / part)
        made.members[name] = count
    write_atomically(output / FILE, json.dumps(asdict(made), indent=2) + "\n")


def show(made: Ensemble, output: Path) -> None:
    """Print how good the ensemble is beside the best single model."""
    console.say("")
    weights = ", ".join(f"{Path(name).name} x{n}" for name, n in made.members.items())
    console.say(f"[bold]Ensemble[/] of trials {weights}")
    _show_two(
        made.metric,
        {"ensemble": (made.val, made.test), "best single": (made.single_val, made.single_test)},
    )
    run = f"run={console.typed(output)}"
    console.say("→ [bold]{}[/]", console.shortest(output))
    console.say("predict   {}", console.command_line("predict", run, "input=new.csv"))


def _show_two(metric: str, rows: dict[str, tuple[float, float | None]]) -> None:
    """Print P of two models, on validation and, where it was opened, on test data."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2))
    for title in (metric, "validation", "test"):
        table.add_column(title, justify="left" if title == metric else "right")
    for name, (val, test) in rows.items():
        table.add_row(name, f"{val:.4f}", "" if test is None else f"{test:.4f}")
    console.terminal().print(table)


def members(folder: Path) -> Iterator[tuple[Trained, int]]:
    """Yield the members of an ensemble's folder and their weights.

    Raises:
        UserError: a member cannot be rebuilt.

    """
    found = Ensemble(**json.loads((folder / FILE).read_text()))
    for name, count in found.members.items():
        yield trained(folder / name), count
