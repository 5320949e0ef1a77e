"""Steering of a single model while it trains."""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_rate_changes_while_it_trains_and_each_change_is_on_record(tmp_path):
    arguments = ["sweeper=manual", "data=digits", "model=linear", "scheduler=constant"]
    arguments += ["trainer.max_epochs=100000", "callbacks.early_stopping=null", "test=false"]
    command = [sys.executable, str(ROOT / "src/train.py"), "-m", f"hydra.sweep.dir={tmp_path}"]
    parent = subprocess.Popen([*command, *arguments], stdout=-1, stderr=-1, text=True)
    folder = tmp_path / "trials/0000"
    until = time.monotonic() + 120

    def wait_for(holds):
        while not holds() and time.monotonic() < until:
            time.sleep(0.05)
        assert holds()

    def steered(*words):
        command = [sys.executable, str(ROOT / "src/steer.py"), f"run={folder}", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    wait_for((folder / "metrics.csv").exists)
    assert "optimizer.lr  0.001 → 0.05" in steered("optimizer.lr=0.05")
    assert "began without weight decay" in steered("optimizer.weight_decay=0.5")
    assert "stop" in steered("stop=true")
    _, errors = parent.communicate(timeout=60)
    assert parent.returncode == 0, errors
    rates = [float(row["lr"]) for row in csv.DictReader((folder / "metrics.csv").open())]
    assert (rates[0], rates[-1]) == (0.001, 0.05)
    record = json.loads((folder / "result.json").read_text())
    assert record["status"] == "completed"
    assert [c["key"] for c in record["steering"]] == [
        "optimizer.lr", "optimizer.weight_decay", "stop",
    ]  # fmt: skip
