"""A folder of many small images, listed, split and streamed: CPU time and memory of each step.

python benchmarks/images.py [images] [folder]

Writes JPEG files of 32 x 32 pixels in ten classes (synthetic: only their number matters), then
reads them as `data=images data.lazy=true` does, in a separate process. The plain loop only opens,
decodes and stacks the same files in batches.
"""

import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

CLASSES, SIDE, BATCH = 10, 32, 256


def main() -> None:
    """Write the images and measure in a fresh process."""
    if sys.argv[1:2] == ["measure"]:
        return measure(Path(sys.argv[2]))
    count = int(sys.argv[1]) if sys.argv[1:] else 100_000
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if sys.argv[2:] else None) as home:
        write(Path(home), count)
        subprocess.run([sys.executable, __file__, "measure", home], check=True)
    return None


def write(home: Path, count: int) -> None:
    """Write copies of a hundred different images; linked files would share the cache."""
    from PIL import Image

    draw = np.random.default_rng(0)
    for number in range(CLASSES):
        (home / f"class_{number}").mkdir()
    first = home / "first.jpg"
    encoded = []
    for _ in range(100):
        Image.fromarray(draw.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)).save(first)
        encoded.append(first.read_bytes())
    first.unlink()
    for number in range(count):
        file = home / f"class_{number % CLASSES}" / f"{number:06}.jpg"
        file.write_bytes(encoded[number % 100])


def measure(home: Path) -> None:
    """Print what each stage costs."""
    import torch

    from quintet.data.module import DataModule
    from quintet.data.sources.images import images

    before = memory()
    module = DataModule(partial(images, str(home), lazy=True), batch_size=BATCH)
    start = time.process_time()
    facts = module.load()
    listed, at_listing = time.process_time() - start, memory() - before
    start = time.process_time()
    seen = sum(len(y) for _, y in module.train_dataloader())
    streamed, held = time.process_time() - start, memory() - before
    files = sorted(str(file) for file in home.rglob("*.jpg"))[:seen]
    start = time.process_time()
    for at in range(0, len(files), BATCH):
        torch.stack([plain(file) for file in files[at : at + BATCH]])
    loop = time.process_time() - start
    whole = seen * 3 * SIDE * SIDE * 4 / 2**20
    print(f"{facts.train_size:,} training images; all of them in memory would be {whole:.0f} MiB")
    print(f"list, headers, split, statistics  {listed:6.1f} CPU s  {at_listing:5.0f} MiB more")
    print(f"an epoch                          {streamed:6.1f} CPU s  {held:5.0f} MiB more")
    print(f"the plain loop                    {loop:6.1f} CPU s  ratio {streamed / loop:.2f}")


def plain(file: str) -> "Tensor":
    """Decode one image."""
    import torch
    from PIL import Image

    with Image.open(file) as picture:
        pixels = np.array(picture.convert("RGB"))
    return torch.from_numpy(pixels).movedim(-1, 0).float() / 255


def memory() -> float:
    """Return the peak memory of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
