"""Checks for plaintext secrets on the command line and in YAMLs, before anything is written."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from quintet.base import hydra_internals, secret_rules, secrets

ADVICE = "Put it into the environment and refer to it: {}='${{oc.env:NAME_OF_VARIABLE}}'"


def refuse_arguments(arguments: list[str]) -> None:
    """Exit if an argument is a plaintext secret: the command line is saved and sent to trackers.

    Raises:
        SystemExit: with the key and a safe way to pass the secret.

    """
    for argument in arguments:
        for key, value in typed(argument):
            secrets.remember(value, secrets.GONE)
            _refuse(key, key, "what is typed here")


def typed(argument: str) -> Iterator[tuple[str, str]]:
    """Yield the plaintext secrets of one override, each with its key."""
    key, given, text = argument.lstrip("+~").partition("=")
    if given:
        yield from secret_rules.found(_parsed(argument, text), key)


def _parsed(argument: str, text: str) -> Any:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        override = OverridesParser.create().parse_override(argument)
    except HydraException:  # reported later by Hydra
        return text.strip("'\"")
    if override.is_choice_sweep():
        return hydra_internals.swept_values(override)
    return text if override.is_sweep_override() else override.value()


def refuse_config(config: DictConfig, folder: Path | None = None) -> None:
    """Exit if a YAML contains a plaintext secret: the config is saved with the run.

    Args:
        config: composed config, or that of an earlier run.
        folder: folder of the files to search; None: the files that the config was composed from.

    Raises:
        SystemExit: with the key, the file and a safe way to pass the secret.

    """
    plain = OmegaConf.to_container(config, resolve=False)
    for key, value in secret_rules.found(plain):
        secrets.remember(value, secrets.GONE)
        files = " and ".join(map(str, _holding(value, [folder] if folder else _sources(config))))
        where = f"{key} ({files})" if files else key
        _refuse(key, where, "the config")


def _refuse(key: str, where: str, what: str) -> None:
    said = f"Error: {where} holds a secret, and {what} is saved in the run folder."
    sys.exit(f"{secrets.redact(said)} {ADVICE.format(key)}")


def _sources(config: DictConfig) -> list[Path]:
    sources = OmegaConf.select(config, "hydra.runtime.config_sources") or []
    return [Path(source.path) for source in sources if source.schema == "file"]


def _holding(value: str, folders: list[Path]) -> list[Path]:
    """Return the YAMLs that contain a value."""
    texts = (
        (path, path.read_text(errors="replace")) for f in folders for path in f.rglob("*.yaml")
    )
    return [path for path, text in texts if value.splitlines()[0] in text]


class RefuseSecrets(Callback):
    """Hydra callback that checks a command's config before Hydra saves it."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the config of a run."""
        refuse_config(config)

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the config of a sweep."""
        refuse_config(config)
