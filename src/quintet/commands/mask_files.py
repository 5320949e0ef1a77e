"""Predicted masks as files: one npz, or a folder of PNGs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from omegaconf import DictConfig
from torch import Tensor
from torch.nn.functional import interpolate

from quintet.artifacts.output_paths import check
from quintet.base import console, schema
from quintet.base.errors import Code, UserError
from quintet.base.files import replacing
from quintet.data.sources.reader import NewInput
from quintet.report.run.png import png

Mask = NDArray[Any]


def masks(probabilities: Tensor, new: NewInput, reader: dict[str, Any]) -> list[Mask]:
    """Return predicted masks in the format of the training masks, each as large as its image.

    Probabilities, not classes, are resized, so that edges are smooth.

    Args:
        probabilities: of the classes, (N, C, H, W).
        new: the images.
        reader: of the training data, with the value or colour of each class.

    Returns:
        masks (H, W), or (H, W, 3) of colours.

    """
    classes = probabilities.shape[1]
    values = schema.fitting(list[int] | None, reader.get("mask_values"), "mask_values")
    values = values or [*range(classes)]  # runs of earlier versions
    if len(values) != classes or not 0 <= min(values) <= max(values) < 1 << 32:
        raise ValueError(f"mask_values are {values}, of {classes} classes")
    as_written = np.asarray(values, dtype=np.min_scalar_type(max(values)))
    if reader.get("mask_colours"):
        as_written = np.stack([as_written >> shift & 0xFF for shift in (16, 8, 0)], axis=1)
        as_written = as_written.astype(np.uint8)
    return [as_written[classes] for classes in _full_size(probabilities, new)]


def _full_size(probabilities: Tensor, new: NewInput) -> Iterator[Mask]:
    """Yield the most probable class of each pixel of each image, (H, W)."""
    size = tuple(probabilities.shape[2:])
    for i, extent in enumerate(new.extents or [size] * len(probabilities)):
        found = probabilities[i : i + 1]
        if extent != size:
            found = interpolate(found, extent, mode="bilinear", align_corners=False)
        yield found[0].argmax(0).numpy()


def write(cfg: DictConfig, names: Sequence[str], masks: Sequence[Mask], output: Path) -> Path:
    """Write masks to an npz file or to a PNG for each sample.

    In the npz file they are `prediction`, (N, H, W), and `prediction_0` ... where sizes differ.

    Raises:
        UserError: the output already exists, or masks have values that a PNG cannot hold.

    """
    given = {"input": cfg.input, "run": cfg.run}
    overwrite = bool(cfg.get("overwrite"))
    if output.suffix:
        check(output, given, lambda path: False, overwrite=overwrite)
        arrays = {f"prediction_{i}": mask for i, mask in enumerate(masks)}
        if len({mask.shape for mask in masks}) == 1:
            arrays = {"prediction": np.stack(masks)}
        with replacing(output) as temporary, temporary.open("wb") as file:
            np.savez(file, **{"sample": np.asarray(names)} | arrays)  # type: ignore[arg-type]
    else:
        _write_folder(output, [Path(name).stem for name in names], masks, given, overwrite)
    console.say("{} predictions → [bold]{}[/]", len(masks), console.shortest(output))
    return output


def _write_folder(
    output: Path, stems: list[str], masks: Sequence[Mask], given: dict[str, Any], overwrite: bool
) -> None:
    if masks[0].dtype.itemsize > 2:
        raise UserError(
            "cannot hold these masks as PNGs, which have values up to 65535",
            code=Code.INCOMPATIBLE,
            key="output",
            value=output,
            hint="Give output=<file>.npz.",
        )
    if twice := [stem for stem, count in Counter(stems).items() if count > 1]:
        raise UserError(
            f"would hold two masks named {twice[0]}.png",
            code=Code.CONFLICT,
            key="output",
            value=output,
            hint="Give output=<file>.npz.",
        )
    for stem in stems:
        check(output / f"{stem}.png", given, lambda path: False, overwrite=overwrite)
    output.mkdir(parents=True, exist_ok=True)
    for stem, mask in zip(stems, masks, strict=True):
        with replacing(output / f"{stem}.png") as temporary:
            temporary.write_bytes(png(mask))
