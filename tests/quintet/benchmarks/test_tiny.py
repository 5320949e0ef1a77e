"""Every benchmark runs as it is documented, with tiny settings."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import runs

HERE = runs.ROOT / "benchmarks"
CHEAP = {
    "stop.py show": "| strategy |",
    "fronts.py show": "| strategy |",
    "prior.py show": "| table | strategy |",
    "options.py show": "| data | option | rate |",
    "mup.py show": "| optimizer, init | width | best rate |",
    "fair.py 2": "| table | rule |",
    "pbt.py show": "| digits | asha, constant rate |",
    "ask_tell.py 10": "| strategy | trials | ask, ms | tell, ms |",
}
"""Commands of a second or two, and what they print."""
COSTLY = {
    "replay.py 1": "| asha | 1 |",
    "curves.py 401": "",
    "images.py 100": "an epoch",
    "tables.py --rows 2000 --rounds 1": "pandas",
    "options.py play options=adam data=wine trials=2 seeds=2": "wine/seeds_adam",
    "mup.py play optimizers=adam widths=8,16 seeds=1 epochs=1": "",
    "startup.py --rounds 1": "| train.py --help |",
    "sweep.py 2": "| quintet, 2 slots |",
    "sweep.py asking": "| 1000 |",
    "stack.py --shapes 8 --widths 2 --epochs 1": "| 8 |",
    "language_model.py": "5-gram",
    "presets.py --only regression --seeds 0": "regression",
    "automl_bundled.py --only fair --seeds 0 --trials 2": "fair",
    "gpu.py --samples 320 --epochs 1 --accelerator cpu --no-compile --small --widths 2": "| cnn |",
}
"""Commands that train for a while."""
IN_README = ("mup.py show", "options.py show")
"""Commands that print, from committed rows, a table of benchmarks/README.md."""
ELSEWHERE = {
    "foreign.py",  # tests/quintet/sweep/test_foreign_tables.py
    "overhead.py",  # test_overhead.py
    "automl.py",  # needs packages with the tables, and a minute for each method
}


def says(command: str, home: Path) -> str:
    """Run a copy of a benchmark, which may write a table beside itself; return what it prints."""
    shutil.copytree(HERE, home / "benchmarks")
    for name in ("src", "configs"):
        (home / name).symlink_to(runs.ROOT / name)
    script, *words = command.split()
    done = subprocess.run(
        [sys.executable, str(home / "benchmarks" / script), *words],
        capture_output=True,
        text=True,
        cwd=home,
        env=runs.environment(),
        timeout=5 * runs.PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("command", CHEAP)
def test_it_prints_its_table(command: str, tmp_path: Path) -> None:
    assert CHEAP[command] in says(command, tmp_path)


@pytest.mark.parametrize("command", IN_README)
def test_the_table_in_the_readme_is_the_one_of_the_rows(command: str, tmp_path: Path) -> None:
    assert says(command, tmp_path) in (HERE / "README.md").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("command", COSTLY)
def test_it_prints_its_table_after_training(command: str, tmp_path: Path) -> None:
    assert COSTLY[command] in says(command, tmp_path)


def test_no_benchmark_is_left_out() -> None:
    run = {command.split()[0] for command in (*CHEAP, *COSTLY)} | ELSEWHERE
    assert {path.name for path in HERE.glob("*.py")} == run
