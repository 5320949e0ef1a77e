"""Two interleaved half circles: the smallest data set that no linear model can separate."""

import torch

from quintet.data.samples import Samples
from quintet.data.sources.columns import number


def moons(samples: int = 400, noise: float = 0.2, draw: int = 0) -> Samples:
    """Return points in the plane, each on one of two noisy half circles.

    A source of your own reads its files here, whole, and leaves the rest alone: the DataModule
    splits, scales and batches, and works out the facts that models and losses ask for.

    Args:
        samples: number of points.
        noise: standard deviation of the noise on each coordinate.
        draw: seed of the points.

    Returns:
        x float32 (N, 2), y int64 (N,)

    """
    from sklearn.datasets import make_moons

    x, y = make_moons(samples, noise=noise, random_state=draw)
    return Samples(
        x=torch.tensor(x, dtype=torch.float32),
        y=torch.tensor(y, dtype=torch.int64),
        task="binary",
        kind="table",
        class_names=["upper", "lower"],
        data_summary=[f"{samples} points on two half circles, noise {noise}."],
        reader={"kind": "table", "columns": [number("x"), number("y")]},
    )
