"""One model, changed from outside while it trains."""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


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

    def changes():
        path = folder / "changes.csv"
        return list(csv.DictReader(path.open())) if path.exists() else []

    wait_for((folder / "metrics.csv").exists)
    for number, text in enumerate(["lr: 0.05", "lr: 0.05\nwarp: 9", "stop: true"], 1):
        (folder / "controls.yaml").write_text(text)
        wait_for(lambda n=number: len(changes()) == n)
    _, errors = parent.communicate(timeout=60)
    assert parent.returncode == 0, errors
    first, second, third = changes()
    assert (first["key"], float(first["before"]), float(first["after"])) == ("lr", 0.001, 0.05)
    assert (second["key"], second["before"]) == ("warp", "not understood")
    assert third["key"] == "stop"
    with (folder / "metrics.csv").open() as file:
        rates = [float(row["lr"]) for row in csv.DictReader(file)]
    assert (rates[0], rates[-1]) == (0.001, 0.05)
    assert json.loads((folder / "result.json").read_text())["status"] == "completed"
