"""Starting W&B runs, online or offline, without prompts and without Lightning."""

import netrc
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from rich.markup import escape

from quintet.artifacts import untrusted_files
from quintet.base import console
from quintet.base.paths import expand_home
from quintet.base.secrets import redact, redacted
from quintet.study.trial_pipe import is_trial

Mode = Literal["online", "offline", "disabled"]
AGENT = "WANDB_SWEEP_ID"
"""Variable set by `wandb agent`, which creates the run and names it in WANDB_RUN_ID."""


@dataclass(frozen=True)
class Place:
    """Destination of runs at W&B, and the timeout.

    Args:
        project: project at W&B.
        entity: user or team at W&B; null for the key's owner.
        mode: online, offline or disabled.
        group: group of runs; null: in a sweep, the study.
        job_type: null: `train`, or `trial` in a sweep.
        tags: tags in addition to those of the choices.
        notes: text shown with the run.
        timeout: seconds allowed for W&B to start, and again to finish.

    """

    project: str = "quintet"
    entity: str | None = None
    mode: Mode = "online"
    group: str | None = None
    job_type: str | None = None
    tags: Sequence[str] = ()
    notes: str | None = None
    timeout: float = 20.0


@dataclass(frozen=True)
class Identity:
    """The name and the initial facts of a run.

    Args:
        folder: folder in whose `wandb/` the run is recorded.
        name: name of the run.
        job_type: train, trial or sweep.
        group: in a sweep, the study.
        tags: tags for searching.
        config: values shown as columns.
        others: patterns of further offline runs to upload with this one.

    """

    folder: Path
    name: str
    job_type: str
    group: str | None
    tags: Sequence[str]
    config: Mapping[str, Any]
    others: Sequence[str] = ()


def start(place: Place, who: Identity) -> Any:
    """Start a W&B run, or resume that of the folder; offline if online is impossible."""
    import wandb

    os.environ.setdefault("WANDB_SILENT", "true")  # W&B prints before it reads its settings
    common: dict[str, Any] = {
        "dir": str(who.folder),
        "project": place.project,
        "entity": place.entity,
        "notes": redacted(place.notes),
        "id": identity(who.folder),
        "name": redact(who.name),
        "group": redacted(place.group or who.group),
        "job_type": redact(place.job_type or who.job_type),
        "tags": [redact(tag)[:64] for tag in (*who.tags, *place.tags)],
        "config": redacted(who.config),
        "resume": "allow",
        "reinit": "create_new",
        "settings": _settings(place.timeout),
    }
    if place.mode != "online":
        return wandb.init(**common, mode=place.mode)
    if not has_key(wandb.setup().settings.base_url):
        return _start_offline(common, who, "no API key (WANDB_API_KEY or `wandb login`)")
    try:
        run = wandb.init(**common, mode="online")
        console.say("W&B       {}", run.url)
        return run
    except Exception as error:
        release()  # the failed start still holds the run's id
        return _start_offline(common, who, redact(str(error)).strip().splitlines()[0])


def _start_offline(common: dict[str, Any], who: Identity, why: str) -> Any:
    import wandb

    run = wandb.init(**common, mode="offline")
    what = " ".join([run.settings.sync_dir, *who.others])
    console.say(escape(f"W&B offline: {why}. Upload later: wandb sync {what}"))
    return run


def _settings(timeout: float) -> Any:
    import wandb

    return wandb.Settings(
        silent=True,
        console="off",
        init_timeout=timeout,
        login_timeout=1,
        finish_timeout=timeout,
        # Metadata would contain the command line, including any secrets.
        x_disable_meta=True,
        save_code=False,
    )


def identity(folder: Path) -> str | None:
    """Return the id of a folder's W&B run, or a new id; None if an agent sets it.

    A trial of a Quintet sweep is never the agent's run, even if an agent started the sweep.
    """
    agent = AGENT in os.environ and "WANDB_RUN_ID" in os.environ and not is_trial()
    return known_id(folder) or (None if agent else uuid.uuid4().hex[:8])


def known_id(folder: Path) -> str | None:
    """Return the id of the W&B run in a folder, if any.

    Raises:
        DamagedError: the file name does not contain an id.

    """
    path = next(folder.glob("wandb/*run-*/run-*.wandb"), None)
    if path is None:
        return None
    return untrusted_files.identifier(path.stem.removeprefix("run-"), path)


@contextmanager
def staged(folder: Path) -> Iterator[None]:
    """Let W&B stage uploads in the run folder instead of the home directory."""
    name, given = "WANDB_DATA_DIR", os.environ.get("WANDB_DATA_DIR")
    os.environ[name] = given or str(folder / "wandb")
    try:
        yield
    finally:
        if given is None:
            del os.environ[name]


def release() -> None:
    """End W&B's process, or discard it if it has died."""
    import wandb

    with suppress(Exception):
        wandb.teardown(exit_code=1)


def has_key(server: str) -> bool:
    """Return whether W&B would find an API key; without one it would prompt."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    path = expand_home(os.environ.get("NETRC", "~/.netrc"))
    try:
        return netrc.netrc(path).authenticators(urlsplit(server).netloc) is not None
    except (OSError, netrc.NetrcParseError):
        return False
