"""A terminal in a copy of the project, whose Python has the heavy libraries loaded already.

Each command is a process of its own, forked instead of started: half a second instead of five.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRAINING = ("src/train.py", "src/check.py", "src/learning_curve.py")
"""Commands that take the words by which a test shortens a page."""
LOADED = (
    "torch torch._dynamo lightning.pytorch torchmetrics sklearn.datasets pandas hydra optuna rich"
)
SERVER = """
import importlib, json, os, runpy, sys
for name in sys.argv[1].split():
    importlib.import_module(name)
print("ready", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if (pid := os.fork()) == 0:
        os.setsid()
        out = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, out), (2, out)):
            os.dup2(source, target)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        sys.argv = asked["arguments"]
        sys.path.insert(0, os.path.dirname(os.path.abspath(sys.argv[0])))
        code = 0
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
        except BaseException:
            import traceback
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Python:
    """An interpreter that runs scripts as forks of itself."""

    def __init__(self) -> None:
        environment = {**os.environ, "JE_ARROW_MALLOC_CONF": "background_thread:false"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVER, LOADED],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, "OMP_NUM_THREADS": "1"},
        )
        assert self._process.stdin
        assert self._process.stdout
        self._asks, self._tells = self._process.stdin, self._process.stdout
        assert self._tells.readline() == "ready\n"

    def run(self, arguments: list[str], folder: Path, environment: dict[str, str]) -> str:
        """Run a script and return what it printed.

        Raises:
            AssertionError: it ended with an error.

        """
        output = folder / ".output"
        asked = {"folder": str(folder), "environment": environment, "output": str(output)}
        self._asks.write(json.dumps({**asked, "arguments": arguments}) + "\n")
        self._asks.flush()
        code, printed = int(self._tells.readline()), output.read_text("utf-8")
        assert code == 0, f"python {shlex.join(arguments)}\nended with {code}:\n{printed}"
        return printed

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


class Terminal:
    """Runs commands as a reader types them.

    Args:
        folder: a copy of the project is made in it.
        python: that runs its scripts.

    """

    def __init__(self, folder: Path, python: Python) -> None:
        self.folder, self._python = folder, python
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
            arguments = [*rest, *(words if rest[0] in TRAINING else ())]
            return self._python.run(arguments, self.folder, self.environment)
        if program == "export":
            self.environment.update([rest[0].split("=", 1)])
            return ""
        if program == "make":  # what a target does has tests of its own
            command = shlex.join(["make", "--dry-run", *rest])
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout
