"""Population-based training, ASHA and random search at equal epochs.

python benchmarks/pbt.py play [seeds=20] [data=digits,unicode_names]
python benchmarks/pbt.py show

Each sweep varies learning rate, momentum and weight decay of SGD, and may train EPOCHS epochs in
total; of ASHA's trials, those that had ended by then count. `play` appends to pbt.csv, for each
method, data set and seed, the winner's metric on validation and test data. `show` prints means with
95 % intervals, and the paired differences to population-based training.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean, stdev

ROOT = Path(__file__).parents[1]
ROWS = Path(__file__).with_name("pbt.csv")
HEADER = ("way", "data", "seed", "epochs", "validation", "test")
LENGTH, POPULATION = 10, 8
EPOCHS = LENGTH * POPULATION
SPACE = (
    "optimizer=sgd_momentum",
    "optimizer.lr=tag(log,interval(1e-4,1))",
    "optimizer.momentum=tag(reverse_log,interval(0.5,0.99))",
    "optimizer.weight_decay=tag(log,interval(1e-6,1e-2))",
    f"trainer.max_epochs={LENGTH}",
    "report=false",
    "sweeper.slots=1",
)
FREE = "scheduler.cycle_momentum=false"
WAYS = {
    "pbt, constant rate": ("sweeper=pbt", "scheduler=constant", "sweeper.scheduler.interval=2"),
    "asha, constant rate": ("sweeper=asha", "scheduler=constant", "sweeper.n_trials=32"),
    "random, constant rate": ("sweeper=random", "scheduler=constant", "sweeper.n_trials=8"),
    "asha, one_cycle": ("sweeper=asha", FREE, "sweeper.n_trials=32"),
}
DATA = {
    "digits": ("data=digits", "data.batch_size=32"),
    "unicode_names": ("data=unicode_names", "model=gru", "model.width=32", "data.batch_size=128"),
}


def winner(folder: Path) -> tuple[int, str, float]:
    """Return the epochs that count, and the best trial within them."""
    with (folder / "leaderboard.csv").open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["trial"]))
    spent, counted = 0, []
    for row in rows:
        if spent >= EPOCHS:
            break
        spent += int(row["epochs"])
        counted.append(row)
    best = max(counted, key=lambda row: (row["state"] == "completed", float(row["value"] or 0)))
    return spent, best["folder"], float(best["value"])


def test_score(folder: str) -> float:
    """Return a trial's metric on test data, by evaluate.py."""
    command = [sys.executable, str(ROOT / "src/evaluate.py"), f"run={folder}", "baselines=false"]
    subprocess.run(command, check=True, capture_output=True)
    return float(json.loads(Path(folder, "evaluation.json").read_text())["test"]["accuracy"])


def row(way: str, data: str, seed: int) -> tuple:
    """Run one sweep; return its row."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "src/train.py"), "-m", f"hydra.sweep.dir={folder}/s"]
        words = [*SPACE, *DATA[data], *WAYS[way], f"seed={seed}", "test=false"]
        done = subprocess.run([*command, *words], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
        epochs, best, value = winner(Path(folder, "s"))
        return way, data, seed, epochs, f"{value:.5f}", f"{test_score(best):.5f}"


def play(seeds: int, sets: list[str]) -> None:
    """Append the missing rows."""
    if not ROWS.exists():
        ROWS.write_text(",".join(HEADER) + "\n")
    done = {(r["way"], r["data"], int(r["seed"])) for r in rows()}
    for seed in range(seeds):
        for key in [(way, data, seed) for data in sets for way in WAYS]:
            if key not in done:
                with ROWS.open("a", newline="") as file:
                    csv.writer(file, lineterminator="\n").writerow(row(*key))


def rows() -> list[dict[str, str]]:
    """Return the rows so far."""
    with ROWS.open(newline="") as file:
        return [*csv.DictReader(file)]


def interval(values: list[float]) -> str:
    """Return a mean with half the width of its 95 % interval."""
    half = 1.96 * stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("nan")
    return f"{mean(values):.4f}±{half:.4f}"


def show() -> None:
    """Print a line for each data set and method."""
    found = rows()
    print("| data | way | seeds | epochs | validation | test | test, less than the first |")
    print("|---|---|---|---|---|---|---|")
    for data in dict.fromkeys(r["data"] for r in found):
        by_way = {
            w: {r["seed"]: r for r in found if (r["way"], r["data"]) == (w, data)} for w in WAYS
        }
        first = by_way[next(iter(WAYS))]
        for way, own in by_way.items():
            lost = [float(first[s]["test"]) - float(own[s]["test"]) for s in own if s in first]
            epochs = mean(int(r["epochs"]) for r in own.values())
            columns = [
                interval([float(r[c]) for r in own.values()]) for c in ("validation", "test")
            ]
            print(f"| {data} | {way} | {len(own)} | {epochs:.0f} | {' | '.join(columns)} "
                  f"| {interval(lost)} |")  # fmt: skip


if __name__ == "__main__":
    what, *arguments = sys.argv[1:] or ["show"]
    given = dict(argument.split("=", 1) for argument in arguments)
    if what == "play":
        play(int(given.get("seeds", 20)), given.get("data", ",".join(DATA)).split(","))
    show()
