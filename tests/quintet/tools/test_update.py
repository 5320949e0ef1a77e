"""One command merges a later template into a fork completely, and one command undoes it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT

COPIED = (
    *("tools/rename.py", "tools/forks.py", "tools/update.py", "pyproject.toml", "CHANGELOG.md"),
    *("requirements.lock", "docs/site/mkdocs.yml", "src/quintet/base/errors.py", "Makefile"),
    *("configs/model", "configs/data", "src/project", "tests/project"),
)
"""A template of a few dozen files, in which all that a fork touches is there."""
RATE = "# A rate.\nlr: 0.1\nbatch: 8\nepochs: 3\nseed: 1\n"


def git(repository, *words, check=True):
    who = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    done = subprocess.run(
        ["git", *who, *words], cwd=repository, capture_output=True, text=True, check=check
    )
    return done.stdout


def commit(repository, **changes):
    """Write files, whose names have __ for a slash and _y, _p or _m for a suffix; None deletes."""
    for name, text in changes.items():
        stem, _, kind = name.replace("__", "/").rpartition("_")
        path = repository / f"{stem}.{ {'y': 'yaml', 'p': 'py', 'm': 'md'}[kind] }"
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
    git(repository, "add", "--all")
    git(repository, "commit", "-qm", "a change")
    return git(repository, "rev-parse", "HEAD").strip()


def tool(repository, name, *words, check=True):
    env = {k: v for k, v in os.environ.items() if k != "PROJECT_ROOT"}
    done = subprocess.run(
        [sys.executable, f"tools/{name}.py", *map(str, words)],
        cwd=repository,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture
def template(tmp_path) -> Path:
    folder = tmp_path / "template"
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, folder / name)
    shutil.rmtree(folder / "configs/model/__pycache__", ignore_errors=True)
    (folder / ".gitignore").write_text("__pycache__/\n")
    git(tmp_path, "init", "-q", "template")
    commit(folder, configs__rate_y=RATE)
    return folder


def named(repository) -> Path:
    tool(repository, "rename", "acme")
    git(repository, "commit", "-qm", "Call it acme")
    return repository


@pytest.fixture
def fork(template, tmp_path) -> Path:
    """A clone of the template, with a name of its own."""
    git(tmp_path, "clone", "-q", "template", "fork")
    return named(tmp_path / "fork")


@pytest.fixture
def copied(template, tmp_path) -> Path:
    """A repository of one commit with the template's files, as "use this template" makes it."""
    shutil.copytree(template, tmp_path / "copied", ignore=shutil.ignore_patterns(".git"))
    git(tmp_path, "init", "-q", "copied")
    git(tmp_path / "copied", "add", "--all")
    git(tmp_path / "copied", "commit", "-qm", "Initial commit")
    return named(tmp_path / "copied")


def read(repository, path):
    return (repository / path).read_text()


def untouched(repository):
    return git(repository, "status", "--porcelain") == "" and not git(
        repository, "for-each-ref", "refs/update"
    )


@pytest.mark.parametrize("kind", ["fork", "copied"])
def test_two_updates_in_a_row_bring_what_is_new_and_keep_what_is_the_forks(kind, template, request):
    fork = request.getfixturevalue(kind)
    moons = read(template, "src/project/data/moons.py")
    commit(fork, configs__rate_y=RATE.replace("0.1", "0.3"), src__acme__models__net_p="x = 1\n")
    for version, epochs in ((2, 30), (3, 300)):
        commit(
            template,
            configs__rate_y=RATE.replace("epochs: 3", f"epochs: {epochs}"),
            src__project__data__moons_p=moons + f"\n\nVERSION = {version}\n",
            docs__new_m=f"version {version}\n",
        )
        said = tool(fork, "update", template).stdout
        assert "Conflicts" not in said
        assert read(fork, "configs/rate.yaml") == RATE.replace("0.1", "0.3").replace(
            "epochs: 3", f"epochs: {epochs}"
        )
        assert f"VERSION = {version}" in read(fork, "src/acme/data/moons.py")
        assert read(fork, "docs/new.md") == f"version {version}\n"
        assert read(fork, "src/acme/models/net.py") == "x = 1\n"
        assert not (fork / "src/project").exists()
        git(fork, "commit", "-qm", "Update the template")
    assert "Already up to date" in tool(fork, "update", template).stdout
    assert untouched(fork)


def test_the_team_need_not_have_given_it_a_name(template, tmp_path):
    git(tmp_path, "clone", "-q", "template", "plain")
    commit(template, docs__new_m="new\n")
    tool(tmp_path / "plain", "update", template)
    assert read(tmp_path / "plain", "docs/new.md") == "new\n"


