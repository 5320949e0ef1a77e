"""Charts, tables and files of a W&B run."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from quintet.base.files import copy
from quintet.diagnostics.training_curves import Row
from quintet.trackers.media import Confusion

KINDS = {".ckpt": "model", ".html": "report", ".csv": "leaderboard"}


def matrix(found: Confusion) -> Any:
    """Return the confusion matrix as W&B's built-in chart."""
    import wandb

    cells: list[Iterable[Any]] = [
        [true, predicted, count]
        for true, row in zip(found.names, found.counts, strict=True)
        for predicted, count in zip(found.names, row, strict=True)
    ]
    columns = ("Actual", "Predicted", "nPredictions")
    return wandb.plot_table(
        "wandb/confusion_matrix/v1",
        wandb.Table(columns=[*columns], data=cells),
        {name: name for name in columns},
        {"title": "Confusion matrix, validation"},
    )


def curve(rows: Iterable[Row], quantity: str) -> Any:
    """Return a chart of a quantity on training and validation data over epochs."""
    import wandb

    lines = {split: f"{split}/{quantity}" for split in ("train", "val")}
    kept = [row for row in rows if all(name in row for name in lines.values())]
    return wandb.plot.line_series(
        xs=[row["epoch"] for row in kept],
        ys=[[row[name] for row in kept] for name in lines.values()],
        keys=[*lines],
        title=quantity,
        xname="epoch",
    )


def keep(run: Any, paths: Iterable[Path], about: Mapping[str, Any]) -> None:
    """Attach files as versioned artifacts.

    W&B reads a file at upload, which for offline runs may be days later. A hard link preserves its
    content if the run continues and replaces the file.
    """
    import wandb

    for path in paths if not run.disabled else ():
        kind = KINDS[path.suffix]
        artifact = wandb.Artifact(f"{kind}-{run.id}", type=kind, metadata=dict(about))
        kept = Path(run.settings.sync_dir) / "kept" / path.name
        kept.parent.mkdir(parents=True, exist_ok=True)
        link(path, kept)
        artifact.add_file(str(kept), name=path.name, policy="immutable", skip_cache=True)
        run.log_artifact(artifact)


def link(source: Path, target: Path) -> None:
    """Hard-link a file if the file system supports it; otherwise copy it."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        copy(source, target)
