"""Tables larger than memory: shards of parquet, csv or json, read by Hugging Face `datasets`."""

from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.base.paths import expand_home
from quintet.data.parsing.column_cells import of_series
from quintet.data.parsing.rules import Rules
from quintet.data.parsing.table_file import RawTable
from quintet.data.samples import Samples
from quintet.data.sources.columns import Spec, encode
from quintet.data.sources.frames import require
from quintet.data.sources.shard_files import literally, understood
from quintet.data.sources.table_parts import split_of
from quintet.data.sources.tables import Names, codes_of, inputs_of, listed
from quintet.data.sources.targets import target_of

if TYPE_CHECKING:
    import pandas as pd

FORMATS = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".json": "json",
           ".jsonl": "json"}  # fmt: skip
PROBE = 20_000
"""Number of evenly spaced rows from which column types are inferred."""


@dataclass
class TableRows:
    """Rows of a data set on disk (memory-mapped Arrow), read as `csv` reads a file."""

    rows: Any
    """A `datasets.Dataset` in pandas format."""
    specs: list[Spec]

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, index: Tensor) -> Tensor:
        """Return the inputs (B, F) of the samples in `index`."""
        return encode(_table(self.rows[index.tolist()]).columns, self.specs)


def stream(
    path: str | None = None,
    target: Names = None,
    task: str | None = None,
    positive: str | int | None = None,
    columns: Names = None,
    drop: Names = None,
    group: str | None = None,
    cache: str | None = None,
    split: str | None = None,
) -> Samples:
    """Read shards whose inputs stay on disk; only targets are held in memory.

    The shards are converted once to Arrow files, which are memory-mapped, so rows can be shuffled
    and split like those of a small file. Column types are inferred from 20,000 evenly spaced rows:
    a category that occurs in none of them counts as unknown.

    Args:
        path: a folder of shards, a pattern such as 'shards/*.parquet', or one file.
        target: column to predict, or several.
        task: binary, multiclass, multilabel or regression; None infers it from the target.
        positive: the class that is class 1 of a binary task.
        columns: input columns; None for all but the target.
        drop: columns to leave out.
        group: column of groups, each of which stays in one part of the split.
        cache: folder of the Arrow files; None for that of `datasets`.
        split: column that names the part of each row: train, val or test.

    Raises:
        UserError: no shards, shards that do not fit each other, or what `csv` refuses.

    """
    files = shards(path)
    rows = _load(files, cache)
    probed = torch.arange(0, len(rows), max(1, -(-len(rows) // PROBE)))
    table = _table(rows[probed.tolist()])
    there = list(table.columns)
    targets, chosen, left_out = listed(target), listed(columns), listed(drop)
    if not targets:
        raise UserError(
            "has no value, and one is required here",
            code=Code.MISSING_VALUE,
            key="data.target",
            allowed=there,
            hint="Give data.target=<column>",
        )
    for named, option in ((targets, "target"), (chosen, "columns"), (left_out, "drop")):
        require(named, there, f"data.{option}")
    require(listed(group), there, "data.group")
    found = target_of(_table(_column(rows, targets)), targets, task, positive)
    if split is not None:
        require([split], there, "data.split")
    special = {*targets, *left_out, group, split}
    names = chosen or [name for name in there if name not in special]
    inputs = inputs_of(table, names, set(chosen), Rules())
    specs = inputs.specs
    first = {name: cells.take(np.arange(1)) for name, cells in table.columns.items()}
    return Samples(
        x=encode(first, specs)[:0],
        y=found.y,
        task=found.task,
        kind="table",
        class_names=found.names,
        cardinalities=inputs.cardinalities,
        groups=codes_of(_table(_column(rows, [group]))[group]) if group else None,
        split=split_of(_table(_column(rows, [split])), split, None) if split else None,
        rows=TableRows(rows, specs),
        data_summary=[
            f"{path}: {len(rows)} rows in {len(files)} file(s), read from disk as needed.",
            found.summary,
            *inputs.remarks,
        ],
        columns=[*found.columns, *inputs.columns],
        reader={"kind": "table", "columns": specs},
    )


def shards(path: str | None) -> list[str]:
    """Return the files of one format that a folder, a pattern or a file name denotes."""
    if path is None:
        raise UserError(
            "has no value, and one is required here",
            code=Code.MISSING_VALUE,
            key="data.path",
            hint="Give data.path=<folder, pattern or file>",
        )
    place = expand_home(path)
    if place.is_file():  # even if its name contains brackets
        found = [place]
    else:
        found = list(place.iterdir()) if place.is_dir() else [Path(p) for p in glob(str(place))]
    files = sorted(str(file) for file in found if file.suffix.lower() in FORMATS)
    if not files:
        raise UserError(
            "matches no shard",
            code=Code.NOT_FOUND,
            key="data.path",
            value=path,
            hint=f"Allowed: files that end in {', '.join(FORMATS)}",
        )
    formats = {FORMATS[Path(file).suffix.lower()] for file in files}
    if len(formats) > 1:
        raise UserError(
            f"mixes {' and '.join(sorted(formats))}",
            code=Code.CONFLICT,
            key="data.path",
            value=path,
            hint=f"Choose one format: data.path='{path}/*.parquet'",
        )
    return files


def _load(files: list[str], cache: str | None) -> Any:
    try:
        import datasets
    except ImportError as problem:
        raise UserError(
            "needs the package datasets",
            code=Code.UNAVAILABLE,
            key="data",
            value="stream",
            hint="`pip install quintet[streaming]`",
        ) from problem
    datasets.disable_progress_bars()
    form = FORMATS[Path(files[0]).suffix.lower()]
    with understood("A shard", form):
        rows = datasets.load_dataset(
            form, data_files=literally(files), split="train", cache_dir=cache
        )
    return rows.with_format("pandas")


def _column(rows: Any, names: list[str]) -> "pd.DataFrame":
    frame: pd.DataFrame = rows.select_columns(names)[:]
    return frame


def _table(frame: "pd.DataFrame") -> RawTable:
    return RawTable({str(name): of_series(frame[name], str(name)) for name in frame})
