"""A team can remove what it does not want, and the rest continues to work."""

import json
import re
import subprocess

import pytest

KEEP = "data/digits data/csv model/mlp"


def git(fork, *words):
    return subprocess.run(["git", *words], cwd=fork, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("keep", "drop", "why"),
    [
        ("", "data/elnin", "Did you mean 'data/elnino'?"),
        ("", "metric/f1", "DROP=metric/f1 is not an option that can be kept or removed"),
        ("", "model/mlp", "configs/train.yaml starts from it"),
        ("model/mlp", "model/gru", "Give one of the two"),
        ("model/mlp experiment/text", "", "KEEP=experiment/text needs what is not kept"),
    ],
)
def test_what_cannot_go_is_refused_and_nothing_changes(fork, run, keep, drop, why):
    answer = run("tools/slim.py", keep, drop, check=False)
    assert answer.returncode == 1
    assert why in answer.stderr
    assert git(fork, "status", "--porcelain") == ""


def test_alone_it_lists_what_can_go_and_what_would_go_with_it(fork, run):
    said = run("tools/slim.py").stdout
    assert re.search(r"^  data/unicode_names  -> experiment/text$", said, re.MULTILINE)
    assert "model/mlp" not in said.split("make slim")[0]
    assert git(fork, "status", "--porcelain") == ""


@pytest.fixture(scope="module")
def slimmed(fork, run):
    """Give the fork with one model and two data sets, and what was said."""
    return fork, run("tools/slim.py", KEEP).stdout


def there(fork, group):
    return sorted(path.stem for path in (fork / "configs" / group).glob("*.yaml"))


def test_only_what_is_kept_is_left(slimmed):
    fork, _ = slimmed
    assert there(fork, "model") == ["mlp"]
    assert not (fork / "src/project/models/maxout.py").exists()
    assert there(fork, "data") == ["base", "csv", "digits"]
    assert not {"image", "text", "forecasting"} & set(there(fork, "experiment"))
    assert not (fork / "src/quintet/options/models/tabular.py").exists()
    assert not (fork / "tests/quintet/options/models/test_tabular.py").exists()
    assert (fork / "src/quintet/data/sources/series.py").exists()  # tests of other things use it
    assert git(fork, "diff") == ""


def test_what_the_documentation_still_names_is_reported(slimmed):
    _, said = slimmed
    assert re.search(r"^  README\.md:\d+: .*model=cnn", said, re.MULTILINE)


@pytest.mark.slow
def test_a_model_trains_and_a_sweep_runs(slimmed, run):
    fork, _ = slimmed
    short = ("trainer=cpu", "trainer.max_epochs=1", "baselines=false", "sweeper.n_trials=2")
    words = ("-m", "sweeper=random", "search_space=[architecture,automl]", *short)
    run("src/train.py", *words, f"hydra.sweep.dir={fork}/logs/sweep")
    best = json.loads((fork / "logs/sweep/best/result.json").read_text())
    assert (best["status"], best["choices"]["model"]) == ("completed", "mlp")


def test_the_list_of_a_group_says_what_is_left(slimmed, run):
    fork, _ = slimmed
    assert "including the sweep: autoencoder, gan, automl;" in (fork / "README.md").read_text()
    line = "| `experiment=` | presets: automl; their scores |"
    emptied = f"import slim; print(slim.unlisted({line!r}, {{'experiment/automl'}}))"
    found = run("-c", f"import sys; sys.path.insert(0, 'tools'); {emptied}").stdout
    assert found.startswith("| `experiment=` | presets: none yet; their scores |")


@pytest.mark.soak
def test_the_fast_tests_pass_and_those_that_need_what_is_gone_are_skipped(slimmed, run):
    run("-m", "ruff", "check", "--no-cache", ".")
    names = ("options", "presets", "contract")
    files = [f"tests/quintet/options/test_{name}.py" for name in names]
    files += ["tests/quintet/repository/test_repository.py", "tests/quintet/base/test_errors.py"]
    some = "not test_choices and not reads_digits and not whatever and not short"
    done = run("-m", "pytest", "-p", "no:cacheprovider", "-rs", "-v", *files, "-k", some)
    assert "make slim took out" in done.stdout
    assert " passed" in done.stdout
