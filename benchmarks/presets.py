"""Compare every preset with simple models on the same splits: the table of docs/presets.md.

python benchmarks/presets.py                                   every row, seeds 0 to 4
python benchmarks/presets.py --only regression --seeds 0 1
python benchmarks/presets.py --sweeps --seeds 0 1 2            sweeps compared with the defaults
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))
os.environ.setdefault("PROJECT_ROOT", str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

Values = NDArray[np.floating]
Fit = Callable[[Values, Values], Callable[[Values], Values]]
"""Fits a model to inputs (N, F) and targets, and returns its predictions for new inputs."""


@dataclass(frozen=True)
class Row:
    """A command and its reference models; `seen` is how these get the data, if differently."""

    arguments: str
    references: tuple[str, ...]
    seen: str = ""

    @property
    def data(self) -> str:
        """The overrides that a reference's data is composed from."""
        return f"{self.arguments} {self.seen}"


ROWS = {
    "default": Row("", ("logistic", "svm")),
    "cnn": Row("model=cnn optimizer=sgd_momentum scheduler=one_cycle", ("logistic", "svm")),
    "classification": Row("experiment=classification", ("logistic", "svm")),
    "breast_cancer": Row("experiment=classification data=breast_cancer", ("logistic", "svm")),
    "wine": Row("experiment=classification data=wine", ("logistic", "svm")),
    "regression": Row("experiment=regression", ("dummy", "ols", "forest")),
    "imbalanced": Row("experiment=imbalanced", ("logistic", "svm")),
    "fair": Row("experiment=imbalanced data=fair", ("logistic", "balanced")),
    "forecasting": Row("experiment=forecasting", ("persistence", "ols"), "data.window=9"),
    "elnino": Row("experiment=forecasting data=elnino", ("persistence", "ols")),
    "image": Row("experiment=image", ("logistic", "svm")),
    "multilabel": Row("experiment=multilabel", ("logistic", "svm")),
    "text": Row("experiment=text", ("bag of words",)),
}


def fitted(name: str, x: Values, y: Values, tokens: int) -> Callable[[Values], Values]:
    """Fit the reference `name`; a target of several columns gets a model per column."""
    if y.ndim == 2:
        each = [fitted(name, x, column, tokens) for column in y.T]
        return lambda new: np.stack([predict(new) for predict in each], axis=1)
    if name == "persistence":
        return lambda new: new[:, -1]
    if name == "bag of words":
        model = estimator("logistic").fit(counts(x, tokens), y)
        return lambda new: model.predict(counts(new, tokens))
    return estimator(name).fit(x, y).predict  # type: ignore[no-any-return]


def estimator(name: str) -> Any:
    """Return scikit-learn's model with its own defaults."""
    from sklearn.dummy import DummyRegressor
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.svm import SVC

    return {
        "dummy": lambda: DummyRegressor(),
        "ols": lambda: LinearRegression(),
        "forest": lambda: RandomForestRegressor(random_state=0),
        "logistic": lambda: LogisticRegression(max_iter=5000),
        "balanced": lambda: LogisticRegression(max_iter=5000, class_weight="balanced"),
        "svm": lambda: SVC(),
    }[name]()


def counts(x: Values, tokens: int) -> Values:
    """Count the tokens of sequences (N, length) without padding: (N, tokens)."""
    bags = np.stack([np.bincount(row, minlength=tokens) for row in x.astype(int)])
    return bags[:, 1:].astype(np.float32)


def score(metric: str, truth: Values, predicted: Values) -> float:
    """Return the metric, by scikit-learn."""
    from sklearn.metrics import accuracy_score, f1_score, root_mean_squared_error

    if metric == "f1":
        average = "macro" if truth.ndim == 2 else "binary"
        return float(f1_score(truth, predicted, average=average))
    return float(
        {"accuracy": accuracy_score, "rmse": root_mean_squared_error}[metric](truth, predicted)
    )


