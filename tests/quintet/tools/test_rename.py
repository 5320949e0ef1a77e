"""A fork renames the team's package, once, and nothing else changes."""

import re
import subprocess
import tomllib

import pytest
import yaml

from options import template_only
from usual import every

pytestmark = template_only
NAME = "zebra_vision_of_tomorrow"  # as long as is allowed, and late in the alphabet of imports
TOUCHED = r"""
    src/(project|zebra\w+)/.*  |  tests/(project|zebra\w+)/.*  |  configs/\w+/\w+\.yaml
    |  pyproject\.toml  |  uv\.lock  |  docs/site/mkdocs\.yml
"""


def git(fork, *words):
    return subprocess.run(["git", *words], cwd=fork, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("name", "nearest"),
    every(
        4,
        [
            ("My-Project", "my_project"),
            ("2nd try", "nd_try"),
            ("class", "class_project"),
            ("json", "json_project"),
            ("torch", "torch_project"),
            ("train", "train_project"),
            ("quintet", "quintet_project"),
            ("a_name_that_nobody_wants_to_type", "a_name_that_nobody_wants"),
        ],
    ),
)
def test_a_bad_name_is_refused_with_the_nearest_good_one(fork, run, name, nearest):
    answer = run("tools/rename.py", name, check=False)
    assert answer.returncode == 1
    assert f"Error: NAME={name} " in answer.stderr
    assert answer.stderr.endswith(f"NAME={nearest}.\n")
    assert git(fork, "status", "--porcelain") == ""


def test_a_tree_with_changes_is_refused(fork, run):
    (fork / "notes.txt").write_text("not committed")
    answer = run("tools/rename.py", NAME, check=False)
    (fork / "notes.txt").unlink()
    assert answer.returncode == 1
    assert "?? notes.txt" in answer.stderr
    assert (fork / "src/project").is_dir()


@pytest.fixture(scope="module")
def renamed(fork, run):
    """Give the fork under its own name."""
    run("tools/rename.py", NAME)
    return fork


def test_nothing_changes_but_the_teams_room_and_what_names_it(renamed):
    changed = git(renamed, "diff", "--staged", "--name-only", "--no-renames").splitlines()
    assert [path for path in changed if not re.fullmatch(TOUCHED, path, re.VERBOSE)] == []
    assert len(git(renamed, "diff", "--staged", "--name-only").splitlines()) < 40
    assert not git(renamed, "diff")
    assert not git(renamed, "ls-files", "--others", "--exclude-standard")


def test_the_engine_keeps_its_name_and_every_byte(renamed):
    assert (
        git(renamed, "diff", "--staged", "--stat", "--", "src/quintet", "src/hydra_plugins") == ""
    )


def test_no_option_names_what_is_gone(renamed):
    assert not (renamed / "src/project").exists()
    assert not (renamed / "tests/project").exists()
    assert git(renamed, "grep", "-lE", r"_target_: project\.", "--", "configs") == ""
    assert git(renamed, "grep", "-lE", r"(from|import) project\b", "--", "src", "tests") == ""
    assert (renamed / f"src/{NAME}/models/maxout.py").is_file()
    assert (renamed / f"tests/{NAME}/test_contract.py").is_file()


def test_distribution_and_docs_have_the_name(renamed):
    found = tomllib.loads((renamed / "pyproject.toml").read_text())
    assert found["project"]["name"] == NAME
    assert found["project"]["optional-dependencies"]["all"][0].startswith(f"{NAME}[")
    assert found["dependency-groups"]["dev"][0].startswith(f"{NAME}[")
    assert [*found["tool"]["uv"]["sources"]] == [NAME]
    lock = tomllib.loads((renamed / "uv.lock").read_text())
    (own,) = (each["name"] for each in lock["package"] if "editable" in each["source"])
    assert own == NAME.replace("_", "-")
    assert found["tool"]["quintet"]["project"] == NAME
    assert f"{NAME}*" in found["tool"]["setuptools"]["packages"]["find"]["include"]
    (title,) = re.findall("^site_name: (.*)$", (renamed / "docs/site/mkdocs.yml").read_text(), re.M)
    assert yaml.safe_load(title) == "Zebra Vision Of Tomorrow"


def test_the_code_is_as_tidy_as_before(renamed, run):
    run("-m", "ruff", "check", "--no-cache", ".")
    run("-m", "ruff", "format", "--no-cache", "--check", ".")


def test_it_works_once_and_says_so(renamed, run):
    answer = run("tools/rename.py", "another", check=False)
    assert answer.returncode == 1
    assert f"already been renamed: it is called {NAME}" in answer.stderr


def test_make_test_runs_what_is_the_teams(renamed):
    dry = ["make", "-n", "test", "-o", ".venv/.installed"]
    said = subprocess.run(dry, cwd=renamed, capture_output=True, text=True, check=True).stdout
    assert f"tests/{NAME}" in said
    picked = subprocess.run(
        [*dry, "ARGS=tests/quintet/data -k csv"], cwd=renamed, capture_output=True
    )
    assert NAME not in picked.stdout.decode()


def test_an_example_trains_under_the_new_name(renamed, run):
    place = f"hydra.run.dir={renamed}/logs/run"
    short = ("trainer=cpu", "trainer.max_epochs=1", "baselines=false", "report=false")
    run("src/train.py", "model=maxout", "data=moons", *short, place)
    assert NAME in (renamed / "logs/run/config.yaml").read_text()
