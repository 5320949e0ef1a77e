"""The benchmark of a training step runs as it is documented, with tiny settings."""

import subprocess
import sys

import runs

TINY = ("--samples", "600", "--features", "4", "--epochs", "2", "--items")


def test_it_prints_a_row_for_each_loop() -> None:
    command = [sys.executable, str(runs.ROOT / "benchmarks/overhead.py"), *TINY]
    done = subprocess.run(
        command, capture_output=True, text=True, env=runs.environment(), timeout=runs.PATIENCE
    )
    assert done.returncode == 0, done.stderr
    for loop in ("plain loop", "plain loop, DataLoader", "quintet, training"):
        assert f"| {loop} |" in done.stdout
