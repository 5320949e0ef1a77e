"""What all commands share: starting Hydra, and errors as one readable message."""

import logging
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from quintet.artifacts import untrusted_files
from quintet.artifacts.record import CONFIG
from quintet.base import (
    console,
    error_file,
    hydra_internals,
    paths,
    process_exit,
    redacted_output,
    secrets,
    signals,
)
from quintet.base.errors import Code, UserError
from quintet.base.hydra_internals import SEARCHPATH
from quintet.base.process import PROCESS, begin, die_with_parent, is_first_rank
from quintet.base.quoting import quoted, read, refuse_reference, with_paths
from quintet.base.terminal import filled, visible
from quintet.config import (
    help,
    initial_config,
    plaintext_secrets,
    renamed_options,
    run_folder,
    typed_paths,
    wandb_agent,
)
from quintet.config.error_messages import as_user_error
from quintet.study.trial_pipe import trial_pipe

VERBOSE = ("-v", "--verbose")
"""What other commands call `debug=true`."""


def command(config_name: str) -> Callable[[Callable[[DictConfig], Any]], Callable[[], None]]:
    """Turn a function of a composed config into a command.

    A mistake ends with one message and exit code 1; `debug=true` shows the traceback as well.

    Args:
        config_name: the primary config, a file of `configs/` without its suffix.

    """
    import hydra

    def decorate(function: Callable[[DictConfig], Any]) -> Callable[[], None]:
        def task(cfg: DictConfig) -> Any:
            secrets.note(hydra_internals.to_yaml(cfg))
            plaintext_secrets.refuse_config(cfg)
            # Here, before Hydra prints a line of its own.
            with errors_as_messages(cfg.get("debug")):
                typed_paths.make_absolute(cfg, console.current().folder)
                if "choices" in cfg:
                    run_folder.begin(cfg)
                return function(cfg)

        start = hydra.main(
            version_base="1.3", config_path=str(paths.CONFIGS), config_name=config_name
        )(task)

        def run() -> None:
            begin()
            if trial_pipe() is not None:
                signals.restore_defaults()
            signals.listen()
            die_with_parent()
            configure_console()
            redacted_output.install()
            if {"--help", "-h"} & set(sys.argv[1:]):
                print(help.text(config_name, function.__globals__["__doc__"], sys.argv[1:]))
                return
            hydra_internals.compose_fast()
            os.environ.setdefault("PROJECT_ROOT", str(paths.ROOT))
            os.environ[PROCESS] = str(os.getpid())  # of two runs in a microsecond
            os.environ["HYDRA_FULL_ERROR"] = "1"  # so that errors come here, not to Hydra's printer
            secrets.note_environment()
            plaintext_secrets.refuse_arguments(sys.argv[1:])
            sys.argv[1:] = hydra_internals.flags_first(sys.argv[1:])
            sys.argv[1:] = ["debug=true" if a in VERBOSE else a for a in sys.argv[1:]]
            with errors_as_messages(_debugs(sys.argv[1:])):
                refuse_reference(paths.ROOT)
                sys.argv[1:] = with_paths(sys.argv[1:])
                check_arguments(sys.argv[1:])
                sys.argv[1:] = in_resumed_folder(wandb_agent.applicable(sys.argv[1:], os.environ))
                with console.using_command_line(typed_line(sys.argv[1:])):
                    sys.argv[1:] = renamed_options.with_current_options(sys.argv[1:])
                    if set(hydra_internals.MULTIRUN_FLAGS) & set(sys.argv[1:]):
                        hydra_internals.compose_once(as_flagged=True)
                    elif hydra_internals.is_single_run(sys.argv[1:], config_name):
                        hydra_internals.compose_once()
                    start()

        def main() -> None:
            if sys._getframe(1).f_back is None:  # called by the script that Python was started with
                process_exit.exit_with(run)
            else:
                run()

        return main

    return decorate


def typed_line(arguments: list[str]) -> console.CommandLine:
    """Return what is known about the terminal in which a command with these arguments was typed."""
    flags = hydra_internals.config_flags_of(arguments)
    for flag in flags:
        if flag.startswith("--config-dir="):
            paths.also_search(Path(flag.partition("=")[2]).absolute())
    for word in arguments:
        if word.startswith(f"{SEARCHPATH}="):
            for place in _listed(word.partition("=")[2]):
                paths.also_search(Path(place.removeprefix("file://")).absolute())
    return console.CommandLine(Path.cwd(), flags, hydra_internals.overrides_of(arguments))


