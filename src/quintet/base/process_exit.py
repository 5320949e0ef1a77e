"""Process exit with a code that no late signal or library can change."""

import atexit
import os
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress

from quintet.base import signals


def exit_code_of(work: Callable[[], object]) -> int:
    """Call a function, report an error as Python would, and return the exit code."""
    try:
        work()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except signals.StoppedError as stop:
        print("", stop, sep="\n", file=sys.stderr)
        return stop.exit_code
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def exit_with(work: Callable[[], object]) -> None:
    """Call a function as the main function of this process, and exit with its code.

    A signal raises at most once, here or in the function, so one that arrives in between is caught
    by the second attempt.
    """
    code = None
    try:
        code = exit_code_of(work)
        signals.listen(signals.ignore_first)
    except signals.StoppedError as late:
        code = late.exit_code if code is None else code
    signals.listen(signals.ignore_first)
    end(code or 0)


def end(code: int) -> None:
    """Exit without finalizing the interpreter.

    Threads are joined and exit functions called, as in a normal exit. Finalization is skipped: it
    restores the default signal handlers, so a signal would kill a process whose work is done, and a
    library with running threads might abort on unloading.
    """
    with suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined]
    with suppress(Exception):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # a closed pipe, or no console
            code = code or 120  # as in Python
    os._exit(code)
