"""The part of an official split that a name denotes: train, Training, seg_test, dev, x_val ..."""

import re
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from quintet.base.errors import Code, UserError

NAMES = ("train", "val", "test")
WORDS = {
    **dict.fromkeys(("train", "training", "trn", "trainset", "trainval"), 0),
    **dict.fromkeys(("val", "valid", "validation", "dev", "devset", "valset", "development"), 1),
    **dict.fromkeys(("test", "testing", "tst", "testset", "holdout"), 2),
}
YES, NO = {"true", "yes", "1", "1.0", "y", "t"}, {"false", "no", "0", "0.0", "n", "f"}


def part_of(name: str) -> int | None:
    """Return the part that a name denotes, 0 to 2, or None for any other name."""
    words = _words(name)
    found = {WORDS[word] for word in words if word in WORDS}
    return found.pop() if len(found) == 1 else None


def without_part(name: str) -> str:
    """Return the rest of a name without the part: x for x_train, images for train_images."""
    return "_".join(word for word in _words(name) if word not in WORDS)


def parts_of(cells: Sequence[object], column: str) -> Tensor:
    """Return the part of each row, int64 (N,), that a column of a table assigns.

    Either its cells name parts, or its name does (`is_test`) and its cells are yes or no: yes is
    then that part, and no is training, or test if the name means training.

    Raises:
        UserError: a cell with another value.

    """
    words = [str(cell).strip() for cell in cells]
    known = {word: _part_of_cell(word, column) for word in set(words)}
    if strange := sorted(word for word, part in known.items() if part is None):
        row = words.index(strange[0]) + 1
        raise UserError(
            f"has the value '{strange[0]}' in row {row}, which is not the name of a part",
            code=Code.DATA,
            key="data.split",
            value=column,
            hint="Allowed: train, val or test (training, valid, dev ...); or yes and no in a "
            "column named like is_test",
        )
    if 0 not in known.values():
        raise UserError(
            "assigns no row to training", code=Code.DATA, key="data.split", value=column
        )
    return torch.tensor([known[word] for word in words], dtype=torch.int64)


def _part_of_cell(word: str, column: str) -> int | None:
    named = part_of(column)
    if named is not None and word.lower() in YES:
        return named
    if named is not None and word.lower() in NO:
        return 0 if named else 2
    return part_of(word)


def joined(sizes: Iterable[int]) -> Tensor:
    """Return the part of each sample, for samples ordered by part."""
    return torch.cat([torch.full((size,), part) for part, size in enumerate(sizes)])


def _words(name: str) -> list[str]:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.findall(r"[a-z]+", apart.lower())
