"""A process and its descendants, whoever their parents are by now, identified by environment.

A command line would show a trial's folder, but also an onlooker's, and not a forked trial's. A
parent's number tells nothing once the parent has died, which is when it matters.
"""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

MARK = "QUINTET_TEST_FAMILY"


def start(command, mark, **options):
    """Start a process whose family `members` finds by the mark."""
    environment = {**os.environ, **options.pop("env", {}), MARK: str(mark)}
    return subprocess.Popen(command, env=environment, **options)


def members(mark):
    """Return the process ids of a family that have not ended."""
    wanted, found = f"{MARK}={mark}\0".encode(), []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            if wanted in Path(f"/proc/{entry}/environ").read_bytes() and state(entry)[0] != "Z":
                found.append(int(entry))
    return found


def state(pid):
    """Return a process's state and its parent; ("Z", 0) of one that is gone."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return "Z", 0
    return state, int(parent)


def wait_for_none(mark, of="", seconds=60):
    """Wait until a family has ended; show what is left of one that does not."""
    until = time.monotonic() + seconds
    while (left := members(mark)) and time.monotonic() < until:
        time.sleep(0.02)
    shown = [described(pid) for pid in left]
    kill(left)
    assert not left, f"left over{of}: " + "\n".join(shown)


def kill(pids):
    """End processes; those that have ended by themselves meanwhile are no error."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def described(pid):
    """Return what is known of a process: its state, parent, command line and where it waits."""
    shown = [f"{pid} {state(pid)}"]
    for name in ("cmdline", "wchan", "syscall", "stack"):
        with suppress(OSError):
            text = Path(f"/proc/{pid}/{name}").read_text(errors="replace")
            shown.append(f"{name}: {text.replace(chr(0), ' ').strip()}")
    return "\n  ".join(shown)
