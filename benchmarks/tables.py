"""Reading a table of 500,000 rows and 30 columns: CPU time and memory against pandas.read_csv.

python benchmarks/tables.py            # text; parquet where pyarrow is there

Prints, from one run: CPU seconds of `pandas.read_csv`, those of reading, typing and splitting the
same file for training, their ratio, and the peak of memory in units of the resulting tensors.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from quintet.data.module import DataModule
from quintet.data.sources.tables import csv


def write(folder: Path, rows: int) -> None:
    draw = np.random.default_rng(0)
    columns = {f"f{i}": draw.normal(size=rows).round(4) for i in range(20)}
    columns |= {f"i{i}": draw.integers(0, 10_000, rows) for i in range(6)}
    columns |= {
        "colour": draw.choice(["red", "green", "blue"], rows),
        "code": draw.choice([f"c{k}" for k in range(50)], rows),
        "paid": draw.choice(["yes", "no"], rows),
        "y": draw.choice(["a", "b"], rows),
    }
    frame = pd.DataFrame(columns)
    frame.to_csv(folder / "t.csv", index=False)
    try:
        frame.to_parquet(folder / "t.parquet")
    except ImportError:
        print("no pyarrow: parquet is left out", file=sys.stderr)
    frame[:200].to_csv(folder / "small.csv", index=False)


def cpu(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def peak() -> float:
    """Return the peak of resident memory so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def compare(name: str, path: Path, read) -> None:
    data = DataModule(partial(csv, str(path), "y"))
    small = DataModule(partial(csv, str(path.with_name("small.csv")), "y"))
    small.load()  # imports
    before = resident()
    own = cpu(data.load)
    grown = peak() - before
    tensors = sum(t.numel() * t.element_size() for xy in data.splits.values() for t in xy) / 2**20
    theirs = min(cpu(partial(read, path)) for _ in range(3))
    print(f"{name:8} pandas {theirs:.2f} CPU s, data module {own:.2f} ({own / theirs:.1f} times); "
          f"tensors {tensors:.0f} MiB, peak {grown:.0f} ({grown / tensors:.1f} times)")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--parquet", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: its memory would hide that of reading.
        writer = multiprocessing.get_context("spawn").Process(
            target=write, args=(Path(folder), given.rows)
        )
        writer.start()
        writer.join()
        path = Path(folder) / "t.csv"
        if given.parquet:
            compare("parquet", path.with_suffix(".parquet"), pd.read_parquet)
        else:
            compare("csv", path, pd.read_csv)


if __name__ == "__main__":
    main()