def reference(name: str, row: Row, seed: int) -> float:
    """Fit a reference on a row's training and validation parts; score it on its test part."""
    from hydra import compose, initialize_config_dir

    from quintet.training.build import data

    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        cfg = compose("train", [*row.data.split(), f"seed={seed}", "paths.run=unused"])
    if name == "persistence":
        cfg.data.scale = "none"
    module = data(cfg)
    facts = module.load()
    x, y = ({k: module.splits[k][i].numpy() for k in module.splits} for i in (0, 1))
    x = {part: values.reshape(len(values), -1) for part, values in x.items()}
    y = {
        part: values.squeeze(-1) if values.shape[-1] == 1 else values for part, values in y.items()
    }
    known = [np.concatenate([each["train"], each["val"]]) for each in (x, y)]
    predict = fitted(name, *known, facts.vocabulary)
    return score(cfg.metric.name, y["test"], predict(x["test"]))


Scores = tuple[str, float, float, float]
"""The metric's name, its values on validation and test data, and the seconds taken."""


def trained(row: Row, seed: int) -> Scores:
    """Run the command."""
    with tempfile.TemporaryDirectory() as folder:
        train(row, seed, f"hydra.run.dir={folder}")
        record = json.loads((Path(folder) / "result.json").read_text())
    metric = record["metric"]["name"]
    return metric, record["metric"]["value"], record["test"][metric], record["seconds"]


def swept(row: Row, seed: int) -> Scores:
    """Run the command with -m; the scores are the winner's."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        train(row, seed, "-m", f"hydra.sweep.dir={folder}/study")
        record = json.loads((Path(folder) / "study/best/result.json").read_text())
    metric = record["metric"]["name"]
    seconds = time.monotonic() - began
    print(row.arguments, seed, record["metric"], record["test"], file=sys.stderr, flush=True)
    return metric, record["metric"]["value"], record["test"][metric], seconds


def train(row: Row, seed: int, *more: str) -> None:
    """Run train.py."""
    command = ["src/train.py", *more, *row.arguments.split(), f"seed={seed}"]
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def spread(values: list[float]) -> str:
    """Return mean ± standard deviation with suitable digits."""
    digits = 2 if mean(values) > 5 else 4
    deviation = stdev(values) if len(values) > 1 else 0.0
    return f"{mean(values):.{digits}f} ± {deviation:.{digits}f}"


def beside_references(row: Row, seeds: list[int]) -> str:
    """Return a line of the table of scores."""
    runs = [trained(row, seed) for seed in seeds]
    against = "; ".join(
        f"{name} {spread([reference(name, row, seed) for seed in seeds])}"
        for name in row.references
    )
    names, validation, test, seconds = zip(*runs, strict=True)
    cells = (names[0], spread([*validation]), spread([*test]), against, f"{mean(seconds):.0f}")
    return f"| `{row.arguments}` | {' | '.join(cells)} |"


def beside_defaults(row: Row, seeds: list[int]) -> str:
    """Return a line of the table of sweeps."""
    single = [trained(row, seed) for seed in seeds]
    sweeps = [swept(row, seed) for seed in seeds]
    scores = [spread([run[i] for run in runs]) for i in (1, 2) for runs in (single, sweeps)]
    cells = (single[0][0], *scores, f"{mean(run[3] for run in sweeps):.0f}")
    return f"| `{row.arguments}` | {' | '.join(cells)} |"


HEADS = {
    beside_references: "command | P | validation | test | references, test | seconds",
    beside_defaults: "command | P | validation | swept | test | swept | seconds",
}


def main() -> None:
    """Print the tables, one line per row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=ROWS)
    parser.add_argument("--seeds", nargs="*", type=int, default=list(range(5)))
    parser.add_argument("--sweeps", action="store_true")
    options = parser.parse_args()
    line = beside_defaults if options.sweeps else beside_references
    presets = [p.stem for p in (ROOT / "configs/experiment").glob("*.yaml") if p.stem in ROWS]
    head = HEADS[line]
    print(f"| {head} |", "|---" * (1 + head.count(" | ")) + "|", sep="\n", flush=True)
    for name in options.only or (sorted(presets) if options.sweeps else ROWS):
        print(line(ROWS[name], options.seeds), flush=True)


if __name__ == "__main__":
    main()