def test_a_conflict_is_named_by_its_place_and_one_command_undoes_all(template, fork):
    commit(fork, configs__rate_y=RATE.replace("0.1", "0.3"))
    commit(template, configs__rate_y=RATE.replace("0.1", "0.2"), docs__new_m="new\n")
    before = git(fork, "rev-parse", "HEAD^{tree}")
    answer = tool(fork, "update", template, check=False)
    assert answer.returncode == 1
    assert "  configs/rate.yaml:2\n" in answer.stdout
    assert "lr: 0.3\n=======\nlr: 0.2" in read(fork, "configs/rate.yaml")
    head = git(fork, "rev-parse", "HEAD")
    git(fork, "commit", "-m", "unseen", check=False)
    assert git(fork, "rev-parse", "HEAD") == head  # git refuses what is not resolved
    assert "Undo it:     git reset --hard\n" in answer.stdout
    git(fork, "reset", "--hard")
    assert untouched(fork)
    assert git(fork, "rev-parse", "HEAD^{tree}") == before
    assert not (fork / "docs/new.md").exists()


def test_what_the_team_took_out_stays_out_and_is_reported(template, fork):
    wine = read(fork, "configs/data/wine.yaml")
    commit(fork, configs__data__wine_y=None, configs__data__mine_y=wine + "val: 0.2\n")
    commit(template, configs__data__wine_y="# Changed.\n" + wine)
    said = tool(fork, "update", template).stdout
    assert "removed them:\n  configs/data/wine.yaml\n" in said
    assert not (fork / "configs/data/wine.yaml").exists()
    assert read(fork, "configs/data/mine.yaml") == wine + "val: 0.2\n"


def test_a_file_that_the_template_moved_takes_the_forks_change_along(template, fork):
    text = read(fork, "src/quintet/base/errors.py")
    commit(fork, src__quintet__base__errors_p=text + "\nOWN = 1\n")
    commit(template, src__quintet__base__errors_p=None, src__quintet__errors__codes_p=text)
    tool(fork, "update", template)
    assert read(fork, "src/quintet/errors/codes.py") == text + "\nOWN = 1\n"
    assert not (fork / "src/quintet/base/errors.py").exists()


def test_it_prints_what_the_changelog_has_gained(template, fork):
    log = read(template, "CHANGELOG.md")
    commit(template, CHANGELOG_m=log.replace("### Added\n\n", "### Added\n\n- A new thing.\n", 1))
    assert "New in the changelog:\n- A new thing.\n" in tool(fork, "update", template).stdout


def test_a_version_can_be_named(template, fork):
    commit(template, docs__new_m="second\n")
    git(template, "tag", "v2")
    commit(template, docs__new_m="third\n")
    tool(fork, "update", template, "v2")
    assert read(fork, "docs/new.md") == "second\n"


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (lambda fork: (fork / "notes.txt").write_text("mine"), "?? notes.txt"),
        (lambda fork: (fork / "configs/rate.yaml").unlink(), " D configs/rate.yaml"),
    ],
    ids=["a new file", "a deleted file"],
)
def test_a_tree_with_changes_is_refused_and_left_alone(template, fork, prepare, why):
    commit(template, docs__new_m="new\n")
    prepare(fork)
    before = git(fork, "status", "--porcelain")
    answer = tool(fork, "update", template, check=False)
    assert answer.returncode == 1
    assert why in answer.stderr
    assert git(fork, "status", "--porcelain") == before


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "FROM= is missing"),
        ("--upload-pack=touch x", "FROM= is missing"),
        ("nowhere", "cannot be fetched"),
    ],
)
def test_a_template_that_is_not_there_is_refused(fork, source, why):
    answer = tool(fork, "update", source, check=False)
    assert (answer.returncode, why in answer.stderr) == (1, True)
    assert "Traceback" not in answer.stderr
    assert untouched(fork)


def test_an_ignored_file_in_the_way_is_kept_and_nothing_changes(template, fork):
    (fork / ".git/info/exclude").write_text("docs/new.md\n")
    (fork / "docs/new.md").write_text("my secret notes\n")
    commit(template, docs__new_m="new\n", configs__rate_y=RATE + "more: 1\n")
    answer = tool(fork, "update", template, check=False)
    assert "Nothing was changed" in answer.stderr
    assert read(fork, "docs/new.md") == "my secret notes\n"
    assert untouched(fork)


def test_another_project_is_not_a_template(template, fork, tmp_path):
    git(tmp_path, "init", "-q", "other")
    commit(tmp_path / "other", README_m="something else\n")
    answer = tool(fork, "update", tmp_path / "other", check=False)
    assert "No version of this template resembles" in answer.stderr
    assert untouched(fork)
