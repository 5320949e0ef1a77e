"""A fork gets a name of its own, once, everywhere, and all that stands there goes on working."""

import json
import re
import subprocess

import pytest

from .conftest import ROOT

pytestmark = pytest.mark.skipif(
    not (ROOT / "src/quintet").is_dir(), reason="this project has a name of its own already"
)
NAME = "acme_vision_of_tomorrow"  # as long as is allowed: lines grow, imports are sorted anew
SHORT = ("trainer=cpu", "trainer.max_epochs=1", "baselines=false", "model.width=16")
LOGGERS = ("configs/logger/wandb.yaml", "configs/logger/mlflow.yaml")


def git(fork, *words):
    return subprocess.run(["git", *words], cwd=fork, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("My-Project", "my_project"),
        ("2nd try", "nd_try"),
        ("class", "class_project"),
        ("json", "json_project"),
        ("torch", "torch_project"),
        ("train", "train_project"),
        ("a_name_that_nobody_wants_to_type", "a_name_that_nobody_wants"),
    ],
)
def test_a_bad_name_is_refused_with_the_nearest_good_one(fork, run, name, nearest):
    answer = run("tools/rename.py", name, check=False)
    assert answer.returncode == 1
    assert f"NAME={name} is" in answer.stderr
    assert answer.stderr.endswith(f"NAME={nearest}.\n")
    assert git(fork, "status", "--porcelain") == ""


def test_a_tree_with_changes_is_refused(fork, run):
    (fork / "notes.txt").write_text("not committed")
    answer = run("tools/rename.py", NAME, check=False)
    (fork / "notes.txt").unlink()
    assert answer.returncode == 1
    assert "?? notes.txt" in answer.stderr
    assert (fork / "src/quintet").is_dir()


@pytest.fixture(scope="module")
def renamed(fork, run):
    """Give the fork under its own name, and what was said."""
    return fork, run("tools/rename.py", NAME).stdout


def test_nothing_but_credit_and_the_names_in_trackers_keeps_the_old_name(renamed):
    fork, said = renamed
    left = git(fork, "grep", "-iwl", "quintet").split()
    kept = {"LICENSE", "CITATION.cff", *LOGGERS, "tools/rename.py", "tests/tools/test_rename.py"}
    assert set(left) <= kept
    for path in LOGGERS:
        lines = (fork / path).read_text()
        assert re.search(r"^  (project|experiment): quintet$", lines, re.MULTILINE)
        assert f"_target_: {NAME}." in lines
        assert f"{path}:" in said


def test_files_were_moved_so_that_their_history_follows(renamed):
    fork, _ = renamed
    staged = git(fork, "diff", "--staged", "--name-status", "--find-renames").splitlines()
    moved = [line.split("\t")[1:] for line in staged if line.startswith("R")]
    assert ["src/quintet/experiment.py", f"src/{NAME}/experiment.py"] in moved
    assert not git(fork, "ls-files", "src/quintet", "src/hydra_plugins/quintet")
    assert not git(fork, "diff")
    assert not git(fork, "ls-files", "--others", "--exclude-standard")


def test_the_code_is_as_tidy_as_before(renamed, run):
    run("-m", "ruff", "check", "--no-cache", ".")
    run("-m", "ruff", "format", "--no-cache", "--check", ".")


def test_it_works_once_and_says_so(renamed, run):
    answer = run("tools/rename.py", "another", check=False)
    assert answer.returncode == 1
    assert f"was done: the project is called {NAME}" in answer.stderr


def test_the_tests_pass_under_the_new_name(renamed, run):
    fast = ("tests/test_repository.py", "tests/test_signature.py", "tests/test_errors.py")
    run("-m", "pytest", "-p", "no:cacheprovider", *fast, "-k", "not stays_short")


def test_a_model_trains_and_a_sweep_runs_under_the_new_name(renamed, run):
    fork, _ = renamed
    run("src/train.py", "-m", *SHORT, "optimizer=adam,sgd", f"hydra.sweep.dir={fork}/logs/sweep")
    assert len((fork / "logs/sweep/leaderboard.csv").read_text().splitlines()) == 3
    best = json.loads((fork / "logs/sweep/best/result.json").read_text())
    assert best["status"] == "completed"
    assert NAME in (fork / "logs/sweep/best/config.yaml").read_text()
