from pathlib import Path

import numpy as np
import pytest
import torch

from quintet.data.sources.pixels import Reading, read_image

Image = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_common_mode_is_read(tmp_path: Path, mode: str) -> None:
    suffix = "tif" if mode in ("CMYK", "I;16") else "png"
    file = tmp_path / f"white.{suffix}"
    if mode == "I;16":
        Image.fromarray(np.full((6, 5), 65535, dtype=np.uint16)).save(file)
    else:
        Image.new("RGB", (5, 6), "white").convert(mode).save(file)
    for channels in (1, 3):
        pixels = read_image(file, Reading((6, 5), channels))
        torch.testing.assert_close(pixels, torch.ones(channels, 6, 5))
