"""Readable names of runs for trackers."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from quintet.artifacts.record import trained
from quintet.base.formatting import rounded, short
from quintet.base.paths import is_group

TIMED = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_")
"""Start of the default name of a run folder."""
IN_TITLE = ("model", "module")
STRATEGY = ("metric", "loss", "init", "optimizer", "scheduler", *IN_TITLE, "seed")
"""Keys whose overrides distinguish runs on the same data."""
LONGEST = 100


def of_trial(folder: Path, params: Mapping[str, str]) -> str:
    """Return the name of a trial: its parameters and its number.

    Examples:
        >>> of_trial(Path("trials/0012"), {"optimizer": "adam", "optimizer.lr": "0.0030000001"})
        'adam lr=0.003 · trial 12'

    """
    return _joined(_words(params), f"trial {int(folder.name)}")


def of_run(folder: Path, choices: Mapping[str, str | None], overrides: Iterable[str]) -> str:
    """Return the name of a run: that of its folder if it is not a default one.

    Examples:
        >>> chosen = {"model": "mlp", "data": "digits"}
        >>> of_run(Path("2026-11-28_07-43-11_032850_1"), chosen, ["optimizer=sgd", "trainer=cpu"])
        'mlp on digits · sgd'
        >>> of_run(Path("baseline"), chosen, ["optimizer=sgd"])
        'baseline'

    """
    if not TIMED.match(folder.name):
        return folder.name
    typed = dict(word.lstrip("+").split("=", 1) for word in overrides if "=" in word)
    told = {key: value for key, value in typed.items() if key.partition(".")[0] in STRATEGY}
    title = f"{trained(choices)} on {choices.get('data')}"
    return _joined([title], " ".join(_words({k: told[k] for k in told if k not in IN_TITLE})))


def _words(params: Mapping[str, str]) -> Iterator[str]:
    """Yield choices as options, and numbers with the last part of their key if it is unique."""
    count = Counter(map(short, params))
    for key, value in params.items():
        name = short(key) if count[short(key)] == 1 else key
        yield value if is_group(key) else f"{name}={rounded(value)}"


def _joined(words: Iterable[str], last: str) -> str:
    """Join words, truncated if they are long, and append `last`."""
    first = " ".join(words)
    room = LONGEST - len(last)
    kept = first if len(first) <= room else f"{first[: room - 1]}…"
    return " · ".join(filter(None, [kept, last]))
