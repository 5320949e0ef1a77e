"""150 iris flowers: a table read by pandas, as an example for your own."""

import torch

from quintet.data.samples import Samples
from quintet.data.sources.columns import number


def new_option(classes: int = 3) -> Samples:
    """Return iris flowers with 4 measurements in cm, 50 of each species (Fisher, 1936).

    Read all of your own data here. The DataModule splits, scales and batches them, and computes the
    facts that models and losses refer to.

    Args:
        classes: how many of the three species, from the first on.

    Returns:
        x float32 (N, 4), y int64 (N,)

    """
    from sklearn.datasets import load_iris

    bunch = load_iris(as_frame=True)
    frame = bunch.frame[bunch.frame["target"] < classes]
    inputs, target = frame.drop(columns="target"), frame["target"]
    return Samples(
        x=torch.tensor(inputs.to_numpy(), dtype=torch.float32),
        y=torch.tensor(target.to_numpy(), dtype=torch.int64),
        task="multiclass",
        kind="table",
        class_names=[str(name) for name in bunch.target_names[:classes]],
        data_summary=[f"{len(frame)} flowers of {classes} species."],  # shown when a run starts
        reader={"kind": "table", "columns": [number(name) for name in inputs.columns]},
    )
