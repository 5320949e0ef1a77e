"""An ensemble of a sweep's best models: chosen on validation, averaged, tested once."""

import csv
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor

from quintet import console
from quintet.errors import UserError
from quintet.members import Ensemble, predictions, score, targets
from quintet.node import instantiate
from quintet.practice.ensembles import select
from quintet.record import CONFIG, ENSEMBLE
from quintet.reload import Trained, trained


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
    truth = targets(runs[0], "val")
    if not all(same_samples(run, runs[0]) for run in runs):
        raise UserError(
            f"The trials of sweep={sweep} have different validation samples, so they cannot be "
            "compared. Sweep without seed, data.seed, data.val, data.test and data.fraction."
        )
    metric = instantiate(runs[0].cfg.metric, "metric")
    mode = runs[0].cfg.metric.mode
    on_val = [predictions(run, "val") for run in runs]
    chosen = select(on_val, lambda p: score(metric, p, truth), mode, cfg.size)
    values = [score(metric, p, truth) for p in on_val]
    single = values.index(max(values) if mode == "max" else min(values))
    made = Ensemble(runs[0].cfg.metric.name, mode)
    made.val, made.single_val = score(metric, _mean(on_val, chosen), truth), values[single]
    if cfg.test:
        seen = {i: predictions(runs[i], "test") for i in {single, *chosen}}
        truth = targets(runs[0], "test")
        made.test = score(metric, _mean(seen, chosen), truth)
        made.single_test = score(metric, seen[single], truth)
    save(made, output, folders, chosen)
    show(made, output)
    return made


def same_samples(a: Trained, b: Trained) -> bool:
    """Tell whether two runs are validated and tested on the same samples.

    Targets alone do not tell: a set that is sorted by class has the same ones in every split of its
    classes' shares. Windows of two lengths count differently, but are split by time.
    """
    splits = ("val", "test")
    if not all(torch.equal(a.data.splits[s][1], b.data.splits[s][1]) for s in splits):
        return False
    if a.cfg.data.get("window") != b.cfg.data.get("window"):
        return True
    return all(torch.equal(a.data.indices[s], b.data.indices[s]) for s in splits)


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
    if any((folder / ENSEMBLE).is_file() for folder in folders):
        raise UserError(
            f"The trials of sweep={sweep} are cross-validated: each is an ensemble of its folds, "
            f"and run={sweep / 'best'} is the best of them. To choose among single models, sweep "
            "without cv.folds and cv.seeds."
        )
    if not usable:
        raise UserError(f"sweep={sweep} has no trial with a checkpoint to make an ensemble of.")
    return usable[:count]


def _loaded(folder: Path) -> Trained:
    run = trained(folder)
    run.load()
    return run


def _mean(all_of_them: Any, chosen: list[int]) -> Tensor:
    return torch.stack([all_of_them[i] for i in chosen]).mean(0)


def save(made: Ensemble, output: Path, folders: list[Path], chosen: list[int]) -> None:
    """Copy the members' configs and checkpoints beside `ensemble.json`, which comes last."""
    shutil.rmtree(output, ignore_errors=True)
    for index, count in Counter(chosen).items():
        name = f"members/{folders[index].name}"
        (output / name / "checkpoints").mkdir(parents=True)
        for part in (CONFIG, "checkpoints/best.ckpt"):
            shutil.copy2(folders[index] / part, output / name / part)
        made.members[name] = count
    made.write(output)


def show(made: Ensemble, output: Path) -> None:
    """Print how good the ensemble is beside the best single model."""
    console.say("")
    weights = ", ".join(f"{Path(name).name} x{n}" for name, n in made.members.items())
    console.say(f"[bold]Ensemble[/] of trials {weights}")
    assert made.val is not None
    assert made.single_val is not None
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
