"""A fork to try the tools on: the checkout as it is, committed, in a separate folder."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
Fork = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of all that git would commit, in a repository of its own."""
    folder = tmp_path_factory.mktemp("fork")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("this is not a git checkout")
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    own = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for words in (["init", "-q"], ["add", "-A"], [*own, "commit", "-qm", "start"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="session")
def run_in() -> Fork:
    """Run Python in a checkout: `run_in(folder, "tools/add.py", "model", "my_net", check=True)`."""

    def run(folder: Path, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        env = {k: v for k, v in os.environ.items() if k != "PROJECT_ROOT"}
        env |= {"PYTHONPATH": str(folder / "src"), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
        done = subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    return run


@pytest.fixture(scope="module")
def run(fork: Path, run_in: Fork) -> Fork:
    """Run Python in the fork: `run("tools/add.py", "model", "my_net", check=True)`."""
    return partial(run_in, fork)