def _listed(value: str) -> list[str]:
    """Return the local folders of a list on the command line; Hydra rejects anything else."""
    from quintet.base import plain_yaml

    try:
        found = plain_yaml.parse(value, SEARCHPATH)
    except UserError:
        return []
    given = found if isinstance(found, list) else []
    return [each for each in given if isinstance(each, str) and not each.startswith("pkg://")]


def configure_console() -> None:
    """Print question marks for characters that the console cannot encode, instead of failing.

    Also silence matplotlib, imported by a library, about an unwritable home folder.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def errors_as_messages(debug: object = False) -> Iterator[None]:
    """End an error with one message and exit code 1; `debug` leaves the traceback."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if (stop := signals.find_stop(error)) is not None:  # or a library's error
            if is_first_rank():
                print("", stop, *getattr(stop, "__notes__", ()), sep="\n", file=sys.stderr)
            sys.exit(stop.exit_code)
        if debug:
            sys.exit(visible(secrets.redact(traceback.format_exc())))
        found = as_user_error(error)
        error_file.report(found)
        if (pipe := trial_pipe()) is not None:
            pipe.send_error(found.code, secrets.redact(str(found)))
        text = f"Error: {visible(secrets.redact(str(found)))}"
        if sys.stderr.isatty():
            text = filled(text, shutil.get_terminal_size().columns)
        sys.exit(text if is_first_rank() else 1)


def _debugs(arguments: list[str]) -> bool:
    """Return whether `debug=true` was typed, for errors that occur before there is a config."""
    return any(argument.lstrip("+").lower() == "debug=true" for argument in arguments)


def check_arguments(arguments: list[str]) -> None:
    """Reject malformed overrides before Hydra sees them, which crashes on some.

    Raises:
        UserError: as `quintet.study.overrides.read`.

    """
    from quintet.study import overrides

    if any(word.startswith("--experimental-rerun") for word in arguments):
        raise UserError(
            "--experimental-rerun would load a pickle, which can run any code",
            code=Code.NOT_TRUSTED,
            hint="A run's folder holds its config as text: continue it with resume=<run folder>.",
        )
    overrides.read(hydra_internals.overrides_of(arguments))


def in_resumed_folder(arguments: list[str]) -> list[str]:
    """Make `resume=<run folder>` continue in that folder, and keep its composed config.

    This runs before Hydra, which would write its own files into the folder at once.

    Raises:
        UserError: there is no such run folder, or a new run would be written into an existing one.

    """
    given = dict(a.split("=", 1) for a in arguments if "=" in a)
    folder, new = (_resolved(k, read(given.get(k, "null"))) for k in ("resume", "hydra.run.dir"))
    if not folder:
        if new and is_first_rank():
            run_folder.check_free(Path(new))
        return arguments
    path = Path(folder).resolve()
    if not _is_text(str(path)):
        raise UserError(
            "is not valid UTF-8, in which a run records its folder",
            code=Code.NOT_FOUND,
            key="resume",
            value=folder,
            hint="Rename the folder.",
        )
    if not initial_config.has_initial_config(path):
        initial_config.refuse(path)
        if (path / CONFIG).is_file() and (path.parents[1] / initial_config.FOLDER).is_dir():
            raise UserError(
                "is one of the folds or seeds of a run, which can only be resumed as a whole",
                code=Code.INCOMPATIBLE,
                key="resume",
                value=folder,
                hint=f"Give `resume={console.typed(path.parents[1])}`",
            )
        raise UserError(
            f"is not a run folder: {path}/.hydra/config.yaml is missing",
            code=Code.NOT_FOUND,
            key="resume",
            value=folder,
            hint="Give a folder that train.py wrote.",
        )
    untrusted_files.check_links(path)
    return [*arguments, f"hydra.run.dir={quoted(path)}"]


def _is_text(path: str) -> bool:
    """Return whether a path's bytes are characters."""
    return not any("\ud800" <= character <= "\udfff" for character in path)


def _resolved(key: str, typed: str) -> str:
    """Return a path with its variables expanded, in the form of our own hints."""
    return str(OmegaConf.create({key: typed})[key]) if "${oc.env:" in typed else typed
