"""Images named in columns of a table: the only input of a sample, or some of several."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from quintet.base.errors import Code, UserError
from quintet.base.paths import expand_home
from quintet.data.named_inputs import rows_of
from quintet.data.parsing.column_cells import Cells
from quintet.data.samples import NamedInput, Samples
from quintet.data.sources.images import Pictures, as_in_training, pictures
from quintet.data.sources.pixels import FileRows

KIND = "image_table"
"""In `Samples.reader`."""
TABLE = "table"
"""The input that holds all other columns."""


@dataclass(frozen=True)
class ImageColumns:
    """Columns of image files, and how they are read; see `quintet.data.sources.images.images`.

    Args:
        columns: their names.
        size: of all images; None takes for each column the size of its images.
        grayscale: whether images have one channel or three; None as `size`.
        background: background colour of transparent images.
        lazy: whether images stay on disk until a batch needs them.

    """

    columns: list[str]
    size: int | list[int] | None = None
    grayscale: bool | None = None
    background: str = "white"
    lazy: bool = False

    def inputs(self) -> dict[str, str]:
        """Return the column of each input by the input's name, which a model takes it by.

        Raises:
            UserError: several columns, one of whose names is none for an argument.

        """
        if len(self.columns) == 1:
            return {"image": self.columns[0]}
        for name in self.columns:
            if not name.isidentifier() or iskeyword(name) or name == TABLE:
                raise UserError(
                    "cannot be the name of a model's argument, by which it takes the image",
                    code=Code.INCOMPATIBLE,
                    key="data.image",
                    value=name,
                    allowed=[f"names of arguments in Python, but '{TABLE}'"],
                    hint="Rename the column.",
                )
        return {name: name for name in self.columns}


@dataclass
class NamedRows:
    """Images in files, along with columns in memory, as rows (N, F) that hold all of them."""

    images: dict[str, FileRows]
    table: Tensor | None = None

    def __len__(self) -> int:
        return len(next(iter(self.images.values())))

    def read(self, index: Tensor) -> Tensor:
        """Return the rows in `index`, (B, F)."""
        parts = {name: rows.read(index) for name, rows in self.images.items()}
        return rows_of(parts if self.table is None else {**parts, TABLE: self.table[index]})


def files_of(cells: Cells, folder: Path) -> list[str]:
    """Return the file of each row; paths are relative to the table's folder.

    Raises:
        UserError: a cell is empty, or its file does not exist.

    """
    words = cells.as_words()
    assert words.codes is not None
    found = [str(folder / expand_home(word)) for word in words.words]
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
            f"names {len(missing)} files, of {len(found)}, that do not exist, such as {missing[0]}",
            code=Code.NOT_FOUND,
            key="data.image",
            value=cells.name,
            hint=f"Paths are relative to the table's folder, {folder}.",
        )
    return [found[code] for code in words.codes.tolist()]


def with_images(samples: Samples, files: dict[str, list[str]], settings: ImageColumns) -> Samples:
    """Return samples of a table with the images of each row, and its columns if it has any.

    Args:
        samples: of kind table, (N, F) with F from 0.
        files: an image per row, by column.
        settings: of the columns.

    Raises:
        UserError: as `images`, and as `ImageColumns.inputs`.

    """
    inputs = settings.inputs()
    read = {name: _pictures(samples, files[column], settings) for name, column in inputs.items()}
    shapes = {name: NamedInput("image", list(each.x.shape[1:])) for name, each in read.items()}
    readers: dict[str, Any] = {
        name: {**each.reader, "of": "image", "shape": shapes[name].shape}
        for name, each in read.items()
    }
    for name, each in read.items():
        told = f"{inputs[name]}: {len(each.rows)} {each.colour} images."
        samples.data_summary += [told, *each.remarks]
    if columns := samples.x.shape[1]:
        shapes[TABLE] = NamedInput("table", [columns])
        readers[TABLE] = {**samples.reader, "of": "table", "shape": [columns]}
    rows = NamedRows({n: each.rows for n, each in read.items()}, samples.x if columns else None)
    samples.reader = {"kind": KIND, "columns": inputs, "inputs": readers}
    if len(shapes) == 1:
        return _alone(samples, read["image"], settings.lazy)
    samples.inputs = shapes
    if settings.lazy:
        samples.rows, samples.x = rows, samples.x.new_zeros(0, sum(s.size for s in shapes.values()))
    else:
        parts = {name: each.x for name, each in read.items()}
        samples.x = rows_of({**parts, TABLE: samples.x} if columns else parts)
    return samples


def _pictures(samples: Samples, files: list[str], settings: ImageColumns) -> Pictures:
    """Read a column's images, whose ranges are those of the rows that may be trained on."""
    held_out = samples.split if samples.split is not None else torch.zeros(len(files))
    train = [file for file, part in zip(files, held_out.tolist(), strict=True) if not part]
    return pictures(
        files, train, settings.size, settings.grayscale, settings.background, settings.lazy
    )


def _alone(samples: Samples, read: Pictures, lazy: bool) -> Samples:
    """Return samples whose only input is an image."""
    samples.kind, samples.x = "image", read.x[:0].clone() if lazy else read.x
    samples.rows = read.rows if lazy else None
    return samples


def new_images_of(
    cells: Mapping[str, Cells], folder: Path, reader: dict[str, Any]
) -> tuple[dict[str, Tensor], list[str]]:
    """Read the images of new rows as those of training; return them by input, with remarks.

    Raises:
        UserError: one is missing or cannot be read.

    """
    found, remarks = {}, []
    for name, column in reader["columns"].items():
        found[name], told = as_in_training(files_of(cells[column], folder), reader["inputs"][name])
        remarks += told
    return found, remarks
