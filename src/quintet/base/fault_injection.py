"""Fault injection for tests: kill the process or raise a disk error at a chosen write.

Set by the environment variable `QUINTET_FAULT`; without it nothing happens:

    kill:17                 SIGKILL at the 17th boundary of a write in this process
    ENOSPC:5                the 5th raises OSError(ENOSPC); any name of `errno`
    ENOSPC:5+               ... and so does each later one, as on a disk that stays full
    EIO:2:trials/0003/      only boundaries whose path contains this text are counted
    list:/tmp/boundaries    each boundary is appended as a line to that file

A file that is replaced atomically has three boundaries: before the temporary file is written, after
it is written, and after the replacement. A write in place has the first and the last. Each process
counts separately; child processes inherit the variable.
"""

import errno
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

VARIABLE = "QUINTET_FAULT"
Boundary = Literal["before", "whole", "after"]

_count = 0
_counted_for = ""


@dataclass(frozen=True)
class _Fault:
    what: str
    at: int
    stays: bool
    where: str

    def due(self, count: int) -> bool:
        return count >= self.at if self.stays else count == self.at


def reach(boundary: Boundary, path: Path) -> None:
    """Count a boundary of a write to `path`; inject the fault if it is the chosen one.

    Raises:
        OSError: the injected error.

    """
    if spec := os.environ.get(VARIABLE):
        _strike(spec, boundary, path)


def _strike(spec: str, boundary: Boundary, path: Path) -> None:
    global _count, _counted_for
    if spec.startswith("list:"):
        with open(spec.removeprefix("list:"), "a") as file:
            file.write(f"{boundary} {path}\n")
        return
    if spec != _counted_for:
        _count, _counted_for = 0, spec
    fault = _parsed(spec)
    _count += fault.where in str(path)
    if fault.where not in str(path) or not fault.due(_count):
        return
    if fault.what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    number = getattr(errno, fault.what)
    raise OSError(number, os.strerror(number), str(path))


def _parsed(spec: str) -> _Fault:
    what, at, *where = spec.split(":", 2)
    return _Fault(what, int(at.rstrip("+")), at.endswith("+"), where[0] if where else "")
