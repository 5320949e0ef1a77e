"""A stand-in for train.py: takes its command line, leaves its result.json, in 50 ms.

do=ok|raise|full|diverge|nan|kill|silent says how it ends; epochs= how many reports it makes; x= is
its P; sleep= seconds an epoch.
"""

import errno
import json
import os
import signal
import sys
import time
from pathlib import Path

from quintet.process import die_with_parent
from quintet.trial import line


def main() -> None:
    die_with_parent()
    arguments = dict(a.lstrip("+").split("=", 1) for a in sys.argv[1:] if "=" in a)
    if "resume" in arguments:
        folder = Path(arguments["resume"].strip("'"))
        arguments = json.loads((folder / ".hydra/config.yaml").read_text())
        first = int((folder / "checkpoints/last.ckpt").read_text())
    else:
        folder, first = Path(arguments["hydra.run.dir"].strip("'")), 0
        (folder / ".hydra").mkdir()
        (folder / "checkpoints").mkdir()
        (folder / ".hydra/config.yaml").write_text(json.dumps(arguments))
        (folder / ".hydra/overrides.yaml").write_text(json.dumps(sys.argv[1:]))
    with (folder.parent / "ran").open("a") as file:
        file.write(f"{folder.name} {first} {os.environ.get('CUDA_VISIBLE_DEVICES', '')}\n")
    do, x = arguments.get("do", "ok"), float(arguments.get("x", 0))
    epochs, pause = int(arguments.get("epochs", 1)), float(arguments.get("sleep", 0))
    if do == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if do == "silent":
        sys.exit("nothing to say")
    if do == "raise":
        end(folder, "failed", None, 0, "RuntimeError('no luck')")
        print("a log line\nRuntimeError: no luck")
        sys.exit(1)
    if do == "full" and not (folder.parent / "room").exists():
        end(folder, "failed", None, 0, f"OSError: {os.strerror(errno.ENOSPC)}")
        sys.exit(1)
    if do == "diverge":
        end(folder, "diverged", None, 1, "the loss is nan")
        sys.exit(1)
    for epoch in range(first + 1, epochs + 1):
        time.sleep(pause)
        (folder / "checkpoints/last.ckpt").write_text(str(epoch))
        told = line()
        if told is not None and told.report(epoch, x) and epoch < epochs:
            end(folder, "pruned", x, epoch)
            return
    end(folder, "completed", float("nan") if do == "nan" else x, epochs)


def end(folder: Path, status: str, value: float | None, epochs: int, reason: str = "") -> None:
    metric = {"name": "score", "mode": "max", "value": value}
    record = {"metric": metric, "seed": 0, "status": status, "reason": reason}
    text = json.dumps({**record, "epochs": epochs, "seconds": 0.1})
    temporary = folder / ".result"
    temporary.write_text(text)
    temporary.replace(folder / "result.json")


if __name__ == "__main__":
    main()
