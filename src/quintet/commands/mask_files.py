"""Predicted masks as files: one npz, or a folder of PNGs."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from omegaconf import DictConfig

from quintet.artifacts.output_paths import check
from quintet.base import console
from quintet.base.errors import Code, UserError
from quintet.base.files import replacing
from quintet.report.run.png import png


def write(cfg: DictConfig, names: Sequence[str], masks: NDArray[Any], output: Path) -> Path:
    """Write the class of every pixel, (N, H, W), to an npz file or to a PNG for each sample.

    The values of a PNG's pixels are the classes.

    Raises:
        UserError: the output is there already, or has more classes than a PNG has values.

    """
    given = {"input": cfg.input, "run": cfg.run}
    overwrite = bool(cfg.get("overwrite"))
    classes = masks.astype(np.uint8 if masks.max() < 256 else np.uint16)
    if output.suffix:
        check(output, given, lambda path: False, overwrite=overwrite)
        with replacing(output) as temporary, temporary.open("wb") as file:
            np.savez(file, sample=np.asarray(names), prediction=classes)
    else:
        _write_folder(output, [Path(name).stem for name in names], classes, given, overwrite)
    console.say("{} predictions → [bold]{}[/]", len(masks), console.shortest(output))
    return output


def _write_folder(
    output: Path, stems: list[str], classes: NDArray[Any], given: dict[str, Any], overwrite: bool
) -> None:
    if classes.dtype != np.uint8:
        raise UserError(
            f"cannot hold {classes.max() + 1} classes as PNGs, which have 256 values",
            code=Code.INCOMPATIBLE,
            key="output",
            value=output,
            hint="Give output=<file>.npz.",
        )
    if twice := [stem for stem, count in Counter(stems).items() if count > 1]:
        raise UserError(
            f"would hold two masks called {twice[0]}.png",
            code=Code.CONFLICT,
            key="output",
            value=output,
            hint="Give output=<file>.npz.",
        )
    for stem in stems:
        check(output / f"{stem}.png", given, lambda path: False, overwrite=overwrite)
    output.mkdir(parents=True, exist_ok=True)
    for stem, mask in zip(stems, classes, strict=True):
        with replacing(output / f"{stem}.png") as temporary:
            temporary.write_bytes(png(mask))
