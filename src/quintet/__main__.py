"""`quintet train ...`, or `python -m quintet train ...`: the commands of an installed engine.

In a checkout they are `python src/train.py ...`. A project is then any folder: its `configs/` come
before the engine's, and a package next to them can be named by `_target_`.
"""

import os
import runpy
import sys
from pathlib import Path

from quintet.base import paths


def main() -> None:
    """Run the script of the command, with the words after its name."""
    scripts = {path.stem: path for path in sorted(paths.SCRIPTS.glob("*.py"))}
    name, *words = sys.argv[1:] or [""]
    if name not in scripts:
        given = f"{name} is not a command. " if name and not name.startswith("-") else ""
        sys.exit(f"{given}quintet <command> ..., one of: {', '.join(scripts)}.")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    inherited = filter(None, [here, os.environ.get("PYTHONPATH")])
    os.environ["PYTHONPATH"] = os.pathsep.join(inherited)  # of trials, which are processes
    sys.argv = [str(scripts[name]), *words]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
