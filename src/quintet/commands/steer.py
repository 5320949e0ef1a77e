"""Ask something of a run that trains, and tell what it answers: what `python src/steer.py` does."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from quintet.artifacts import untrusted_files
from quintet.artifacts.record import CONFIG, RESULT, Record
from quintet.artifacts.steering_files import (
    CHANGES,
    NUMBERS,
    SWITCHES,
    Request,
    ask,
    now,
    problem,
    read,
)
from quintet.base.console import command_line, say, typed
from quintet.base.errors import UserError, nearest
from quintet.config import run_folder
from quintet.diagnostics import training_curves
from quintet.training.training_steps import repeats

LOOK = 0.05
"""Seconds between two looks for an answer."""


def steer(cfg: DictConfig) -> list[dict[str, Any]]:
    """Ask, wait for the answers, print and return them.

    Raises:
        UserError: nothing was asked, or what cannot be; a folder with several runs; the run does
            not train, or refuses.

    """
    folder = Path(cfg.run)
    if not (folder / CONFIG).is_file() and (folder / "trials").is_dir():
        raise UserError(_several(folder))
    run = run_folder.read(folder)
    requests = list(_requests(cfg))
    if not requests:
        words = [*(f"{key}=<number>" for key in NUMBERS), *(f"{key}=true" for key in SWITCHES)]
        raise UserError(f"Nothing was asked of {folder}. Add one or more of: {', '.join(words)}.")
    _check(run, requests)
    if repeats(run) > 1:
        raise UserError(_several(folder))
    if not run_folder.trains(folder):
        raise UserError(_ended(folder))
    ask(folder, requests)
    return _answers(folder, requests, cfg.wait)


def _requests(cfg: DictConfig) -> Iterator[Request]:
    given = {f"optimizer.{key}": value for key, value in cfg.optimizer.items()}
    given |= {key: cfg[key] for key in SWITCHES}
    for key, value in given.items():
        if value is None:
            continue
        if allowed := problem(key, value):
            raise UserError(f"{key}={value!r} is not possible. Allowed: {allowed}.")
        yield Request(now(), key, value)


def _check(run: DictConfig, requests: list[Request]) -> None:
    """Refuse what the run's own config rules out."""
    if not run.callbacks.get("steering"):
        raise UserError("This run does not listen: it was started with callbacks.steering=null.")
    own = [f"optimizer.{key}" for key in run.optimizer if f"optimizer.{key}" in NUMBERS]
    for request in requests:
        if request.key in NUMBERS and request.key not in own:
            name = run.choices.get("optimizer")
            raise UserError(
                f"{request.key}: the run's optimizer is {name}, which has none. "
                f"{nearest(request.key, own)}"
            )


def _several(folder: Path) -> str:
    parts = sorted(config.parent for config in folder.glob(f"*/*/{CONFIG}"))
    busy = [f"run={typed(part)}" for part in parts if run_folder.trains(part)]
    now = f"Now it is {' or '.join(busy)}" if busy else "None does now"
    return f"run={folder} has several models; only one that trains can be steered. {now}."


def _ended(folder: Path) -> str:
    resume = command_line("train", f"resume={typed(folder)}")
    record = Record.read(folder) if untrusted_files.has(folder, RESULT) else None
    rows = training_curves.read(folder / "metrics.csv")
    if record is None or len(rows) > record.epochs:  # the record is of an earlier session
        return f"Nothing trains in {folder}: the run was cut short. Go on with: {resume}"
    return (
        f"Nothing trains in {folder}: the run has ended ({record.status}) after {record.epochs} "
        f"epochs. To go on with it: {resume} trainer.max_epochs=<more>"
    )


def _answers(folder: Path, requests: list[Request], seconds: float) -> list[dict[str, Any]]:
    """Wait for an answer to each request, as long as the run trains.

    Raises:
        UserError: the run ended before, or has refused.

    """
    ours, end = {request.asked for request in requests}, time.monotonic() + seconds
    while True:
        trains = run_folder.trains(folder)
        found = [change for change in read(folder) if change["asked"] in ours]
        if len(found) == len(ours):
            break
        if not trains:
            raise UserError(f"The run ended before it took this up. {_ended(folder)}")
        if time.monotonic() > end:
            say("No answer yet. The run takes it up at its next batch, with several ranks at its")
            say("next epoch, and answers in {}.", str(folder / CHANGES))
            return found
        time.sleep(LOOK)
    for change in found:
        _tell(change)
    if refused := [change for change in found if change["refused"]]:
        raise UserError("; ".join(f"{c['key']}: {c['refused']}" for c in refused) + ".")
    return found


def _tell(change: dict[str, Any]) -> None:
    if change["refused"]:
        return
    before = f"{_short(change['before'])} → " if change["before"] else ""
    when = f"epoch {int(change['epoch']) + 1}, step {change['step']}"
    say("{}  {}", f"{change['key']}  {before}{_short(change['after'])}", f"({when})")


def _short(value: str) -> str:
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return value
