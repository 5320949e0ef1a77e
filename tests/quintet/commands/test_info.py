"""The report for an issue lists what is installed, and how to install the rest."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from quintet.commands.info import extras, states

ROOT = Path(__file__).parents[3]


def test_the_command_reports_versions_devices_and_every_optional_part():
    command = [sys.executable, str(ROOT / "src/info.py")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"torch                  {version('torch')}" in said
    assert "CPU core" in said
    assert "commit " in said
    assert "[onnx]" in said
    assert "[all]" not in said


def test_what_is_missing_comes_with_the_command_that_installs_it():
    project = {"optional-dependencies": {"far": ["no-such-thing[x]>=1"], "near": ["torch>=2"]}}
    far, near = extras(project)
    assert "without no-such-thing: pip install -e '.[far]'" in far
    assert near.split() == ["[near]", "torch", version("torch")]


def test_a_dependency_that_is_gone_is_called_so():
    (line,) = states(["no-such-thing>=1,<2"])
    assert line.split() == ["no-such-thing", "not", "installed", ">=1,<2"]
