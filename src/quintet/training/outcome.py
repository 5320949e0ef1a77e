"""The outcome of a run, written to its record however the run ends."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from quintet.artifacts.record import RESULT, Record, Score, Status
from quintet.base import signals
from quintet.base.console import command_line, typed
from quintet.base.errors import DivergedError, UserError
from quintet.base.process import is_first_rank
from quintet.base.secrets import redact
from quintet.base.terminal import visible
from quintet.config import further_metrics, trust
from quintet.config.error_messages import as_user_error
from quintet.config.initial_config import as_typed
from quintet.training import ddp_shutdown

AtEnd = Callable[[Path], object]
"""Called with the run's folder when the run has ended, with or without an error."""
LIBRARIES = ("torch", "lightning", "torchmetrics", "hydra-core", "numpy")


@contextmanager
def recording(
    cfg: DictConfig, folder: Path, share: float = 1.0, of_seconds: float = 1.0
) -> Iterator[Record]:
    """Yield the run's record and write it at the end, even if the run fails.

    A resumed run continues its record; a resume that is refused leaves it unchanged.

    Args:
        cfg: of the run.
        folder: of the run.
        share: the run's share of the process's CPU time.
        of_seconds: the run's share of the elapsed time.

    """
    record = _beginning(cfg, folder)
    sessions, began = record.sessions, time.monotonic()
    busy, before = record.cpu_seconds, cpu_seconds()

    def write(status: Status, reason: str | None = None, code: str | None = None) -> None:
        record.status, record.reason, record.code = status, reason, code
        record.seconds = round(record.seconds + of_seconds * (time.monotonic() - began), 3)
        record.cpu_seconds = round(busy + share * (cpu_seconds() - before), 3)
        record.overrides = as_typed(cfg.overrides)
        if is_first_rank():
            record.write(folder)

    def last_words(reason: str) -> None:
        write("failed", redact(reason))
        print(f"Error: {visible(redact(reason))}", file=sys.stderr)

    try:
        with ddp_shutdown.on_hang(last_words):
            yield record
    except BaseException as error:
        cause = ddp_shutdown.shut_down(folder, signals.find_stop(error) or error)
        status = status_of(cause)
        if status == "interrupted":
            # In a cross-validated run, the outer run is handled last, and is the one to resume.
            again = command_line("train", f"resume={typed(folder)}", *trusting(cfg))
            cause.__notes__ = [f"Go on with: {again}"]
        if record.sessions > sessions or not cfg.resume:
            with suppress(UserError):  # on a full disk the error itself is the message
                write(status, redact(reason_of(cause)), code_of(cause, status))
        raise cause from None if cause is error else error
    write(record.status if record.status in ("pruned", "interrupted") else "completed")


def describe(record: Record, cfg: DictConfig, columns: Sequence[Any] = ()) -> None:
    """Record what is known once the data are read: facts, and choices derived from them."""
    record.facts = cast(dict[str, Any], OmegaConf.to_container(cfg.facts))
    record.choices = cast(dict[str, str | None], OmegaConf.to_container(cfg.choices))
    record.metric = Score(cfg.metric.name, cfg.metric.mode)
    record.metrics = further_metrics.names(cfg)
    record.columns = [asdict(column) for column in columns]


def trusting(cfg: DictConfig) -> list[str]:
    """Return the `trust=` override that a resume of this run needs, if any."""
    plain = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=False))
    typed_trackers = any(w.lstrip("+~").startswith("logger.") for w in as_typed(cfg.overrides))
    return trust.as_override([*trust.words(plain), *([trust.LOGGER] if typed_trackers else [])])


@contextmanager
def ending(folder: Path, at_end: AtEnd | None) -> Iterator[None]:
    """Call `at_end` when the run has ended, with or without an error; must enclose `recording`."""
    try:
        yield
    finally:
        if at_end is not None:
            at_end(folder)


@contextmanager
def optional_output(record: Record, what: str) -> Iterator[None]:
    """Catch errors of an output that the run does not depend on, and note them in the record."""
    try:
        yield
    except Exception as error:
        record.anomalies.append(f"{what} could not be written: {redact(reason_of(error))}")


def _beginning(cfg: DictConfig, folder: Path) -> Record:
    record = Record(
        metric=Score(cfg.metric.name, cfg.metric.mode),
        seed=cfg.seed,
        choices=OmegaConf.to_container(cfg.choices),  # type: ignore[arg-type]
        environment=dict(environment()),
        facts=OmegaConf.to_container(cfg.facts),  # type: ignore[arg-type]
    )
    if not cfg.resume or not (folder / RESULT).is_file():
        return record
    earlier = Record.read(folder)
    return replace(earlier, status=record.status, environment=record.environment, anomalies=[])


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and its ended children so far."""
    return sum(os.times()[:4])


def status_of(error: BaseException) -> Status:
    """Return the status of a run that raised `error`."""
    if isinstance(error, DivergedError):
        return "diverged"
    return "interrupted" if isinstance(error, KeyboardInterrupt | SystemExit) else "failed"


def code_of(error: BaseException, status: Status) -> str | None:
    """Return the code of the error that ended a failed run; None for an interrupted one."""
    return None if status == "interrupted" else as_user_error(error).code.value


def reason_of(error: BaseException) -> str:
    """Return the error as one paragraph."""
    return str(error) if type(error).__module__.startswith("quintet.") else repr(error)


@cache
def environment() -> dict[str, Any]:
    """Return what else is needed to reproduce the run: versions, platform, git state."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        **{library: version(library) for library in LIBRARIES},
        **git_state(),
    }


def git_state() -> dict[str, Any]:
    """Return the commit of the code and whether it has uncommitted changes; {} outside git."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(here), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return {}
