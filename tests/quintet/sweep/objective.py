"""A stand-in for train.py: takes its command line, leaves its result.json, in 50 ms.

do=ok|raise|full|diverge|nan|kill|silent says how it ends; epochs= how many reports it makes; x= is
its P, which grows with each epoch where there is a rise=; size= its second objective; sleep=
seconds an epoch. As the real one it reports an epoch first, and saves it when it has the answer.
"""

import errno
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from quintet.base.process import die_with_parent
from quintet.study.trial_pipe import trial_pipe


def nothing(what: str) -> None:
    """Let a moment pass; `kills.py` ends processes at some."""


moment: Callable[[str], None] = nothing


def main() -> None:
    die_with_parent()
    arguments = dict(a.lstrip("+").split("=", 1) for a in sys.argv[1:] if "=" in a)
    if "resume" in arguments:
        folder = Path(arguments["resume"].strip("'"))
        arguments = json.loads((folder / ".hydra/config.yaml").read_text())
        first, best = json.loads((folder / "checkpoints/last.ckpt").read_text())
    else:
        folder, first, best = Path(arguments["hydra.run.dir"].strip("'")), 0, -math.inf
        (folder / ".hydra").mkdir()
        (folder / "checkpoints").mkdir()
        hydra = {"overrides": {"task": sys.argv[1:]}, "runtime": {"choices": {}}}
        write(folder / ".hydra/overrides.yaml", json.dumps(sys.argv[1:]))
        write(folder / ".hydra/hydra.yaml", json.dumps({"hydra": hydra}))
        write(folder / ".hydra/config.yaml", json.dumps({**arguments, "paths": None}))
    note(folder, "ran", f"{folder.name} {first} {os.environ.get('CUDA_VISIBLE_DEVICES', '')}")
    misbehave(folder, arguments.get("do", "ok"))
    train(folder, arguments, first, best)


def misbehave(folder: Path, do: str) -> None:
    if do == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if do == "silent":
        sys.exit("nothing to say")
    if do == "raise":
        end(folder, "failed", None, 0, "RuntimeError('no luck')")
        print("a log line\nRuntimeError: no luck")
        sys.exit(1)
    if do == "full" and not (folder.parent / "room").exists():
        if (pipe := trial_pipe()) is not None:
            pipe.send_error("disk", os.strerror(errno.ENOSPC))
        sys.exit(1)
    if do == "diverge":
        end(folder, "diverged", None, 1, "the loss is nan")
        sys.exit(1)


def train(folder: Path, arguments: dict[str, str], first: int, best: float) -> None:
    epochs, pause = int(arguments.get("epochs", 1)), float(arguments.get("sleep", 0))
    pipe, size = trial_pipe(), int(arguments.get("size", 0))
    stop = first > 0 and pipe is not None and pipe.report(first, None)
    for epoch in range(first + 1, 0 if stop else epochs + 1):
        time.sleep(pause)
        note(folder, "trained", f"{folder.name} {epoch}")
        value = p_after(epoch, arguments)
        traded = {"parameters": size} if size else None
        stop = pipe is not None and pipe.report(epoch, value, traded)
        best, first = max(best, value), epoch
        moment("answered")
        write(folder / "checkpoints/last.ckpt", json.dumps([epoch, best]))
        if stop:
            break
    value = float("nan") if arguments.get("do") == "nan" else best
    how = "pruned" if stop and first < epochs else "completed"
    end(folder, how, value, first, size=size)


def p_after(epoch: int, arguments: dict[str, str]) -> float:
    x, rise = float(arguments.get("x", 0)), arguments.get("rise")
    return x if rise is None else x * (1 - math.exp(-epoch * float(rise)))


def end(
    folder: Path, status: str, value: float | None, epochs: int, reason: str = "", size: int = 0
) -> None:
    metric = {"name": "score", "mode": "max", "value": value}
    record = {"metric": metric, "seed": 0, "status": status, "reason": reason}
    record |= {"validation": {} if value is None else {"score": value}, "parameters": size}
    write(folder / "result.json", json.dumps({**record, "epochs": epochs, "seconds": 0.1}))


def write(path: Path, text: str) -> None:
    """Replace a file in one step."""
    moment(f"before {path.name}")
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(text)
    temporary.replace(path)
    moment(f"after {path.name}")


def note(folder: Path, name: str, text: str) -> None:
    """Add a line to what all trials have in common."""
    with (folder.parent / name).open("a") as file:
        file.write(text + "\n")


if __name__ == "__main__":
    main()
