"""AutoML compared with the default MLP on all suitable bundled data: a table of docs/presets.md.

python benchmarks/automl_bundled.py         50 trials each, independent of the machine's speed
python benchmarks/automl_bundled.py --only fair --seeds 0 1 --trials 25
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from presets import spread

ROOT = Path(__file__).parents[1]
DATA = (
    *("breast_cancer", "diabetes", "fair", "wine", "digits_table", "digits_multilabel"),
    *("digits", "digits_imbalanced", "sunspots", "elnino"),
)


def train(*arguments: str) -> None:
    """Run train.py to its end."""
    command = [sys.executable, "src/train.py", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def scores(data: str, seed: int, trials: int) -> dict[str, tuple[float, float]]:
    """Return the validation and test metric of the default MLP, the best trial and the ensemble."""
    own = (f"data={data}", f"seed={seed}")
    budget = (f"sweeper.n_trials={trials}", "sweeper.timeout=null", "sweeper.warm_start=null")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        train(*own, f"hydra.run.dir={folder}/mlp")
        train("experiment=automl", *own, *budget, f"hydra.sweep.dir={folder}/automl")
        mlp = read(folder / "mlp/result.json")
        made = read(folder / "automl/ensemble/ensemble.json")
    return {
        "mlp": (mlp["metric"]["value"], mlp["test"][mlp["metric"]["name"]]),
        "best": (made["single_val"], made["single_test"]),
        "ensemble": (made["val"], made["test"]),
    }


def read(path: Path) -> dict[str, Any]:
    """Return the contents of a JSON file."""
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def main() -> None:
    """Print one line of the table per data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=DATA, default=list(DATA))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--trials", type=int, default=50)
    options = parser.parse_args()
    models = ("mlp", "best", "ensemble")
    print(f"| data | {' | '.join(f'{m}, {s}' for s in ('val', 'test') for m in models)} |")
    print("|---" * 7 + "|", flush=True)
    for data in options.only:
        runs = []
        for seed in options.seeds:
            runs.append(scores(data, seed, options.trials))
            print(data, seed, runs[-1], file=sys.stderr, flush=True)
        cells = (spread([run[m][i] for run in runs]) for i in (0, 1) for m in models)
        print(f"| {data} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
