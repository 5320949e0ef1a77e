"""Save a checkpoint as often as it has steps, with a signal at another one each time.

Runs as a process of its own, since the fault that it looks for ends it with SIGABRT.
"""

import itertools
import os
import signal
import sys
from pathlib import Path

import torch
from torch import serialization

from quintet.artifacts.checkpoint_io import WholeCheckpointIO
from quintet.base import signals

PARTS = {"a": torch.zeros(3), "b": 1}


def save(path: Path, step: int) -> bool:
    """Save, with a SIGINT at a line of torch's Python code; return whether it has so many."""
    signals._since = None
    left = step

    def trace(frame, event, argument):
        nonlocal left
        if frame.f_code.co_filename != serialization.__file__:
            return None
        left -= event == "line"
        if left == 0 and event == "line":
            os.kill(os.getpid(), signal.SIGINT)
        return trace

    sys.settrace(trace)
    try:
        WholeCheckpointIO().save_checkpoint(PARTS, path)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
    return left <= 0


if __name__ == "__main__":
    signals.listen()
    folder = Path(sys.argv[1])
    for step in itertools.count(1):
        path = folder / f"{step}.ckpt"
        if not save(path, step):
            break
        if path.exists():
            torch.load(path, weights_only=True)
        assert [*folder.glob("*.part")] == []
    print(step)
