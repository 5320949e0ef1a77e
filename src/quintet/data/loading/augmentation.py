"""Random changes of training batches, on the device, as a function of seed, epoch and batch.

Validation and test batches are never changed. Images are changed after scaling, so strengths of
colour are in units of a channel's width. Masks (B, H, W) move with their images.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from quintet.base.errors import Code, UserError, check_known
from quintet.data.samples import Samples
from quintet.problems import problem_of

Move = Callable[[Tensor, str], Tensor]
"""Moves the pixels of (B, C, H, W), with interpolation in the given mode."""
Chosen = str | Sequence[str] | Mapping[str, float] | None
DEFAULTS = {"crop": 0.125, "flip": 0.5, "rotate": 15.0, "colour": 0.2, "mixup": 0.2, "cutmix": 1.0}
"""The available changes in the order of application, with their default strengths."""
MOST = {"crop": 1.0, "flip": 1.0, "rotate": 180.0, "colour": 1.0, "mixup": 10.0, "cutmix": 10.0}
MIXES = ("mixup", "cutmix")


class Mixed(NamedTuple):
    """Targets of a batch in which each sample is a mixture of two."""

    first: Tensor
    second: Tensor
    share: float
    """Weight of the first; the loss is the weighted mean of the two losses."""


@dataclass(frozen=True)
class Augmentation:
    """The changes applied to each training batch, and their strengths.

    - crop: shift by up to this share of each side, with reflection padding
    - flip: mirror horizontally, with this probability
    - rotate: rotate by up to this many degrees
    - colour: change brightness, contrast and saturation by up to this share
    - mixup: blend with another sample, with a weight from Beta(a, a) (Zhang et al., 2018, "mixup:
      Beyond empirical risk minimization")
    - cutmix: paste a rectangle of another sample, likewise (Yun et al., 2019, "CutMix"). A
      batch gets either mixup or cutmix, at random.

    Args:
        strengths: by name.
        masks: whether targets are masks (B, H, W) of the images.

    """

    strengths: dict[str, float]
    masks: bool = False

    def __call__(
        self, x: Tensor, y: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor | Mixed]:
        """Return a changed batch; all random numbers come from the generator, on the CPU."""
        for name, drawn in MOVES.items():
            if strength := self.strengths.get(name):
                move = drawn(x, strength, generator)
                x = move(x, "bilinear")
                y = move(y[:, None].float(), "nearest")[:, 0].to(y.dtype) if self.masks else y
        if strength := self.strengths.get("colour"):
            x = _colour(x, strength, generator)
        mixes = [name for name in MIXES if self.strengths.get(name)]
        if not mixes or len(x) < 2:
            return x, y
        name = mixes[int(torch.randint(len(mixes), (1,), generator=generator))]
        other = torch.randperm(len(x), generator=generator).to(x.device)
        share = _beta(self.strengths[name], generator)
        if name == "mixup":
            return torch.lerp(x[other], x, share), Mixed(y, y[other], share)
        where, share = _rectangle(x, share, generator)
        targets = torch.where(where, y[other], y) if self.masks else Mixed(y, y[other], share)
        return torch.where(where, x[other], x), targets


def augmentation(chosen: Chosen, samples: Samples) -> Augmentation | None:
    """Return the augmentation of `data.augment=`, if it suits the samples.

    Args:
        chosen: a name, several, or a mapping of names to strengths.
        samples: only task, kind and cardinalities are read.

    Raises:
        UserError: an unknown name, a strength out of range, or a change that does not apply.

    """
    if chosen is None:
        return None
    names = [chosen] if isinstance(chosen, str) else list(chosen)
    given = chosen if isinstance(chosen, Mapping) else {}
    strengths = {}
    for name in names:
        check_known("data.augment", name, DEFAULTS)
        _check_kind(name, samples)
        strengths[name] = _strength(name, given.get(name))
    ordered = {name: strengths[name] for name in DEFAULTS if name in strengths}
    return Augmentation(ordered, masks=problem_of(samples.task).dense)


def _strength(name: str, given: object) -> float:
    if given is None or given is True:
        return DEFAULTS[name]
    if given is False:
        return 0.0
    if not isinstance(given, int | float) or not 0 <= given <= MOST[name]:
        raise UserError(
            f"must be a number from 0 to {MOST[name]:g}; usual is {DEFAULTS[name]:g}",
            code=Code.OUT_OF_RANGE,
            key=f"data.augment.{name}",
            value=given,
        )
    return float(given)


def _check_kind(name: str, samples: Samples) -> None:
    """Reject a change that has no meaning for a kind of data."""
    if samples.kind == "image":
        return
    if name != "mixup":
        reason = f"changes images, and this is a {samples.kind}, whose features have no positions"
    elif samples.kind == "tokens":
        reason = "blends numbers, and nothing lies between two tokens"
    elif samples.cardinalities:
        reason = "blends numbers, and this table has categories: nothing lies between two of them"
    else:
        return
    allowed = "mixup" if name != "mixup" and samples.kind != "tokens" else "null"
    raise UserError(
        reason,
        code=Code.INCOMPATIBLE,
        key="data.augment",
        value=name,
        hint=f"Leave it out (data.augment={allowed})",
    )


def _crop(x: Tensor, strength: float, generator: torch.Generator) -> Move:
    height, width = x.shape[-2:]
    reach = [min(round(strength * side), side - 1) for side in (height, width)]
    rows, columns = (
        (torch.arange(side) + torch.randint(2 * most + 1, (len(x), 1), generator=generator))
        for side, most in zip((height, width), reach, strict=True)
    )
    batch = torch.arange(len(x), device=x.device)[:, None, None]
    where = (batch, slice(None), rows.to(x.device)[:, :, None], columns.to(x.device)[:, None, :])

    def move(pixels: Tensor, mode: str) -> Tensor:
        padded = F.pad(pixels, (reach[1], reach[1], reach[0], reach[0]), mode="reflect")
        return padded[where].permute(0, 3, 1, 2).contiguous()

    return move


def _flip(x: Tensor, probability: float, generator: torch.Generator) -> Move:
    flipped = (torch.rand(len(x), 1, 1, 1, generator=generator) < probability).to(x.device)
    return lambda pixels, mode: torch.where(flipped, pixels.flip(-1), pixels)


def _rotate(x: Tensor, degrees: float, generator: torch.Generator) -> Move:
    angle = _uniform(x, generator).flatten() * math.radians(degrees)
    height, width = x.shape[-2:]
    cosine, sine = angle.cos(), angle.sin()
    # affine_grid counts each side from -1 to 1, whatever its length.
    rows = [
        torch.stack([cosine, -sine * (height / width), torch.zeros_like(angle)], dim=1),
        torch.stack([sine * (width / height), cosine, torch.zeros_like(angle)], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1), list(x.shape), align_corners=False)
    return lambda pixels, mode: F.grid_sample(
        pixels, grid, mode=mode, padding_mode="reflection", align_corners=False
    )


MOVES: dict[str, Callable[[Tensor, float, torch.Generator], Move]] = {
    "crop": _crop,
    "flip": _flip,
    "rotate": _rotate,
}


def _colour(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    brightness, contrast, saturation = (strength * _uniform(x, generator) for _ in range(3))
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = mean + (x - mean) * (1 + contrast) + brightness
    if x.shape[1] != 3:
        return x
    grey = x.mean(dim=1, keepdim=True)
    return grey + (x - grey) * (1 + saturation)


def _rectangle(x: Tensor, share: float, generator: torch.Generator) -> tuple[Tensor, float]:
    """Return a rectangle (H, W) of 1 - share of the area, and the share that actually remains."""
    height, width = x.shape[-2:]
    side = math.sqrt(1 - share)
    at = torch.rand(2, generator=generator).tolist()
    top, bottom = _span(at[0], side, height)
    left, right = _span(at[1], side, width)
    inside = torch.zeros(height, width, dtype=torch.bool)
    inside[top:bottom, left:right] = True
    return inside.to(x.device), 1 - (bottom - top) * (right - left) / (height * width)


def _span(centre: float, share: float, side: int) -> tuple[int, int]:
    middle, half = centre * side, share * side / 2
    return max(0, round(middle - half)), min(side, round(middle + half))


def _uniform(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return a number from -1 to 1 for each image, (B, 1, 1, 1)."""
    return (2 * torch.rand(len(x), 1, 1, 1, generator=generator) - 1).to(x)


def _beta(a: float, generator: torch.Generator) -> float:
    """Draw from Beta(a, a), for which torch accepts no generator."""
    seed = int(torch.randint(2**62, (1,), generator=generator))
    return float(np.random.default_rng(seed).beta(a, a))
