import re
from pathlib import Path

import pytest

from quintet.base.paths import CONFIGS
from quintet.config import help

COMMANDS = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
HELP = help.text("train", "Train.\n\npython src/train.py")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_is_and_takes(command):
    text = help.text(command, f"What it does.\n\npython src/{command}.py")
    assert text.startswith(f"What it does.\n\n  python src/{command}.py\n\n")
    assert "\n  debug  " in text


@pytest.mark.parametrize("group", ["metric", "loss", "init", "optimizer", "scheduler", "data"])
def test_every_option_of_a_choice_is_listed(group):
    assert set(help.options(group)) <= set(HELP.replace("[", "").replace("]", "").split())


def test_the_default_is_marked():
    assert "[adam]" in HELP


def test_what_is_not_a_choice_is_not_listed():
    assert "base" not in help.options("data")
    assert "default" not in help.options("callbacks")
    assert "default" in help.options("init")


@pytest.mark.parametrize("key", help.REACHED)
def test_a_key_comes_with_its_default_and_meaning(key):
    line = next(line for line in HELP.splitlines() if line.strip().startswith(key))
    assert len(line.split()) > 2


def test_no_line_is_there_twice():
    """A line that continues a list of names counts with the line that begins the list."""
    lines = [line for line in re.split(r"\n(?! {16})", HELP) if line.strip()]
    assert len(lines) == len(set(lines))


def test_an_option_shows_its_file_after_what_it_builds_on():
    text = help.text("train", "", ["data=csv", "--help"])
    assert text.index("batch_size: 64") < text.index("target: null")


def test_an_unknown_option_has_no_file():
    assert help.option_files("data=nosuch") == []
    assert help.option_files("../pyproject=x") == []
    assert isinstance(help.option_files("data=digits")[0], Path)
