"""How much of a difference may be chance."""

import math
from dataclasses import dataclass
from typing import Literal

NORMAL = 1.959963984540054
"""Quantile of the normal distribution for a 95 % interval."""
FEWEST = 6
"""Samples, judged differently all to one side, from which a sign test has p < 0.05: 2 / 2**6."""


@dataclass(frozen=True)
class Judgement:
    """What a difference is worth.

    Args:
        kind: chance: no test could tell the two apart; unsure; clear; unknown: P is no share of
            samples, so this cannot be told from the two numbers.
        reason: in words.

    """

    kind: Literal["chance", "unsure", "clear", "unknown"]
    reason: str


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of `count` samples (Wilson 1927)."""
    z2 = NORMAL**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    spread = share * (1 - share) / count + z2 / (4 * count**2)
    half = NORMAL / (1 + z2 / count) * math.sqrt(spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def judge(metric: str, a: float, b: float, count: int | None) -> Judgement:
    """Compare P of two models on the same `count` validation samples.

    For accuracy, the fewest samples on which they can differ decide whether any paired test could
    tell them apart (exact sign test; McNemar 1947); the unpaired standard error decides, on the
    safe side, when the difference is clear.
    """
    if metric != "accuracy" or not count:
        return Judgement("unknown", "how much of it is chance, other seeds would show")
    samples = round(abs(a - b) * count)
    of = f"{samples} of {count:,} validation samples"
    if samples == 0:
        return Judgement("chance", "equal")
    if samples < FEWEST:
        return Judgement("chance", f"{of}: chance alone could do this")
    error = math.sqrt((a * (1 - a) + b * (1 - b)) / count)
    if abs(a - b) > NORMAL * error:
        return Judgement("clear", f"{of}: more than chance")
    return Judgement("unsure", f"{of}: may be chance")
