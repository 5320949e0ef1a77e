"""Reading a table of 500,000 rows and 30 columns: CPU time and memory against pandas.read_csv.

python benchmarks/tables.py            # text; parquet where pyarrow is there

Prints medians over rounds: CPU seconds of `pandas.read_csv`, those of reading, typing, splitting
and scaling the same file for training, their ratio within a round, and the peak memory in units of
the resulting tensors. Each measurement has its own process, so that both get their memory from the
system, as at the start of a run.
"""

import argparse
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median

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
        frame[:200].to_parquet(folder / "small.parquet")
    except ImportError:
        print("no pyarrow: parquet is left out", file=sys.stderr)
    frame[:200].to_csv(folder / "small.csv", index=False)


def cpu(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def peak() -> float:
    """Return the peak resident memory so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def own(path: Path) -> tuple[float, float, float]:
    """Return CPU seconds, MiB of the tensors, and peak MiB of memory beyond the imports."""
    DataModule(partial(csv, str(path.with_name(f"small{path.suffix}")), "y")).load()  # imports
    data = DataModule(partial(csv, str(path), "y"))
    before = resident()
    seconds, grown = cpu(data.load), peak() - before
    tensors = sum(t.numel() * t.element_size() for xy in data.splits.values() for t in xy)
    return seconds, tensors / 2**20, grown


def theirs(path: Path) -> float:
    """Return the CPU seconds of pandas."""
    read = pd.read_parquet if path.suffix == ".parquet" else pd.read_csv
    read(path.with_name(f"small{path.suffix}"))  # imports
    return cpu(partial(read, path))


def alone(work, path: Path):
    """Run in a new process: reusing memory that another measurement has freed is cheaper."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, path).result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--parquet", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        alone(partial(write, rows=given.rows), Path(folder))
        path = Path(folder) / ("t.parquet" if given.parquet else "t.csv")
        rounds = [(alone(own, path), alone(theirs, path)) for _ in range(given.rounds)]
    pandas = median(seconds for _, seconds in rounds)
    seconds, tensors, grown = (
        median(values) for values in zip(*(o for o, _ in rounds), strict=True)
    )
    ratios = sorted(o[0] / t for o, t in rounds)
    print(
        f"{path.suffix[1:]:8} pandas {pandas:.2f} CPU s, data module {seconds:.2f}: "
        f"{median(ratios):.1f} times ({ratios[0]:.1f} to {ratios[-1]:.1f}); "
        f"tensors {tensors:.0f} MiB, peak {grown:.0f} ({grown / tensors:.1f} times)"
    )


if __name__ == "__main__":
    main()
