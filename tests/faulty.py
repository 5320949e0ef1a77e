"""Commands in forked processes, with a fault at a chosen write; see `fault_injection`."""

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import yaml

from quintet.base import fault_injection

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Ended:
    """How a forked command ended: its exit code, negative for a signal, and what it printed."""

    code: int
    said: str


def forked(
    log: Path,
    words: list[str],
    *,
    fault: str = "",
    script: str = "train",
    first: Callable[[], None] = lambda: None,
) -> Ended:
    """Run a command in a fork of this process, which has already loaded the libraries.

    Args:
        log: the file to print to.
        words: of the command line.
        fault: for `quintet.base.fault_injection`.
        script: the command.
        first: what the fork does before it.

    """
    main = _warmed(script)
    if (pid := os.fork()) == 0:
        first()
        os._exit(_child(log, [script, *words], fault, main))
    return Ended(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), log.read_text())


@cache
def _warmed(script: str) -> Callable[[], None]:
    """Return a command with the modules of a sweep's fork server loaded, a second less per fork."""
    for name in yaml.safe_load((ROOT / "configs/sweeper/base.yaml").read_text())["preload"]:
        import_module(name)
    found: Callable[[], None] = import_module(script).main
    return found


def _child(log: Path, words: list[str], fault: str, main: Callable[[], None]) -> int:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    sys.argv = [str(ROOT / "src" / f"{words[0]}.py"), *words[1:]]
    os.environ[fault_injection.VARIABLE] = fault
    code = _exit_code(main)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _exit_code(main: Callable[[], None]) -> int:
    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else bool(end.code)
    except BaseException:
        traceback.print_exc()
        return 70
    return 0


def boundaries(log: Path, words: list[str]) -> list[str]:
    """Return the boundaries that a command passes, such as "whole checkpoints/best.ckpt"."""
    listed = log.with_suffix(".boundaries")
    ended = forked(log, words, fault=f"list:{listed}")
    assert ended.code == 0, ended.said
    return listed.read_text().splitlines()
