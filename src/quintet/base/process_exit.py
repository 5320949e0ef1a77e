"""The end of a process: its code, and no signal or library that could change it."""

import atexit
import os
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress

from quintet.base import signals


def exit_code_of(work: Callable[[], object]) -> int:
    """Do some work, say what Python itself would say of an error, and return the exit code."""
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


def end_with(work: Callable[[], object]) -> None:
    """Do some work as all that this process is for, and end the process with its exit code.

    A signal raises once at most, here or in the work, so one that comes between the two is met by
    the second attempt.
    """
    code = None
    try:
        code = exit_code_of(work)
        signals.listen(signals.outlive)
    except signals.StoppedError as late:
        code = late.exit_code if code is None else code
    signals.listen(signals.outlive)
    end(code or 0)


def end(code: int) -> None:
    """End the process in order, but without taking the interpreter down.

    Threads are waited for and exit functions called, as Python does. What it does next, to restore
    the signals' defaults and to unload libraries whose threads are still there, is left out: a
    signal would kill a process whose work is done, and a library might abort it.
    """
    with suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined]
    with suppress(Exception):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # a closed pipe, or no console at all
            code = code or 120  # as Python has it
    os._exit(code)
