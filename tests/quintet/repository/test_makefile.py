"""The Makefile lists its targets, picks a working Python, and repairs a broken .venv."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")

# Stands in for Python: makes a .venv whose own pip fails while a file `broken` exists.
FAKE_PYTHON = """#!/bin/sh
echo "$@" >> made
case "$1 $2" in
  "-m venv") rm -rf .venv; mkdir -p .venv/bin
    printf '#!/bin/sh\\necho "$@" >> used\\n[ "$2" != pip ] || [ ! -e broken ]\\n' \\
      > .venv/bin/python
    chmod +x .venv/bin/python ;;
esac
"""


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # What an outer make hands down (its targets, its job slots) is not meant for this one.
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    env |= {"PATH": f"{folder}{os.pathsep}{env['PATH']}"}
    env.pop("PYTHON", None)
    if not any(word.startswith("UV=") for word in words):
        words = (*words, "UV=")  # a uv of this machine is not asked
    return subprocess.run(
        ["make", *words], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def made(folder: Path) -> int:
    return (folder / "made").read_text().count("-m venv")


@pytest.fixture
def checkout(tmp_path):
    """Give a copy of the Makefile beside an empty lock, and a stand-in for Python on the PATH."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.lock").touch()
    (tmp_path / "pyproject.toml").touch()
    python = tmp_path / "fake-python"
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    return tmp_path


def test_help_lists_every_target():
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    listed = re.findall(r"^  make ([a-z-]+) +\S", make(ROOT).stdout, re.MULTILINE)
    assert targets is not None
    assert sorted(listed) == sorted(targets[1].split())


def test_a_python_that_does_not_work_is_refused_with_the_remedy(checkout):
    (checkout / "broken-python").write_text("#!/bin/sh\nexit 127\n")
    (checkout / "broken-python").chmod(0o755)
    answer = make(checkout, "install", "PYTHON=broken-python not-there")
    assert answer.returncode != 0
    assert "No working Python 3.11, 3.12 or 3.13" in answer.stderr
    assert "make install PYTHON=" in answer.stderr
    assert not (checkout / ".venv").exists()


def test_the_first_python_that_works_is_taken(checkout):
    answer = make(checkout, "install", f"PYTHON=not-there fake-python {sys.executable}")
    assert "with fake-python" in answer.stdout
    assert answer.returncode == 0


def test_a_finished_install_is_not_repeated(checkout):
    make(checkout, "install", "PYTHON=fake-python")
    used = (checkout / "used").read_text()
    assert make(checkout, "install", "PYTHON=fake-python").returncode == 0
    assert (checkout / "used").read_text() == used


def test_an_install_that_was_cut_off_starts_again_from_nothing(checkout):
    (checkout / "broken").touch()
    assert make(checkout, "install", "PYTHON=fake-python").returncode != 0
    (checkout / ".venv/half-written").touch()
    (checkout / "broken").unlink()
    assert make(checkout, "install", "PYTHON=fake-python").returncode == 0
    assert made(checkout) == 2
    assert not (checkout / ".venv/half-written").exists()


@pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml"])
def test_a_changed_dependency_is_installed_into_the_same_venv(checkout, changed):
    make(checkout, "install", "PYTHON=fake-python")
    before = (checkout / ".venv/.installed").stat().st_mtime
    os.utime(checkout / changed, (before + 10, before + 10))
    used = (checkout / "used").read_text()
    assert make(checkout, "install", "PYTHON=fake-python").returncode == 0
    assert "--constraint requirements.lock" in (checkout / "used").read_text()[len(used) :]
    assert made(checkout) == 1


def test_an_update_that_was_cut_off_does_not_count_as_done(checkout):
    make(checkout, "install", "PYTHON=fake-python")
    os.utime(checkout / "requirements.lock", (2**31, 2**31))
    (checkout / "broken").touch()
    assert make(checkout, "install", "PYTHON=fake-python").returncode != 0
    assert made(checkout) == 1
    assert not (checkout / ".venv/.installed").exists()


def test_uv_installs_where_it_is_there(checkout):
    uv = checkout / "fake-uv"
    uv.write_text('#!/bin/sh\necho "$@" >> by_uv\n')
    uv.chmod(0o755)
    words = ("PYTHON=fake-python", "UV=fake-uv", "PIP_FIND_LINKS=/a /b")
    assert make(checkout, "install", *words).returncode == 0
    lines = (checkout / "by_uv").read_text().splitlines()
    assert lines[-1].startswith("pip install --python .venv/bin/python")
    assert "--find-links /a --find-links /b" in lines[-1]
    assert "--constraint requirements.lock" in lines[-1]
    assert not (checkout / "used").exists()
