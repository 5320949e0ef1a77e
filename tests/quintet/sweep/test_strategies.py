"""Each strategy, end to end on digits."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from usual import usual

ROOT = Path(__file__).parents[3]
SPACE = ["optimizer.lr=tag(log,interval(1e-3,1e-1))", "model=mlp,linear"]
GRID = ["optimizer.lr=0.01,0.1"]
SHORT = ["data=digits", "loss=cross_entropy", "sweeper.slots=2", "report=false"]

ONE, TWO, FOUR = (f"trainer.max_epochs={n}" for n in (1, 2, 4))
CASES = {
    "grid": [*GRID, ONE],
    "random": [*SPACE, "sweeper.n_trials=2", ONE],
    "quasi_random": [*SPACE, "sweeper.n_trials=2", ONE],
    "optuna": [*SPACE, "sweeper.n_trials=3", "sweeper.sampler.startup=2", ONE],
    "bayesian": [*SPACE, "sweeper.n_trials=3", "sweeper.sampler.startup=2", ONE],
    "automl": ["search_space=automl", "model=mlp", "sweeper.n_trials=2", ONE],
    "asha": [*SPACE, "sweeper.n_trials=4", "sweeper.scheduler.eta=2", FOUR],
    "successive_halving": [*SPACE, "sweeper.scheduler.eta=2", FOUR],
    "hyperband": [*SPACE, "sweeper.scheduler.eta=2", TWO],
    "genetic": [*SPACE, "sweeper.n_trials=4", "sweeper.sampler.population=2", ONE],
    "guided": [*SPACE, "sweeper.n_trials=4", "sweeper.sampler.startup=2", FOUR],
    "cmaes": [*SPACE, "optimizer.weight_decay=interval(0,0.1)", "sweeper.n_trials=3", ONE],
    "hyperopt": [*SPACE, "sweeper.sampler.startup=2", "sweeper.n_trials=3", ONE],
    "ask": [*SPACE, "sweeper.try=[{model:linear},{optimizer.lr:0.05}]", "sweeper.n_trials=2", ONE],
    "pbt": [*SPACE, "sweeper.scheduler.population=3", "sweeper.scheduler.interval=1", TWO],
    "coarse_to_fine": [*SPACE, "sweeper.sampler.each=2", "sweeper.sampler.rounds=2", TWO],
}


def run(folder, *arguments):
    command = [sys.executable, str(ROOT / "src/train.py"), "-m", f"hydra.sweep.dir={folder}"]
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=240, cwd=folder.parent
    )


def rows(folder):
    with (folder / "leaderboard.csv").open() as file:
        return list(csv.DictReader(file))


USUAL = ("asha",)
"""What is run each time; the others' decisions have tests of their own, their runs are slow."""


@pytest.mark.parametrize(
    "name",
    usual([*CASES], *USUAL),
)
def test_a_strategy_finds_a_model_on_digits(tmp_path, name):
    if name == "hyperopt":
        pytest.importorskip("hyperopt")
    folder = tmp_path / name
    out = run(folder, f"sweeper={name}", "test=false", *SHORT, *CASES[name])
    assert out.returncode == 0, out.stdout + out.stderr
    table = rows(folder)
    assert table[0]["state"] == "completed"
    assert not {"failed", "interrupted", "paused"} & {row["state"] for row in table}
    best = json.loads((folder / "best/result.json").read_text())
    assert best["metric"]["value"] == float(table[0]["value"])
    assert best["choices"]["sweeper"] == name
    if name == "successive_halving":
        assert sorted(int(row["epochs"]) for row in table) == [1, 1, 2, 4]
        for row in table:  # A session counts once; its time after the last checkpoint may be lost.
            recorded = json.loads(Path(row["folder"], "result.json").read_text())["seconds"]
            assert recorded <= float(row["seconds"]) < 1.5 * recorded
        # The survivor went on in its own folder: its metrics file has every epoch once.
        lines = (folder / "best/metrics.csv").read_text().splitlines()[1:]
        assert [line.split(",")[0] for line in lines] == ["0", "1", "2", "3"]


def test_the_winner_evaluated_again_gives_its_recorded_metric(sweeps, tmp_path):
    folder = shutil.copytree(sweeps["grid"] / "best", tmp_path / "best")
    (folder / "evaluation.json").unlink(missing_ok=True)
    evaluate = [sys.executable, str(ROOT / "src/evaluate.py"), f"run={folder}"]
    assert subprocess.run(evaluate, capture_output=True, timeout=120).returncode == 0
    record = json.loads((folder / "result.json").read_text())
    scores = json.loads((folder / "evaluation.json").read_text())
    assert scores["val"]["accuracy"] == pytest.approx(record["metric"]["value"], abs=1e-6)
    assert scores["test"]["accuracy"] == pytest.approx(record["test"]["accuracy"], abs=1e-6)


@pytest.mark.slow
def test_tpe_with_asha_is_one_override(tmp_path):
    folder = tmp_path / "both"
    arguments = ["sweeper=asha", "sweeper/sampler=tpe", *CASES["asha"]]
    out = run(folder, "test=false", *arguments, *SHORT)
    assert out.returncode == 0, out.stdout + out.stderr
    assert len(rows(folder)) == 4
