"""Images that a column of a table names: the only input of a sample, or one of two."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.base.paths import at_home
from quintet.data.named_inputs import rows_of
from quintet.data.parsing.column_cells import Cells
from quintet.data.samples import NamedInput, Samples
from quintet.data.sources.images import as_in_training, pictures

KIND = "image_table"
"""In `Samples.reader`."""


@dataclass(frozen=True)
class ImageColumn:
    """A column of image files, and how they are read; see `quintet.data.sources.images.images`."""

    name: str
    size: int | list[int] | None = None
    grayscale: bool | None = None
    background: str = "white"


def files_of(cells: Cells, folder: Path) -> list[str]:
    """Return the file of each row; relative paths begin at the table's folder.

    Raises:
        UserError: a cell is empty, or its file is not there.

    """
    words = cells.as_words()
    assert words.codes is not None
    found = [str(folder / at_home(word)) for word in words.words]
    if (empty := words.codes < 0).any():
        raise UserError(
            f"has {int(empty.sum())} empty cells, the first in row {int(empty.argmax()) + 1}",
            code=Code.DATA,
            key="data.image",
            value=cells.name,
            hint="Give each row an image, or leave the row out of the file.",
        )
    if missing := [file for file in found if not os.path.isfile(file)]:
        raise UserError(
            f"names {len(missing)} of {len(found)} files that are not there, such as {missing[0]}",
            code=Code.NOT_FOUND,
            key="data.image",
            value=cells.name,
            hint=f"Paths begin at the table's folder, {folder}.",
        )
    return [found[code] for code in words.codes.tolist()]


def with_images(samples: Samples, files: list[str], column: ImageColumn) -> Samples:
    """Return samples of a table with the image of each row, and its columns if it has any.

    Args:
        samples: of kind table, (N, F) with F from 0.
        files: an image for each.
        column: that names them.

    Raises:
        UserError: as `images`.

    """
    held_out = samples.split if samples.split is not None else torch.zeros(len(files))
    train = [file for file, part in zip(files, held_out.tolist(), strict=True) if not part]
    read = pictures(files, train, column.size, column.grayscale, column.background)
    picture = NamedInput("image", list(read.x.shape[1:]))
    readers: dict[str, Any] = {"image": {**read.reader, "of": "image", "shape": picture.shape}}
    samples.data_summary += [f"{column.name}: {len(files)} {read.colour} images.", *read.remarks]
    if columns := samples.x.shape[1]:
        samples.inputs = {"image": picture, "table": NamedInput("table", [columns])}
        readers["table"] = {**samples.reader, "of": "table", "shape": [columns]}
        samples.x = rows_of({"image": read.x, "table": samples.x})
    else:
        samples.kind, samples.x = "image", read.x
    samples.reader = {"kind": KIND, "column": column.name, "inputs": readers}
    return samples


def new_images_of(cells: Cells, folder: Path, reader: dict[str, Any]) -> tuple[Tensor, list[str]]:
    """Read the images of new rows as those of training; return them with remarks.

    Raises:
        UserError: one is missing or cannot be read.

    """
    return as_in_training(files_of(cells, folder), reader["inputs"]["image"])
