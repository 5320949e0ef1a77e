"""Significance of a difference: from two values, from the same samples, or from folds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev
from typing import Literal

from quintet.artifacts.predictions_file import Predictions

NORMAL = NormalDist().inv_cdf(0.975)
LEVEL = 0.05


@dataclass(frozen=True)
class Judgement:
    """How significant a difference is.

    Args:
        kind: chance: the two cannot be distinguished; unsure; clear; unknown: the metric is not a
            share of samples, so this cannot be determined from the two numbers.
        reason: in words.

    """

    kind: Literal["chance", "unsure", "clear", "unknown"]
    reason: str


def fewest(trials: int) -> int:
    """Return how many samples two models must differ on, all to one side, to be distinguished.

    The exact sign test (McNemar 1947) then has p = 2 / 2**n under 5 %, shared among as many
    comparisons as there were trials to pick the winner from (Bonferroni).
    """
    return math.ceil(math.log2(2 * trials / LEVEL))


def judge(
    metric: str, a: float, b: float, count: int | None, trials: int = 1, split: str = "validation"
) -> Judgement:
    """Compare the metric of a winner and of another model on the same `count` samples of a split.

    For accuracy, the fewest samples on which they can differ decide whether any paired test could
    distinguish them; the unpaired standard error decides, on the safe side, when the difference is
    clear. Both allow for the winner being picked from so many trials.
    """
    if metric != "accuracy" or not count:
        return Judgement("unknown", "two numbers do not show how much of it is chance")
    samples = round(abs(a - b) * count)
    of = f"{samples} of {count:,} {split} samples"
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


def judge_answers(metric: str, a: Predictions, b: Predictions, trials: int = 1) -> Judgement | None:
    """Compare two models on the samples that both predicted, by a paired bootstrap.

    The bootstrap's standard error, taken as normal, is what allows for the best of so many trials:
    a thousand resamples do not reach that far into the tails. None where they predicted other
    samples, or the metric is not one of the measures of `quintet.analysis`.
    """
    from quintet.analysis.bootstrap import difference
    from quintet.analysis.measures import MEASURES

    if metric not in MEASURES:
        return None
    try:
        found = difference(a, b, metric)
    except ValueError:
        return None
    if not math.isfinite(found.high - found.low):
        return None
    of = f"{found.low:+.2g} to {found.high:+.2g} on the same {len(a):,} samples (95 %)"
    if found.low <= 0 <= found.high:
        return Judgement("chance", f"{of}: chance alone could do this")
    error = (found.high - found.low) / (2 * NORMAL)
    if abs(found.value) > NormalDist().inv_cdf(1 - LEVEL / (2 * trials)) * error:
        return Judgement("clear", f"{of}: more than chance" + _even(trials))
    return Judgement("unsure", f"{of}: may be luck in the best of {trials} trials")


def judge_folds(a: Mapping[str, float], b: Mapping[str, float], trials: int = 1) -> Judgement:
    """Compare the metric of two cross-validated models fold by fold.

    Student's test with the variance enlarged, as folds share their training samples: by Nadeau and
    Bengio 2003, "Inference for the generalization error", with 1 / (k - 1) test samples to each
    training sample.
    """
    from scipy.special import stdtr

    both = sorted(a.keys() & b.keys())
    gaps = [a[fold] - b[fold] for fold in both]
    count = len(gaps)
    if count < 2:
        return Judgement("unknown", "they share no folds")
    mean, deviation = fmean(gaps), stdev(gaps)
    ahead = sum(gap * mean > 0 for gap in gaps)
    of = f"the same way in {ahead} of {count} folds"
    error = deviation * math.sqrt(1 / count + 1 / (count - 1))
    if mean == 0:
        return Judgement("chance", "equal")
    p = 2 * float(stdtr(count - 1, -abs(mean) / error)) if error else 0.0
    if p > LEVEL:
        return Judgement("chance", f"{of}: chance alone could do this")
    if p > LEVEL / trials:
        return Judgement("unsure", f"{of}: may be luck in the best of {trials} trials")
    return Judgement("clear", f"{of}: more than chance{_even(trials)}")


def _even(trials: int) -> str:
    return f", even in the best of {trials} trials" if trials > 1 else ""
