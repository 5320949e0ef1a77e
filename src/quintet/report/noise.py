"""How much of a difference may be chance."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

NORMAL = NormalDist().inv_cdf(0.975)
LEVEL = 0.05


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


def fewest(trials: int) -> int:
    """Return how many samples two models must differ on, all to one side, to be told apart.

    The exact sign test (McNemar 1947) then has p = 2 / 2**n under 5 %, shared among as many
    comparisons as there were trials to pick the winner from (Bonferroni).
    """
    return math.ceil(math.log2(2 * trials / LEVEL))


def judge(metric: str, a: float, b: float, count: int | None, trials: int = 1) -> Judgement:
    """Compare P of a winner and of another model on the same `count` validation samples.

    For accuracy, the fewest samples on which they can differ decide whether any paired test could
    tell them apart; the unpaired standard error decides, on the safe side, when the difference is
    clear. Both allow for the winner being picked from so many trials.
    """
    if metric != "accuracy" or not count:
        return Judgement("unknown", "how much of it is chance, other seeds would show")
    samples = round(abs(a - b) * count)
    of = f"{samples} of {count:,} validation samples"
    among = f" in the best of {trials} trials" if trials > 1 else ""
    if samples == 0:
        return Judgement("chance", "equal")
    if samples < fewest(trials):
        return Judgement("chance", f"{of}: chance alone could do this{among}")
    error = math.sqrt((a * (1 - a) + b * (1 - b)) / count)
    if abs(a - b) > NormalDist().inv_cdf(1 - LEVEL / (2 * trials)) * error:
        return Judgement(
            "clear", f"{of}: more than chance, even{among}" if among else f"{of}: clear"
        )
    return Judgement("unsure", f"{of}: may be chance")
