"""A whole fork as a team uses it: renamed, edited, extended, slimmed; then updated twice."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from options import template_only

pytestmark = [pytest.mark.slow, template_only]
OLDER = {
    "src/quintet/base/errors.py": ("The engine's own errors", "Errors"),
    "src/quintet/options/models/mlp.py": ("A multilayer perceptron", "An MLP"),
    "configs/model/mlp.yaml": ("dropout: 0.2", "dropout: 0.1"),
    "configs/train.yaml": ("threads: 1 ", "threads: 2 "),
    "configs/logger/wandb.yaml": ("_target_: ", "_target_:  "),
    "README.md": ("MIT licence", "MIT license"),
    "Makefile": ("# Candidates", "# The candidates"),
    "pyproject.toml": ("line-length = 100", "line-length = 99"),
    "src/project/models/maxout.py": ('"Maxout Networks"', '"Maxout"'),
    "CHANGELOG.md": ("- Runs that can be killed", "- Runs that may be killed"),
}
"""Lines of the template as they are, and as they were in an earlier version."""
ADDED_SINCE = ("configs/callbacks/timer.yaml", "configs/metric/recall.yaml", "docs/choosing.md")
EDITED = {
    "configs/train.yaml": ("seed: 42", "seed: 7"),
    "configs/model/mlp.yaml": ("width: 256", "width: 192"),
    "configs/trainer/auto.yaml": ("max_epochs: ", "max_epochs:  "),
    "configs/logger/wandb.yaml": ("project: quintet", "project: acme"),
    "README.md": ("# Quintet", "# Acme"),
    "Makefile": ("WORKERS ?= 2", "WORKERS ?= 4"),
    "pyproject.toml": ('    "typeguard>=4.4",', '    "typeguard>=4.4",\n    "tabulate>=0.9",'),
    "src/acme/models/maxout.py": ("width: int = 64", "width: int = 96"),
    "src/quintet/base/errors.py": ("class DivergedError", "OURS = 1\n\n\nclass DivergedError"),
}
"""Nine files that the team changes, two of them the engine's."""
SLIMMED = "data/elnino data/sunspots model/resnet experiment/text"


def git(folder, *words, check=True):
    who = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, capture_output=True, text=True, check=check
    )
    return done.stdout


def replace(folder, changes, back=False):
    for name, (now, then) in changes.items():
        text = (folder / name).read_text()
        if back:
            now, then = then, now
        assert now in text, name
        (folder / name).write_text(text.replace(now, then, 1))


def commit(folder, message):
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", message)


@pytest.fixture(scope="module")
def template(fork, tmp_path_factory) -> Path:
    """Give a template with an earlier version, today's, and a later one, tagged v1 to v3."""
    folder = tmp_path_factory.mktemp("made") / "template"
    shutil.copytree(fork, folder, ignore=shutil.ignore_patterns(".git"))
    git(folder.parent, "init", "-q", "template")
    replace(folder, OLDER)
    kept = {name: (folder / name).read_text() for name in ADDED_SINCE}
    for name in ADDED_SINCE:
        (folder / name).unlink()
    commit(folder, "v1")
    git(folder, "tag", "v1")
    replace(folder, OLDER, back=True)
    for name, text in kept.items():
        (folder / name).write_text(text)
    commit(folder, "v2")
    git(folder, "tag", "v2")
    replace(folder, {"configs/model/mlp.yaml": ("activation: relu", "activation: gelu")})
    commit(folder, "v3")
    git(folder, "tag", "v3")
    return folder


def copied(template, folder):
    """Make a repository of one commit of the earlier version's files."""
    git(folder.parent, "clone", "-q", "--branch", "v1", str(template), folder.name)
    shutil.rmtree(folder / ".git")
    git(folder.parent, "init", "-q", folder.name)
    commit(folder, "Initial commit")


@pytest.fixture(scope="module")
def team(template, run_in, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "acme"
    copied(template, folder)
    run_in(folder, "tools/rename.py", "acme")
    commit(folder, "Call it acme")
    replace(folder, EDITED)
    for kind in ("model", "metric", "loss", "data", "optimizer", "callback", "experiment"):
        run_in(folder, "tools/add.py", kind, f"my_{kind}")
    with (folder / "src/acme/models/my_model.py").open("a") as file:
        file.write("# TO" + "DO: " + "tune\n" + "# long\n" * 300)
    commit(folder, "Our own")
    run_in(folder, "tools/slim.py", "", SLIMMED)
    commit(folder, "Slimmed")
    return folder


def edits(folder):
    return all((folder / name).read_text().count(new) for name, (_, new) in EDITED.items())


def suite(run_in, folder):
    words = ("-m", "pytest", "-p", "no:cacheprovider", "-m", "not soak and not slow")
    said = run_in(folder, *words, "tests/acme").stdout
    assert " failed" not in said
    assert not re.search(r"FAILED|ERROR", said)


def test_two_updates_in_a_row_and_the_suite_is_green_each_time(template, team, run_in):
    for version in ("v2", "v3"):
        said = run_in(team, "tools/update.py", str(template), version).stdout
        assert "Conflicts" not in said, said
        commit(team, "Update the template")
        assert edits(team)
        assert not (team / "configs/model/resnet.yaml").exists()
        suite(run_in, team)
    assert (team / "configs/callbacks/timer.yaml").is_file()
    assert '"Maxout Networks"' in (team / "src/acme/models/maxout.py").read_text()
    assert "activation: gelu" in (team / "configs/model/mlp.yaml").read_text()
    assert "Already up to date" in run_in(team, "tools/update.py", str(template)).stdout
