"""Segmentation results: IoU of each class, and image, mask and prediction side by side."""

import numpy as np
from numpy.typing import NDArray

from quintet.problems.segmentation import IGNORED
from quintet.report.html.table import Cell, Number, Table
from quintet.report.run.run_data import SPLITS, RunData

LEGEND = "Each shows the image, its mask and the prediction; one colour per class, grey is ignored."
GAP = 2
"""Pixels between two pictures."""


def by_class(run: RunData) -> Table:
    """Return IoU, Dice, precision and recall of every class, over all pixels."""
    split = str(run.latest)
    found = run.answers[split]
    counts = found.problem.counts(found.target, found.predicted)
    hit, predicted, member = (part.sum(axis=0) for part in counts)
    rows: list[list[Cell]] = [
        [
            name,
            _ratio(hit[i], predicted[i] + member[i] - hit[i]),
            _ratio(2 * hit[i], predicted[i] + member[i]),
            _ratio(hit[i], predicted[i]),
            _ratio(hit[i], member[i]),
            int(member[i]),
        ]
        for i, name in enumerate(run.names[: len(hit)])
    ]
    titles = [f"class, {SPLITS[split]}", "IoU", "Dice", "precision", "recall", "pixels"]
    return Table("Scores of each class, over all pixels", titles, rows)


def _ratio(above: float, below: float) -> Cell:
    return Number(float(above / below), f"{above / below:.3f}") if below else None


def beside(
    image: NDArray[np.uint8], target: NDArray[np.int64], predicted: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Return an image (H, W) or (H, W, 3), its mask and the prediction as one picture.

    Masks are subsampled to the image's size, as the image itself was.
    """
    height, width = image.shape[:2]
    step = -(-target.shape[0] // height), -(-target.shape[1] // width)
    coloured = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    true, said = (
        palette(part[:: step[0], :: step[1]][:height, :width]) for part in (target, predicted)
    )
    gap = np.full((height, GAP, 3), 255, dtype=np.uint8)
    return np.concatenate([coloured, gap, true, gap, said], axis=1)


def palette(classes: NDArray[np.int64] | NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a colour for each class, (H, W, 3): 0 is black, ignored pixels are grey.

    The colours of PASCAL VOC: bits of the class, spread over the three channels.
    """
    index = classes.astype(np.int64)
    colours = np.zeros((*index.shape, 3), dtype=np.int64)
    rest = np.maximum(index, 0)
    for bit in range(7, -1, -1):
        for channel in range(3):
            colours[..., channel] |= ((rest >> channel) & 1) << bit
        rest = rest >> 3
    colours[index == IGNORED] = 128
    return colours.astype(np.uint8)
