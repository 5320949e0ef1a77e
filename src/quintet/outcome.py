"""How a run ended, whatever ended it."""

import platform
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from quintet.errors import DivergedError
from quintet.process import is_first_rank
from quintet.record import Record, Score, Status
from quintet.run_folder import as_typed
from quintet.secrets import redact

LIBRARIES = ("torch", "lightning", "torchmetrics", "hydra-core", "numpy")


@contextmanager
def recording(cfg: DictConfig, folder: Path) -> Iterator[Record]:
    """Give out the run's record and write it at the end, also when the run fails."""
    record = Record(
        metric=Score(cfg.metric.name, cfg.metric.mode),
        seed=cfg.seed,
        choices=OmegaConf.to_container(cfg.choices),  # type: ignore[arg-type]
        environment=environment(),
    )
    began = time.monotonic()
    try:
        yield record
        if record.status != "pruned":
            record.status = "completed"
    except BaseException as error:
        record.status, record.reason = status_of(error), redact(reason_of(error))
        raise
    finally:
        record.seconds = round(time.monotonic() - began, 3)
        record.overrides = as_typed(cfg.overrides)
        record.facts = OmegaConf.to_container(cfg.facts)  # type: ignore[assignment]
        if is_first_rank():
            record.write(folder)


def status_of(error: BaseException) -> Status:
    """Return how a run that raised `error` has ended."""
    if isinstance(error, DivergedError):
        return "diverged"
    # Lightning turns Ctrl-C into SystemExit, and SIGTERM into an exception of its own.
    stopped = isinstance(error, KeyboardInterrupt | SystemExit)
    return "interrupted" if stopped or type(error).__name__ == "SIGTERMException" else "failed"


def reason_of(error: BaseException) -> str:
    """Return one paragraph that says why."""
    return str(error) if type(error).__module__.startswith("quintet") else repr(error)


def environment() -> dict[str, Any]:
    """Return what else a reader needs to repeat the run: versions, machine, git state."""
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
