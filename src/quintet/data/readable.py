"""Inputs in human-readable form: pictures, named cells, texts."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quintet.base.formatting import rounded
from quintet.data.named_inputs import split_row
from quintet.data.samples import Kind, NamedInput
from quintet.data.sources.columns import PARTS, Spec, width

LARGEST = 128
"""Pixels of a picture's longer side; larger pictures are subsampled."""


def readable(x: Tensor, kind: Kind, reader: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Turn inputs in their own units, (M, ...), into plain arrays; see `evidence.Examples`.

    Args:
        x: in the shapes of `Samples.x`, not scaled.
        kind: of the inputs.
        reader: how the data was read, which holds names and words.

    """
    if (inputs := reader.get("inputs")) is not None:
        return _of_several(x, inputs)
    if kind == "image":
        return {"image": pictures(x, float(reader.get("white", 0)))}
    if kind == "tokens":
        return {"text": np.array([sentence(row, reader) for row in x.tolist()])}
    if kind == "sequence":
        return {"window": x.numpy()}
    specs = reader.get("columns") or [f"feature {i}" for i in range(x.shape[1])]
    named = list(columns(specs))
    cells = [[cell(v, spec) for v, (_, spec) in zip(row, named, strict=True)] for row in x.tolist()]
    return {"columns": np.array([name for name, _ in named]), "cells": np.array(cells)}


def _of_several(x: Tensor, readers: dict[str, dict[str, Any]]) -> dict[str, NDArray[Any]]:
    """Return the pictures of samples with several inputs, or else their first input."""
    inputs = {name: NamedInput(own["of"], list(own["shape"])) for name, own in readers.items()}
    kinds = {each.kind: name for name, each in reversed(inputs.items())}
    shown = kinds.get("image", next(iter(inputs)))
    return readable(split_row(x, inputs)[shown], inputs[shown].kind, readers[shown])


def pictures(x: Tensor, white: float) -> NDArray[np.uint8]:
    """Return images (M, C, H, W) as grey (M, H, W) or colour (M, H, W, 3) from 0 to 255.

    Args:
        x: pixels from 0 to `white`; if that is 0, each image from its lowest to its highest value.
        white: the value of a white pixel.

    """
    thin = max(1, -(-max(x.shape[-2:]) // LARGEST))
    x = x[:, :3] if x.shape[1] >= 3 else x[:, :1]
    x = x[..., ::thin, ::thin].float()
    low = x.amin((1, 2, 3), keepdim=True) if white <= 0 else torch.zeros(())
    high = x.amax((1, 2, 3), keepdim=True) if white <= 0 else torch.tensor(white)
    grey = ((x - low) / (high - low).clamp_min(1e-12) * 255).round().clamp(0, 255).byte().numpy()
    return grey[:, 0] if grey.shape[1] == 1 else np.moveaxis(grey, 1, -1)


def sentence(ids: list[int], reader: dict[str, Any]) -> str:
    """Return the words of a padded row of token ids (0 pads, 1 is unknown)."""
    words = reader.get("vocabulary")
    if not words:
        return " ".join(str(i) for i in ids if i)
    return " ".join("?" if i == 1 else str(words[i - 2]) for i in ids if i)


def columns(specs: list[Spec | str]) -> list[tuple[str, Spec]]:
    """Return the name and description of each feature of a table; dates and texts have several."""
    found: list[tuple[str, Spec]] = []
    for spec in specs:
        if isinstance(spec, str):
            found.append((spec, {"name": spec, "type": "number"}))
        elif spec["type"] == "date":
            for part in spec.get("parts", PARTS[:3]):
                title = f"{spec['name']} ({part})" if part else str(spec["name"])
                found.append((title, {**spec, "part": part}))
        elif spec["type"] == "text":
            titles = [f"{spec['name']} (n-grams {at})" for at in range(1, width(spec) + 1)]
            found += [(title, {**spec, "type": "number"}) for title in titles]
        else:
            found.append((str(spec["name"]), spec))
    return found


def cell(value: float, spec: Spec) -> str:
    """Return a value of a column as in the table, with four digits or all of its integer part."""
    if spec["type"] == "category":
        return str(spec["categories"][int(value) - 1]) if value >= 1 else "?"
    if np.isnan(value):
        return ""
    if spec["type"] == "boolean":
        return "yes" if value > 0.5 else "no"
    if spec["type"] == "date" and not spec["part"]:
        days = value + float(spec.get("offset", 0.0))
        if "hour" not in spec.get("parts", ()):
            return str(np.datetime64(round(days), "D"))
        return str(np.datetime64(round(days * 1440), "m")).replace("T", " ")
    if spec["type"] == "date":
        return rounded(str(value))
    return rounded(str(value + float(spec.get("offset", 0.0))))
