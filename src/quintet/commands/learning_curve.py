"""Train on growing parts of the data, to estimate whether more labels would help."""

import io
import os
from contextlib import redirect_stdout
from copy import deepcopy
from pathlib import Path

from omegaconf import DictConfig, OmegaConf, open_dict

from quintet.artifacts import csv_cells
from quintet.artifacts.record import Record
from quintet.base import console
from quintet.base.errors import Code, UserError
from quintet.base.files import write_atomically
from quintet.commands import experiments
from quintet.config.initial_config import as_typed
from quintet.diagnostics.sample_size import LearningCurve, advice, fit

FILE = "learning_curve.csv"


def measure(cfg: DictConfig) -> LearningCurve:
    """Train once per fraction, on nested parts of the training data; the test set stays unused.

    Returns:
        the fitted curve.

    Raises:
        UserError: fewer than three fractions, or one that is not in (0, 1].

    """
    given = cfg.fractions if OmegaConf.is_list(cfg.fractions) else [cfg.fractions]
    numbers = all(isinstance(each, int | float) for each in given)
    fractions = sorted({float(each) for each in given}) if numbers else []
    if len(fractions) < 3 or fractions[0] <= 0 or fractions[-1] > 1:
        raise UserError(
            "does not give at least three different shares of the training data",
            code=Code.OUT_OF_RANGE,
            key="fractions",
            value=cfg.fractions,
            hint="Give shares above 0 and up to 1, as in fractions=[0.25,0.5,1].",
        )
    folder = Path(cfg.paths.run)
    if os.path.lexists(folder / FILE):
        raise UserError(
            f"{folder / FILE} already exists",
            code=Code.EXISTS,
            hint="Choose another hydra.run.dir.",
        )
    name, mode = cfg.metric.name, cfg.metric.mode
    console.say("")
    console.say(f"[bold]{name}[/] on validation data, for growing parts of the training data")
    points: list[tuple[int, float]] = []
    for fraction in fractions:
        record = train(cfg, fraction, folder)
        points.append((int(record.facts["train_size"]), float(record.metric.value or 0.0)))
        console.say(f"  {points[-1][0]:>9,} samples  {points[-1][1]:.4f}")
        write_atomically(folder / FILE, table(fractions, points, name))
    sizes, values = zip(*points, strict=True)
    growth = fit(sizes, values, mode)
    console.say("")
    console.say("{}", advice(growth, points[-1][0], name, mode))
    console.say("→ [bold]{}[/]", console.shortest(folder))
    return growth


def train(cfg: DictConfig, fraction: float, folder: Path) -> Record:
    """Train on one fraction, silently, in a run folder of its own."""
    own = deepcopy(OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "fractions"]))
    place = folder / f"fraction_{fraction:g}"
    place.mkdir(parents=True, exist_ok=True)
    with open_dict(own):
        own.paths.run = str(place)
        own.data.fraction = fraction
        own.test = own.baselines = False
        own.callbacks.progress = None
        own.overrides = [*as_typed(own.overrides), f"data.fraction={fraction:g}"]
    with redirect_stdout(io.StringIO()):
        return experiments.train(own)


def table(fractions: list[float], points: list[tuple[int, float]], name: str) -> str:
    """Return the points so far as CSV."""
    titles = ("fraction", "samples", name)
    rows = ((f, n, p) for f, (n, p) in zip(fractions, points, strict=False))
    return csv_cells.table(titles, (dict(zip(titles, row, strict=True)) for row in rows))
