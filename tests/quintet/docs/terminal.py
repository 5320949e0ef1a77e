"""A terminal in a copy of the project."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
TRAINING = ("src/train.py", "src/check.py", "src/learning_curve.py")
"""Commands that take the words by which a test shortens a page."""


class Terminal:
    """Runs commands as a reader types them.

    Args:
        folder: a copy of the project is made in it.

    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("src", "configs", "benchmarks"):
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        for name in ("Makefile", "pyproject.toml", "requirements.lock"):
            shutil.copy(ROOT / name, folder / name)
        self.environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "120"}
        self.environment.pop("PROJECT_ROOT", None)

    def type(self, command: str, *words: str) -> str:
        """Run a command and return what it printed; words are added to one of ours.

        Raises:
            AssertionError: it ended with an error.

        """
        program, *rest = shlex.split(command)
        if program == "python" and rest[0] != "-m":
            return self._run([sys.executable, *rest, *(words if rest[0] in TRAINING else ())])
        if program == "export":
            self.environment.update([rest[0].split("=", 1)])
            return ""
        if program == "make":  # what a target does has tests of its own
            command = shlex.join(["make", "--dry-run", *rest])
        return self._run(["bash", "-c", command])

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            start_new_session=True,
        )
        ended = f"{shlex.join(command)}\nended with {done.returncode}:\n"
        assert done.returncode == 0, ended + done.stdout + done.stderr
        return done.stdout
