"""Send requests to a run that is training, and print its answers: `python src/steer.py`."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig

from quintet.artifacts import untrusted_files
from quintet.artifacts.record import CONFIG, RESULT, Record
from quintet.artifacts.steering_files import (
    CHANGES,
    NUMBERS,
    SETTINGS,
    SWITCHES,
    Request,
    ask,
    now,
    problem,
    read,
    setting,
)
from quintet.base.console import command_line, say, typed
from quintet.base.errors import Code, UserError
from quintet.base.formatting import plural
from quintet.config import known_signatures, run_folder
from quintet.diagnostics import training_curves
from quintet.training import next_commands
from quintet.training.training_steps import repeats

LOOK = 0.05
"""Seconds between two checks for an answer."""


def steer(cfg: DictConfig) -> list[dict[str, Any]]:
    """Send the requests, wait for the answers, print and return them.

    Raises:
        UserError: there is no request, or an invalid one; the folder has several runs; the run is
            not training, or refuses.

    """
    folder = Path(cfg.run)
    if not (folder / CONFIG).is_file() and (folder / "trials").is_dir():
        raise _several(folder)
    run = run_folder.read(folder)
    requests = list(_requests(cfg))
    if not requests:
        words = [*(f"{key}=<number>" for key in NUMBERS), *(f"{key}=true" for key in SWITCHES)]
        raise UserError(
            f"No request was given for {folder}",
            code=Code.MISSING_VALUE,
            hint=f"Add one or more of: {', '.join(words)}.",
        )
    _check(run, requests)
    if repeats(run) > 1:
        raise _several(folder)
    if not run_folder.is_training(folder):
        raise _ended(folder)
    ask(folder, requests)
    return _answers(folder, requests, cfg.wait)


def _requests(cfg: DictConfig) -> Iterator[Request]:
    given: dict[str, Any] = {}
    for key, value in cfg.optimizer.items():
        if isinstance(value, DictConfig):  # of one of several optimizers
            given |= {f"optimizer.{key!s}.{name!s}": each for name, each in value.items()}
        else:
            given[f"optimizer.{key!s}"] = value
    given |= {key: cfg[key] for key in SWITCHES}
    for key, value in given.items():
        if value is None:
            continue
        if allowed := problem(key, value):
            raise UserError(
                "is not possible", code=Code.OUT_OF_RANGE, key=key, value=value, allowed=[allowed]
            )
        yield Request(now(), key, value)


def _check(run: DictConfig, requests: list[Request]) -> None:
    """Reject requests that the run's own config rules out."""
    callbacks, optimizer = (_mapping(run, key) for key in ("callbacks", "optimizer"))
    if not callbacks.get("steering"):
        raise UserError(
            "This run cannot be steered: it was started with callbacks.steering=null",
            code=Code.INCOMPATIBLE,
        )
    target = _mapping(run, "module").get("_target_") if "module" in run else None
    if target is not None and "optimizer" not in known_signatures.parameters(target):
        return  # it may have its own optimizers, which only the run knows
    own = [f"optimizer.{name}" for name in SETTINGS if name.removesuffix("_factor") in optimizer]
    for request in requests:
        found = setting(request.key)
        if found is not None and f"optimizer.{found[1]}" not in own:
            name = _mapping(run, "choices").get("optimizer")
            raise UserError(
                f"is not a setting of {name}, the run's optimizer",
                code=Code.UNKNOWN_NAME,
                key=request.key,
                allowed=own,
            )


def _mapping(run: DictConfig, key: str) -> Mapping[str, Any]:
    """Return a node of a run's config; {} if the file holds something else there."""
    node = run.get(key)
    return cast(Mapping[str, Any], node) if isinstance(node, DictConfig) else {}


def _several(folder: Path) -> UserError:
    parts = sorted(config.parent for config in folder.glob(f"*/*/{CONFIG}"))
    busy = [f"run={typed(part)}" for part in parts if run_folder.is_training(part)]
    now = f"Now it is {' or '.join(busy)}" if busy else "None is training now"
    return UserError(
        f"has several models; only one that is training can be steered. {now}",
        code=Code.INCOMPATIBLE,
        key="run",
        value=folder,
    )


def _ended(folder: Path) -> UserError:
    record = Record.read(folder) if untrusted_files.has(folder, RESULT) else None
    rows = training_curves.read(folder / "metrics.csv")
    if record is None or len(rows) > record.epochs:  # the record is that of an earlier session
        return UserError(
            f"Nothing is training in {folder}: the run was cut short",
            code=Code.NOT_FOUND,
            hint=f"Continue it with `{command_line('train', f'resume={typed(folder)}')}`",
        )
    return UserError(
        f"Nothing is training in {folder}: the run has ended ({record.status}) after "
        + plural(record.epochs, "epoch"),
        code=Code.NOT_FOUND,
        hint=f"Continue it with `{next_commands.resume(folder, record)}`",
    )


def _answers(folder: Path, requests: list[Request], seconds: float) -> list[dict[str, Any]]:
    """Wait for an answer to each request, as long as the run is training.

    Raises:
        UserError: the run ended first, or refused.

    """
    ours, end = {request.asked for request in requests}, time.monotonic() + seconds
    while True:
        trains = run_folder.is_training(folder)
        found = [change for change in read(folder) if change["asked"] in ours]
        if {change["asked"] for change in found} == ours:
            break
        if not trains:
            raise UserError(
                f"The run ended before it received the request. {_ended(folder)}", code=Code.FAILED
            )
        if time.monotonic() > end:
            say("No answer yet. The run handles it at its next batch, or with several ranks at its")
            say("next epoch, and answers in {}.", str(folder / CHANGES))
            return found
        time.sleep(LOOK)
    for change in found:
        _tell(change)
    if refused := [change for change in found if change["refused"]]:
        raise UserError("; ".join(f"{c['key']}: {c['refused']}" for c in refused), code=Code.FAILED)
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
