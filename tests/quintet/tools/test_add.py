"""Each kind of option can be added by one command, and is whole: tidy, tested, usable."""

import json
import re
import subprocess

import pytest

ALONE = ["module", "model", "data", "loss", "metric", "init", "optimizer", "scheduler", "callback"]
KINDS = [*ALONE, "experiment", "sweeper"]
GROUPS = {"callback": "callbacks"}
SHORT = ["trainer=cpu", "trainer.max_epochs=1", "trainer.limit_train_batches=2", "baselines=false"]
SWEEP = ["sweeper.n_trials=2", "optimizer.lr=interval(1e-4,0.1)"]


@pytest.fixture(scope="module")
def added(fork, run):
    """Give the fork with one more option of each kind, and the files of each."""
    said = {kind: run("tools/add.py", kind, f"my_{kind}").stdout for kind in KINDS}
    run("tools/add.py", "optimizer", "nadam")
    lines = {kind: [line.strip() for line in text.splitlines()] for kind, text in said.items()}
    files = {kind: [li for li in of if li.endswith((".py", ".yaml"))] for kind, of in lines.items()}
    return fork, files


@pytest.mark.parametrize("kind", KINDS)
def test_it_writes_a_source_a_yaml_and_a_test_of_its_own(added, kind):
    fork, files = added
    tops = sorted(path.split("/")[0] for path in files[kind])
    assert tops == ["configs", "src", "tests"] or (kind, tops) == (
        "experiment",
        ["configs", "tests"],
    )
    text = "".join((fork / path).read_text() for path in files[kind])
    assert f"my_{kind}" in text
    assert "new_option" not in text.lower()


def test_all_of_it_is_the_teams_and_nothing_else_changes(added):
    fork, files = added
    places = ("src/project/", "tests/project/", "configs/")
    assert all(path.startswith(places) for of in files.values() for path in of)
    changed = subprocess.run(["git", "diff", "--name-only"], cwd=fork, capture_output=True)
    assert changed.stdout == b""


def test_what_is_written_is_tidy(added, run):  # `make check` types the templates themselves
    run("-m", "ruff", "check", "--no-cache", ".")
    run("-m", "ruff", "format", "--no-cache", "--check", ".")


@pytest.mark.slow
def test_its_own_test_and_the_contracts_pass(added, run):
    _, files = added
    own = [path for of in files.values() for path in of if path.startswith("tests/")]
    own += ["tests/project/optimizers/test_nadam.py"]
    every = [
        "tests/project/test_contract.py",
        "tests/quintet/repository/test_repository.py",
        "tests/quintet/options/test_options.py",
    ]
    every += ["tests/quintet/options/test_metrics.py", "tests/quintet/analysis/test_measures.py"]
    done = run("-m", "pytest", "-p", "no:cacheprovider", "-vv", *own, *every, "-k", "my_ or nadam")
    for name in [f"my_{kind}" for kind in KINDS] + ["nadam"]:
        assert re.search(rf"[\[-]{name}\b.*PASSED", done.stdout), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "record"),
    [
        ([f"{GROUPS.get(kind, kind)}=my_{kind}" for kind in ALONE], "result.json"),
        (["-m", "sweeper=my_sweeper", *SWEEP, "experiment=my_experiment"], "best/result.json"),
    ],
    ids=["a run", "a sweep"],
)
def test_it_works_from_the_command_line_at_once(added, run, words, record):
    fork, _ = added
    folder = fork / "logs" / record.replace("/", "_")
    places = [f"hydra.run.dir={folder}", f"hydra.sweep.dir={folder}"]
    run("src/train.py", *words, *SHORT, *places)
    assert json.loads((folder / record).read_text())["status"] == "completed"


@pytest.mark.parametrize(
    ("kind", "name", "why"),
    [
        ("optimzer", "x", "KIND=optimzer is unknown. Did you mean 'optimizer'?"),
        ("model", "mlp", "NAME=mlp is taken: configs/model/mlp.yaml exists"),
        ("callback", "ema", "NAME=ema is taken"),
        ("model", "My-Net", "For example: NAME=my_net"),
        ("loss", "class", "For example: NAME=my_class"),
        ("metric", "no", "For example: NAME=my_no"),
        ("data", "", "For example: NAME=my"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(added, run, kind, name, why):
    fork, _ = added
    before = sorted(path for path in fork.rglob("*") if "logs" not in path.parts)
    answer = run("tools/add.py", kind, name, check=False)
    assert answer.returncode == 1
    assert why in answer.stderr
    assert sorted(path for path in fork.rglob("*") if "logs" not in path.parts) == before


def test_an_optimizer_that_torch_has_needs_no_source(added):
    fork, _ = added
    assert "_target_: torch.optim.NAdam" in (fork / "configs/optimizer/nadam.yaml").read_text()
    assert not (fork / "src/project/optimizers/nadam.py").exists()
